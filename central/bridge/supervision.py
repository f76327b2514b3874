"""Which nodes live: a sans-IO watch over heartbeats on steady time."""

from dataclasses import dataclass

# Three heartbeats missed and a little for the way; a dead node is known within 10 s.
SILENCE_MS = 7_000
# When one node of a ward is silent, those that missed two heartbeats by then are taken to be gone
# with it: a ward that is cut off is one matter, not one after the other.
WITH_IT_MS = 4_500
# How often a healthy heartbeat is written down.
HEALTH_EVERY_MS = 10_000
# An earlier start that beats again and again while the newest is silent for so long is the newest.
PASSED_MS = 4_500


@dataclass
class _Life:
    ward: str
    session: int
    seen_ms: int
    lost: bool = False
    earlier: tuple[int, int] | None = None  # a start with a lower number heard since, and when


class Watch:
    """Last signs of life by node, in steady ms."""

    def __init__(self) -> None:
        self._lives: dict[str, _Life] = {}
        self._written: dict[str, tuple[int, object]] = {}

    def know(self, node: str, ward: str, session: int | None, now_ms: int) -> None:
        """A node known from before has SILENCE_MS from our own start to be heard."""
        self._lives[node] = _Life(ward, session or 0, now_ms)

    def seen(self, node: str, ward: str, session: int, now_ms: int) -> bool | None:
        """Note a sign of life. True when the node had been lost; None when this is of an
        earlier start, come late, and says nothing about the node that lives now. The numbers of
        starts may lie (`central.wards.starts`): `session_of` tells what was believed."""
        life = self._lives.setdefault(node, _Life(ward, session, now_ms))
        if session < life.session and not self._passes(life, session, now_ms):
            return None
        back = life.lost or session < life.session
        self._lives[node] = _Life(ward, session, now_ms)
        return back

    def session_of(self, node: str) -> int | None:
        """The start of a node that lives, or lived last."""
        life = self._lives.get(node)
        return None if life is None else life.session

    def _passes(self, life: _Life, session: int, now_ms: int) -> bool:
        """Whether the start heard is the newest although its number is lower."""
        if life.earlier is None or life.earlier[0] != session:
            life.earlier = (session, now_ms)
        return now_ms - max(life.seen_ms, life.earlier[1]) >= PASSED_MS

    def worth_writing(self, node: str, health: object, now_ms: int) -> bool:
        """Whether this heartbeat tells something new, or the last one written is old."""
        written_ms, written = self._written.get(node, (-HEALTH_EVERY_MS, None))
        if health == written and now_ms - written_ms < HEALTH_EVERY_MS:
            return False
        self._written[node] = (now_ms, health)
        return True

    def silent(self, now_ms: int) -> dict[str, int]:
        """Nodes that fell silent since the last question, with how long they have been, in ms."""
        living = {node: each for node, each in self._lives.items() if not each.lost}
        dead = {each.ward for each in living.values() if now_ms - each.seen_ms > SILENCE_MS}
        fresh = {}
        for node, each in living.items():
            silent_ms = now_ms - each.seen_ms
            if each.ward in dead and silent_ms > WITH_IT_MS:
                each.lost = True
                fresh[node] = silent_ms
        return fresh
