"""What the node knows of one bedside unit: what to tell of its answers and its silence.

Pure: readings and times in, things to tell out.
"""

from collections import deque
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple

from hw.changes import changes, start
from hw.kinds import (
    ADDRESS_CLASH,
    FAULT,
    GARBLED,
    RACING,
    RECOVERED,
    SELFTEST_FAILED,
    SILENT,
)
from hw.pace import COUNTS, Pace, counted
from hw.registers import OUTPUTS_MASK, Counters, Reading

FAILED_AFTER_MS = 2000  # without one good answer; the fault must be told within 5 s
FAILED_AFTER_TRIES = 3
FAILED_AFTER_TRIES_IN_NOISE = 8  # when the other units suffer as well
NOISY = 0.15  # share of failed answers
DOUBTFUL_AFTER_TRIES = 2  # from then on it may no longer slow the others
# So many good answers in a row that all bring other news: it counts faster than it can be asked.
NEVER_TWICE = 12
SETTLED_AFTER_MS = 5000  # of one serial number and clean answers: the clash is over
# A unit that was exchanged stays away; one that is back this soon never left.
FLIP_WITHIN_MS = 60_000
SETTLED_BELOW = 0.25  # share of damaged answers
WINDOW = 16  # answers remembered
GOOD = "good"


class Told(NamedTuple):
    """One thing for the node. `counters` are those to keep once it has been dealt with;
    `kind` None when there is nothing but counters to keep."""

    bed: str | None
    kind: str | None
    about: dict[str, Any]
    counters: Counters | None = None


