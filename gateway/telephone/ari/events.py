"""What the exchange tells us, and about whom."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Ours, beside Asterisk's: what a channel or bridge is told after the connection was lost.
RESUMED = "Resumed"  # it is still there; what it said meanwhile is lost
VANISHED = "Vanished"  # it is not there any more
FOUND = "Found"  # it is with our application, and nobody here knows it

# All that Asterisk shall send: what somebody here waits for. The rest, such as every variable of
# the dial plan, would be most of what comes.
WANTED = (
    "ApplicationReplaced",
    "BridgeAttendedTransfer",
    "BridgeBlindTransfer",
    "BridgeDestroyed",
    "ChannelDestroyed",
    "ChannelDtmfReceived",
    "ChannelEnteredBridge",
    "ChannelLeftBridge",
    "PlaybackFinished",
    "RESTResponse",  # the answers to our own requests
    "RecordingFailed",
    "RecordingFinished",
    "StasisEnd",
    "StasisStart",
)
# What no other event of the same channel or bridge follows.
LAST = frozenset({"StasisEnd", "ChannelDestroyed", "BridgeDestroyed", VANISHED})
_CHANNELS = ("channel", "peer", "caller", "replace_channel", "transferee", "transfer_target")
_TARGETS = ("playback", "recording")


@dataclass(frozen=True)
class Subject:
    """Whom an event is about. kind: "channel" or "bridge"."""

    kind: str
    id: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class Event:
    """body: as Asterisk sent it; subjects: the channels and bridges it is about."""

    type: str
    body: dict[str, Any]
    subjects: tuple[Subject, ...] = ()

    @property
    def digit(self) -> str:
        """The key that was pressed, of a ChannelDtmfReceived. Never to be logged: it may be part
        of a PIN."""
        return str(self.body.get("digit", ""))

    def ends(self, subject: Subject) -> bool:
        """Whether it is the last thing about `subject`."""
        return self.type in LAST and self.subjects[:1] == (subject,)

    @property
    def arrives(self) -> bool:
        """Whether a channel is with us now: it has come, or had come when a lost connection was
        back."""
        came_meanwhile = self.type == RESUMED and entered(self.body.get("channel") or {})
        return self.type == "StasisStart" or came_meanwhile


def entered(described: Mapping[str, Any]) -> bool:
    """Whether a channel, as the exchange describes it, has come into an application."""
    return (described.get("dialplan") or {}).get("app_name") == "Stasis"


def channel(id: str) -> Subject:
    return Subject("channel", id)


def bridge(id: str) -> Subject:
    return Subject("bridge", id)


def event(body: dict[str, Any]) -> Event:
    """The event of a message; the one it is about first, without repeats."""
    found: list[Subject] = []
    for field in _CHANNELS:
        found += _subject("channel", body.get(field))
    found += _subject("bridge", body.get("bridge"))
    for field in _TARGETS:
        target = body.get(field)
        if isinstance(target, dict):
            kind, _, id = str(target.get("target_uri", "")).partition(":")
            if kind in ("channel", "bridge") and id:
                found.append(Subject(kind, id))
    return Event(str(body.get("type", "")), body, tuple(dict.fromkeys(found)))


def _subject(kind: str, described: Any) -> list[Subject]:
    id = described.get("id") if isinstance(described, dict) else None
    return [Subject(kind, id)] if isinstance(id, str) and id else []
