"""Who speaks with whom just now, out of what the exchange answers to GET /channels, /bridges and
/endpoints. No clock, no link: a picture of one moment.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any

from gateway.telephone.ari.errors import UnsuitableExchangeError
from gateway.telephone.exchange import LINKED

# Channels that are nobody's telephone: halves of a wire inside the exchange, and its own voices.
NOT_TELEPHONES = frozenset(
    {
        "Announcer", "AudioSocket", "Bridge", "CBAnn", "CBRec", "ConfBridgeRec", "Local",
        "Message", "MulticastRTP", "Recorder", "Snoop", "Surrogate", "UnicastRTP", "WebSocket",
    }
)  # fmt: skip
_CALLED = ("AppDial", "AppDial2")


class Doing(Enum):
    """What a telephone does in a call."""

    CALLS = "calls"  # it hears the ringing tone
    RINGS = "rings"
    SPEAKS = "speaks"  # with another telephone
    HEARS = "hears"  # the exchange, or the application: a menu, a mailbox, an empty room


@dataclass(frozen=True)
class Party:
    """One telephone in a call. endpoint: what it is called in the exchange: a hardware address, or
    a trunk. number and name: what it shows."""

    endpoint: str
    number: str
    name: str
    doing: Doing


@dataclass(frozen=True)
class Talk:
    """One call with all who are in it, who called first. dialled: what was dialled, or "" where
    the exchange called by itself. since: when they began to speak, or else when it began (s since
    1970). called: who of the parties was rung, by place."""

    id: str
    parties: tuple[Party, ...]
    dialled: str
    since: float
    called: frozenset[int]

    @property
    def speaking(self) -> bool:
        return any(party.doing is Doing.SPEAKS for party in self.parties)


@dataclass(frozen=True)
class Picture:
    """All calls, the oldest first; and of each endpoint whether it is registered."""

    talks: tuple[Talk, ...]
    registered: Mapping[str, bool]

    def doing(self, endpoint: str) -> tuple[Doing, ...]:
        """What a telephone does, once for each of its calls."""
        return tuple(
            party.doing
            for talk in self.talks
            for party in talk.parties
            if party.endpoint == endpoint
        )


@dataclass(frozen=True)
class _Channel:
    id: str
    technology: str
    endpoint: str
    state: str
    number: str
    name: str
    called: bool
    exten: str
    began: float
    linked: str


def picture(channels: Any, bridges: Any, endpoints: Any) -> Picture:
    """The picture. Raises UnsuitableExchangeError for answers of another shape."""
    try:
        known = [_channel(each) for each in channels]
        together = [
            (frozenset(map(str, each["channels"])), _seconds(each["creationtime"]))
            for each in bridges
        ]
        registered = {
            str(each["resource"]): each["state"] == "online"
            for each in endpoints
            if each["technology"] in ("PJSIP", "SIP")
        }
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise UnsuitableExchangeError(f"an answer of ARI has not its form: {error!r}") from error
    talks = [_talk(each, together) for each in _calls(known, [ids for ids, _ in together])]
    found = [each for each in talks if each is not None]
    return Picture(tuple(sorted(found, key=lambda talk: (talk.since, talk.id))), registered)


def _channel(said: Mapping[str, Any]) -> _Channel:
    technology, _, rest = str(said["name"]).partition("/")
    dialplan = said["dialplan"]
    return _Channel(
        id=str(said["id"]),
        technology=technology,
        endpoint=rest.partition(";")[0].rpartition("-")[0],
        state=str(said["state"]),
        number=str(said["caller"]["number"]),
        name=str(said["caller"]["name"]),
        called=dialplan.get("app_name") in _CALLED,
        exten=str(dialplan["exten"]),
        began=_seconds(said["creationtime"]),
        linked=str((said.get("channelvars") or {}).get(LINKED) or said["id"]),
    )


def _seconds(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


def _calls(
    channels: Iterable[_Channel], together: Iterable[frozenset[str]]
) -> Iterable[list[_Channel]]:
    """Channels of one call: linked by the exchange, or in one bridge. Oldest first."""
    call_of: dict[str, list[_Channel]] = {}
    for channel in channels:
        call = call_of.setdefault(channel.linked, [])
        call.append(channel)
        call_of[channel.id] = call
    for ids in together:
        _join(call_of, [each for each in ids if each in call_of])
    seen: set[int] = set()
    for call in call_of.values():
        if id(call) not in seen:
            seen.add(id(call))
            yield sorted(call, key=lambda each: (each.began, each.id))


def _join(call_of: dict[str, list[_Channel]], ids: list[str]) -> None:
    for other in ids[1:]:
        one, two = call_of[ids[0]], call_of[other]
        if one is not two:
            one.extend(two)
            for name, call in call_of.items():
                if call is two:
                    call_of[name] = one


def _talk(call: list[_Channel], together: list[tuple[frozenset[str], float]]) -> Talk | None:
    """None where no telephone takes part (any more)."""
    telephones = [each for each in call if each.technology not in NOT_TELEPHONES]
    if not telephones:
        return None
    ours = frozenset(each.id for each in call)
    # Wires inside the exchange lead on, so bridges that share a call are one conversation.
    bridged = [(ids & ours, since) for ids, since in together if len(ids & ours) > 1]
    spoken_with = frozenset().union(*(ids for ids, _ in bridged))
    parties = tuple(
        Party(each.endpoint, each.number, each.name, _doing(each, each.id in spoken_with))
        for each in telephones
    )
    since = max((began for _, began in bridged), default=min(each.began for each in call))
    dialled = next((each.exten for each in telephones if not each.called and _digits(each)), "")
    called = frozenset(place for place, each in enumerate(telephones) if each.called)
    return Talk(telephones[0].linked, parties, dialled, since, called)


def _digits(channel: _Channel) -> bool:
    return channel.exten.strip("*#").isdigit()


def _doing(channel: _Channel, bridged: bool) -> Doing:
    if channel.state == "Ringing":
        return Doing.RINGS
    if channel.state != "Up":
        return Doing.CALLS
    return Doing.SPEAKS if bridged else Doing.HEARS
