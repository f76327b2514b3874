"""What a node says of itself: its birth and end, and every two seconds that it lives."""

from collections import namedtuple

from ward_node.compat import Any
from ward_node.contract import kinds, topics
from ward_node.core import messages

FIRMWARE = "0.1.0"
HEARTBEAT_MS = 2_000

# What of this firmware runs: its version, whether it is being tried out, and whether the box can be
# given another.
Release = namedtuple("Release", ("version", "on_trial", "updatable"))
FIXED = Release(FIRMWARE, False, False)


class Reports:
    """The part of a node that reports; `node` is the Node. `condition` is asked at each heartbeat
    what the box itself measures: keys of `heartbeat.json`."""

    def __init__(self, node: Any, condition: Any, now_ms: int) -> None:
        self.health: tuple[int | None, list[str]] = (None, [])  # poll_ms, silent beds
        self._node = node
        self._condition = condition
        self._born_ms = now_ms
        self._beat_ms = now_ms - HEARTBEAT_MS

    def birth(self) -> dict[str, Any]:
        me, release = self._node.me, self._node.release
        return {
            "state": kinds.READY,
            "session": self._node.outbox.boot,
            "role": me.role,
            "versions": list(messages.VERSIONS),
            "firmware": release.version,
            "trial": release.on_trial,
            "updatable": release.updatable,
            "hardware": me.hardware,
            "beds": list(me.beds),
        }

    def end(self, state: str, restarts: bool) -> dict[str, Any]:
        """The state message of a will or a clean end."""
        told = {"state": state, "session": self._node.outbox.boot}
        if restarts:
            told["restarts"] = True
        return told

    def tick(self, now_ms: int) -> None:
        """A heartbeat where one is due."""
        if now_ms - self._beat_ms >= HEARTBEAT_MS:
            self.beat(now_ms)

    def soon(self, now_ms: int) -> None:
        """There is news: the next heartbeat is due."""
        self._beat_ms = now_ms - HEARTBEAT_MS

    def beat(self, now_ms: int) -> None:
        node = self._node
        self._beat_ms = now_ms
        told = {
            "boot": node.outbox.boot,
            "uptime_ms": now_ms - self._born_ms,
            "outbox": len(node.outbox),
            "dropped": node.outbox.dropped,
            "merged": node.outbox.merged,
            "quarantined": node.quarantined,
            "last_reject": node.last_reject,
            "poll_ms": self.health[0],
            "silent_beds": self.health[1],
            "alone": node.alone,
            "speaker_driven_ago_ms": node.voice.driven_ago_ms(now_ms),
        }
        if self._condition is not None:
            told.update(self._condition())
        node.publish(topics.HEARTBEAT, told)
