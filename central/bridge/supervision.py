"""Which nodes live: a sans-IO watch over heartbeats on steady time."""

# Three heartbeats missed and a little for the way; a dead node is known within 10 s.
SILENCE_MS = 7_000
# How often a healthy heartbeat is written down.
HEALTH_EVERY_MS = 10_000


class Watch:
    """Last signs of life by node, in steady ms."""

    def __init__(self, nodes: list[str], now_ms: int) -> None:
        # A node known from before has SILENCE_MS from our own start to be heard.
        self._seen_ms = dict.fromkeys(nodes, now_ms)
        self._written: dict[str, tuple[int, object]] = {}
        self._lost: set[str] = set()

    def seen(self, node: str, now_ms: int) -> bool:
        """Note a sign of life. True when the node had been lost."""
        self._seen_ms[node] = now_ms
        back = node in self._lost
        self._lost.discard(node)
        return back

    def worth_writing(self, node: str, health: object, now_ms: int) -> bool:
        """Whether this heartbeat tells something new, or the last one written is old."""
        written_ms, written = self._written.get(node, (-HEALTH_EVERY_MS, None))
        if health == written and now_ms - written_ms < HEALTH_EVERY_MS:
            return False
        self._written[node] = (now_ms, health)
        return True

    def silent(self, now_ms: int) -> list[str]:
        """Nodes that fell silent since the last question."""
        fresh = [
            node
            for node, seen_ms in self._seen_ms.items()
            if now_ms - seen_ms > SILENCE_MS and node not in self._lost
        ]
        self._lost.update(fresh)
        return fresh
