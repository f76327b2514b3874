"""Events in order, per channel and bridge, over broken connections. No I/O.

A lane is opened by the one who asks for a channel or bridge, before asking, or by the channel's
arrival in our application. It is handed every event about its subject, in the order they came and
each once, until the last. After a lost connection it learns whether its subject is still there.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.telephone.ari.events import (
    FOUND,
    RESUMED,
    VANISHED,
    Event,
    Subject,
    bridge,
    channel,
    entered,
)


@dataclass
class Handed:
    """What to do with what came: first make the lanes of `arrived`, then deliver, then end."""

    arrived: list[Subject] = field(default_factory=list)
    delivered: list[tuple[Subject, Event]] = field(default_factory=list)
    ended: list[Subject] = field(default_factory=list)


@dataclass(frozen=True)
class Snapshot:
    """What the exchange has: its channels and bridges by id, as it describes them, and the ids of
    the channels that are with our application."""

    channels: Mapping[str, Any]
    bridges: Mapping[str, Any]
    ours: Collection[str]

    def with_us(self) -> dict[Subject, Any]:
        """Who may have a lane. The far end of a local channel is named to us with the near one,
        and is with us only once it has entered by itself."""
        found: dict[Subject, Any] = {}
        for id in self.ours:
            described = self.channels.get(id)
            if described is not None and (not _far_end(described) or entered(described)):
                found[channel(id)] = described
        return found | {bridge(id): described for id, described in self.bridges.items()}


class Lanes:
    """Which subjects are followed, and since which connection."""

    def __init__(self) -> None:
        self._since: dict[Subject, int] = {}
        self._connection = 0
        # What ended on a new connection before its snapshot, which may still show it. None once
        # the snapshot has been seen.
        self._over: set[Subject] | None = None

    def open(self, subject: Subject) -> None:
        """Follow `subject` from now on."""
        self._since.setdefault(subject, self._connection)

    def close(self, subject: Subject) -> None:
        """Follow it no more."""
        self._since.pop(subject, None)

    def __contains__(self, subject: Subject) -> bool:
        return subject in self._since

    def connected(self) -> None:
        """A new connection stands; what happened since the last one is unknown until
        `reconcile`."""
        self._connection += 1
        self._over = set()

    def take(self, event: Event) -> Handed:
        """Where `event` goes. One that is about nobody we follow goes nowhere."""
        handed = Handed()
        if event.type == "StasisStart" and event.subjects:
            subject = event.subjects[0]
            if subject not in self._since:
                self.open(subject)
                handed.arrived.append(subject)
        for subject in event.subjects:
            if subject in self._since:
                self._warn(handed, subject, event.body.get(subject.kind))
                self._deliver(handed, subject, event)
            if self._over is not None and event.ends(subject):
                self._over.add(subject)
        return handed

    def reconcile(self, now: Snapshot) -> Handed:
        """Bring every lane in line with what the exchange has. What was opened on the present
        connection has missed nothing, and may be younger than the snapshot."""
        handed = Handed()
        there = now.with_us()
        for subject, since in list(self._since.items()):
            if subject in there:
                self._warn(handed, subject, there[subject])
            elif since < self._connection:
                self._deliver(handed, subject, _own(VANISHED, subject, None))
        over, self._over = self._over or set(), None
        for subject, described in there.items():
            known = subject in self._since or subject in over
            if subject.kind == "channel" and not known:
                self.open(subject)
                handed.arrived.append(subject)
                self._deliver(handed, subject, _own(FOUND, subject, described))
        return handed

    def _warn(self, handed: Handed, subject: Subject, described: Any) -> None:
        """Before the first thing a lane hears of a new connection: it may have missed some."""
        if self._since[subject] < self._connection:
            self._since[subject] = self._connection
            self._deliver(handed, subject, _own(RESUMED, subject, described))

    def _deliver(self, handed: Handed, subject: Subject, event: Event) -> None:
        handed.delivered.append((subject, event))
        if event.ends(subject):
            self.close(subject)
            handed.ended.append(subject)


def _far_end(described: Mapping[str, Any]) -> bool:
    return str(described.get("name", "")).endswith(";2")


def _own(kind: str, subject: Subject, described: Any) -> Event:
    about = described if isinstance(described, dict) else {}
    body = {"type": kind, subject.kind: {**about, "id": subject.id}}
    return Event(kind, body, (subject,))
