"""The picture of the exchange in the words of the house: whose phones, which numbers."""

from dataclasses import dataclass
from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.directory import model as directory
from central.directory.kinds.choices import purpose
from central.store import Row, Tx
from gateway.telephone.directory import Trunk
from gateway.telephone.picture import Doing, Party, Picture, Talk

DOING = {
    Doing.CALLS: N_("calls"),
    Doing.RINGS: N_("rings"),
    Doing.SPEAKS: N_("speaks"),
    Doing.HEARS: N_("listens"),
}
# What a phone does, the ones to look at first: its words and the colour of its mark.
AWAY, UNKNOWN, BUSY, SPEAKS, RINGS, FREE = "away", "unknown", "busy", "speaks", "rings", "free"
STATES = {
    RINGS: N_("rings"),
    SPEAKS: N_("in a call"),
    BUSY: N_("busy: no more calls"),
    AWAY: N_("not registered"),
    UNKNOWN: N_("not known to the exchange yet"),
    FREE: N_("not in use"),
}
_ORDER = list(STATES)


@dataclass(frozen=True)
class House:
    """Who is who, by device and by number."""

    phones: dict[str, Row]
    numbers: dict[str, str]
    trunks: dict[str, str]

    @classmethod
    def of(cls, tx: Tx) -> "House":
        numbers = {row["number"]: str(row["label"]) for row in directory.extensions(tx)}
        services = tx.all("SELECT number, purpose FROM services")
        rooms = {row["number"]: str(row["label"]) for row in directory.rooms(tx)}
        trunks = [str(row["name"]) for row in tx.all("SELECT name FROM trunks")]
        return cls(
            phones={row["device"]: row for row in directory.phones(tx)},
            numbers=numbers | rooms | {row["number"]: purpose(row["purpose"]) for row in services},
            trunks={Trunk(name, "").endpoint: name for name in trunks},
        )

    def party(self, party: Party) -> dict[str, Any]:
        """One who takes part: "8003 Station", the phone if it is one of ours, what it does."""
        phone = self.phones.get(party.endpoint)
        trunk = self.trunks.get(party.endpoint)
        name = self.numbers.get(party.number) or party.name
        return {
            "words": f"{party.number} {name}".strip() or party.endpoint,
            "device": None if phone is None else party.endpoint,
            "where": _("outside, over %(line)s", line=trunk) if trunk
            else "" if phone is None else str(phone["label"]),
            "doing": _(DOING[party.doing]),
            "rings": party.doing is Doing.RINGS,
        }  # fmt: skip

    def talk(self, talk: Talk, now_s: float) -> dict[str, Any]:
        """A call: who called, with whom, since when, and by which number."""
        callers = [self.party(each) for place, each in enumerate(talk.parties)
                   if place not in talk.called]  # fmt: skip
        others = [self.party(each) for place, each in enumerate(talk.parties)
                  if place in talk.called]  # fmt: skip
        if len(callers) > 1:  # a conference, or calls that were joined
            callers, others = callers[:1], callers[1:] + others
        name = self.numbers.get(talk.dialled)
        return {
            "id": talk.id,
            "callers": callers,
            "others": others,
            "speaking": talk.speaking,
            "ringing": any(each["rings"] for each in others),
            "age_ms": max(0, int((now_s - talk.since) * 1000)),
            "dialled": f"{talk.dialled} {name or ''}".strip(),
        }

    def states(self, seen: Picture) -> list[dict[str, Any]]:
        """Every phone of the directory and how it is, the ones to look at first."""
        rows: list[dict[str, Any]] = [
            {"row": row, "state": _state(seen, device, int(row["lines"]))}
            for device, row in self.phones.items()
        ]
        for each in rows:
            each["words"] = _(STATES[each["state"]])
        rows.sort(key=lambda each: (_ORDER.index(each["state"]), each["row"]["number"]))
        return rows


def _state(seen: Picture, device: str, lines: int) -> str:
    doing = seen.doing(device)
    if Doing.RINGS in doing:
        return RINGS
    if doing:
        return BUSY if len(doing) >= lines else SPEAKS
    if device not in seen.registered:
        return UNKNOWN
    return FREE if seen.registered[device] else AWAY