class UnitWatch:
    def __init__(self, bed: str, address: int, known: Counters | None, now_ms: int) -> None:
        """`known`: the counters last dealt with, from before the node's restart."""
        self.bed = bed
        self.address = address
        self.outputs = 0  # the coils as they should be
        self.counters = known
        self.fault: str | None = None
        self.window: deque[str] = deque(maxlen=WINDOW)
        self._selftest_failed = False
        self._met = False
        self._candidate: Counters | None = None
        self._news = 0  # answers in a row of which none said what the one before had said
        self._pace = Pace()
        self._last_good_ms = now_ms
        self._tries = 0
        self._garbled_since_ms: int | None = None
        # Counters by serial number: while two units share the address neither's presses are lost.
        self._by_serial: dict[int, tuple[int, Counters]] = {}
        self._last_flip_ms: int | None = None

    @property
    def device(self) -> str:
        return f"unit {self.address}"

    @property
    def doubtful(self) -> bool:
        """It did not answer lately, so asking it costs a time-out."""
        return self._tries >= DOUBTFUL_AFTER_TRIES

    @property
    def unconfirmed(self) -> bool:
        """The last answer brought news. It is believed when a second answer says the same: a
        damaged one passes its checksum once in 65,536 and would invent presses."""
        return self._candidate is not None

    def wants_outputs(self, reading: Reading) -> bool:
        """Whether the unit shows other lights than it should."""
        return reading.outputs & OUTPUTS_MASK != self.outputs

    def answered(self, reading: Reading, now_ms: int, broken: str = "") -> Iterator[Told]:
        """A good answer. `broken`: what the unit's self-test found, for a person."""
        self.window.append(GOOD)
        self._tries = 0
        self._last_good_ms = now_ms
        self._news += 1
        candidate = self._candidate
        if reading.counters in (self.counters, candidate):
            self._candidate = None
            self._news = 0
            yield from self._count(reading.counters, now_ms)
        elif candidate is not None and self._news >= NEVER_TWICE:
            self._candidate = None
            self._news = 0
            moving = [name for name in COUNTS if counted(candidate, reading.counters, name)]
            yield from self._count(reading.counters, now_ms, moving)
        else:
            self._candidate = reading.counters
        yield from self._judge_selftest(reading.status.selftest_failed, broken)
        if self._garbled_share() < 0.5:
            self._garbled_since_ms = None
        if self.fault == ADDRESS_CLASH:
            flipped = self._last_flip_ms is not None and (
                now_ms - self._last_flip_ms < SETTLED_AFTER_MS
            )
            if not flipped and self._garbled_share() < SETTLED_BELOW:
                yield self._recover()
        elif self.fault is not None:
            yield self._recover()

    def failed(self, code: str, detail: str, now_ms: int, noise: float | None) -> Iterator[Told]:
        """No answer (SILENT) or a damaged one (GARBLED). `noise`: the share of failed answers
        among the other units, None when there are none."""
        self.window.append(code)
        self._tries += 1
        quiet = noise is not None and noise < NOISY
        share = self._garbled_share()
        if share < 0.5:
            self._garbled_since_ms = None
        elif self._garbled_since_ms is None:
            self._garbled_since_ms = now_ms
        elif quiet and now_ms - self._garbled_since_ms >= FAILED_AFTER_MS:
            yield from self._raise(
                ADDRESS_CLASH,
                f"answers at address {self.address} are damaged while other units answer well: "
                "two units with this address, or a bad cable to it",
                now_ms - self._garbled_since_ms,
            )
        enough = FAILED_AFTER_TRIES if quiet or noise is None else FAILED_AFTER_TRIES_IN_NOISE
        if self._tries >= enough and now_ms - self._last_good_ms >= FAILED_AFTER_MS:
            last = list(self.window)[-self._tries :]
            mostly_garbled = last.count(GARBLED) * 2 >= len(last)
            code = GARBLED if mostly_garbled else SILENT
            yield from self._raise(code, detail, now_ms - self._last_good_ms)

    def bus_is_back(self, now_ms: int) -> None:
        """The whole bus was gone; its units get their time to answer again."""
        self._last_good_ms = now_ms
        self._tries = 0
        self._garbled_since_ms = None
        self._candidate = None
        self.window.clear()

    def _count(
        self, now: Counters, now_ms: int, never_still: Collection[str] = ()
    ) -> Iterator[Told]:
        before = self.counters
        if before is not None and before.serial != now.serial:
            self._by_serial[before.serial] = (now_ms, before)
            left_ms, earlier = self._by_serial.get(now.serial, (now_ms - FLIP_WITHIN_MS, before))
            if now_ms - left_ms < FLIP_WITHIN_MS:
                self._last_flip_ms = now_ms
                yield from self._raise(
                    ADDRESS_CLASH,
                    f"two units answer at address {self.address}: serial numbers ending in "
                    f"{before.serial:04x} and {now.serial:04x}",
                    0,
                )
                before = earlier
        late = {} if self._met else {"late": True}
        raced = bool(self._pace.racing)
        base, now = self._pace.believed(start(before, now), now, now_ms, never_still)
        if self._pace.racing and not raced:
            yield Told(self.bed, FAULT, self._racing() | {"detail": ", ".join(self._pace.racing)})
        if self.counters != now:
            for kind, after in changes(base, now):
                about = {"unit": self.address, "counters": after._asdict(), **late}
                yield Told(self.bed, kind, about, after)
            yield Told(self.bed, None, {}, now)
        self.counters = now
        self._met = True
        if raced and not self._pace.racing:
            yield Told(self.bed, RECOVERED, self._racing())

    def _racing(self) -> dict[str, Any]:
        return {"device": self.device, "code": RACING}

    def _judge_selftest(self, failed: bool, broken: str) -> Iterator[Told]:
        if failed != self._selftest_failed:
            self._selftest_failed = failed
            about = {"device": self.device, "code": SELFTEST_FAILED, "detail": broken}
            yield Told(self.bed, FAULT if failed else RECOVERED, about)

    def _garbled_share(self) -> float:
        if len(self.window) < WINDOW // 2:
            return 0.0
        return self.window.count(GARBLED) / len(self.window)

    def _raise(self, code: str, detail: str, for_ms: int) -> Iterator[Told]:
        """`for_ms`: how long it has been so."""
        if self.fault == code or self.fault == ADDRESS_CLASH:
            return
        if self.fault is not None:
            if code != ADDRESS_CLASH:
                return
            yield self._recover()  # what it really is has come out
        self.fault = code
        about = {"device": self.device, "code": code, "detail": detail, "for_ms": for_ms}
        yield Told(self.bed, FAULT, about)

    def _recover(self) -> Told:
        told = Told(self.bed, RECOVERED, {"device": self.device, "code": self.fault})
        self.fault = None
        return told
