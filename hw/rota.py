"""Whose turn it is on the bus: every unit once a round, doubtful ones one a round."""

from collections.abc import Iterator, Sequence

from hw.watch import GOOD, UnitWatch

# Each doubtful unit costs a time-out, so it is asked only this often.
DOUBTFUL_EVERY_MS = 250


class Rota:
    def __init__(self, watches: Sequence[UnitWatch]) -> None:
        self._watches = list(watches)
        self._asked_ms: dict[int, int] = {}

    def round(self, now_ms: int) -> Iterator[UnitWatch]:
        """Who is to be polled in the round that begins now, in this order."""
        doubtful = [watch for watch in self._watches if watch.doubtful]
        due = [
            watch
            for watch in doubtful
            if now_ms - self._asked_ms.get(watch.address, now_ms - DOUBTFUL_EVERY_MS)
            >= DOUBTFUL_EVERY_MS
        ]
        yield from [watch for watch in self._watches if not watch.doubtful]
        if due:
            longest = min(due, key=lambda watch: self._asked_ms.get(watch.address, -1))
            self._asked_ms[longest.address] = now_ms
            yield longest

    def noise(self, besides: UnitWatch) -> float | None:
        """The share of failed answers among the other units that answer at all; None when
        there are none to compare with."""
        answers = [
            outcome
            for watch in self._watches
            if watch is not besides and not watch.doubtful
            for outcome in watch.window
        ]
        return 1 - answers.count(GOOD) / len(answers) if answers else None
