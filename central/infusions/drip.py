"""The arithmetic of a drip, exact: integers and fractions, no clock, no I/O.

A bottle of V mL through a tube that makes F drops per mL holds V·F drops (gtt). What is left is
V·F − Σ rate·time over its segments; a pause is a segment of rate 0; a nurse who reads the level
off the bottle starts a segment from what she read. Computed time is weak evidence: tubes slow
down and patients turn over (21 % of observed drips were within ±20 % of the wanted rate). So the
first prompt comes early, every prompt asks to *look*, and none says that the bottle is empty.
"""

from collections.abc import Collection
from dataclasses import dataclass
from fractions import Fraction
from math import ceil

# Drops per mL of the tubes on the market; 60 is the micro-drip.
FACTORS = (10, 15, 20, 60)
MAX_VOLUME_ML = 5000
MAX_RATE_GTT_MIN = 300

MINUTE_MS = 60_000
NEAR_END_MIN_MS = 10 * MINUTE_MS
# A prompt already spoken is spoken again only when its moment has moved at least this far away.
AGAIN_AFTER_MS = 10 * MINUTE_MS

CHECK = "check"
NEAR_END = "near_end"
DUE = "due"
DRESSING = "dressing"
# In the order in which they are spoken; the last of a bottle or dressing is final.
STAGES = (CHECK, NEAR_END, DUE, DRESSING)


@dataclass(frozen=True)
class Segment:
    """From `from_ms` on, `gtt_per_min` drops fall each minute (0: paused).

    `remaining_ml` is what a nurse read off the bottle at that moment, or None.
    """

    from_ms: int
    gtt_per_min: int
    remaining_ml: int | None = None


@dataclass(frozen=True)
class Prompt:
    """Something to be said at the bed at `at_ms`. After a `final` one a nurse is called."""

    stage: str
    at_ms: int
    final: bool = False


@dataclass(frozen=True)
class Drip:
    """One bottle: `volume_ml`, `factor` in gtt/mL, and its segments, the oldest first."""

    volume_ml: int
    factor: int
    segments: tuple[Segment, ...]

    @property
    def gtt_per_min(self) -> int:
        """The rate now; 0 while paused."""
        return self.segments[-1].gtt_per_min

    def remaining_drops(self, at_ms: int) -> Fraction:
        """Drops left at `at_ms`: never below 0, never more than V·F."""
        left = Fraction(self.volume_ml * self.factor)
        ends = [segment.from_ms for segment in self.segments[1:]]
        for segment, end_ms in zip(self.segments, [*ends, at_ms], strict=True):
            if segment.from_ms > at_ms:
                break
            if segment.remaining_ml is not None:
                left = Fraction(segment.remaining_ml * self.factor)
            ran_ms = max(0, min(end_ms, at_ms) - segment.from_ms)
            left = max(Fraction(0), left - Fraction(segment.gtt_per_min * ran_ms, MINUTE_MS))
        return left

    def remaining_ml(self, at_ms: int) -> int:
        """mL left at `at_ms`, rounded up, so that 0 means 0."""
        return ceil(self.remaining_drops(at_ms) / self.factor)

    def ends_ms(self) -> int | None:
        """When the bottle will have run through at the rate of now; None while paused."""
        last = self.segments[-1]
        if last.gtt_per_min == 0:
            return None
        left = self.remaining_drops(last.from_ms)
        return last.from_ms + ceil(left * MINUTE_MS / last.gtt_per_min)

    def moments(self) -> list[Prompt]:
        """Every prompt of the bottle at the rate of now, in order; none while paused.

        With T the time of the full bottle at this rate: "check" at 0.8 T, "near_end" when
        max(10 min, 0.1 T) are left, "due" at the end. In a bottle of less than 50 min "near_end"
        comes before 0.8 T and "check" would say less, later: it is left out. In one of less than
        20 min "near_end" waits for the half, or it would be spoken to a full bottle.
        """
        ends_ms = self.ends_ms()
        if ends_ms is None:
            return []
        full_ms = Fraction(self.volume_ml * self.factor * MINUTE_MS, self.gtt_per_min)
        check_left_ms = full_ms / 5
        near_left_ms = min(max(Fraction(NEAR_END_MIN_MS), full_ms / 10), full_ms / 2)
        found = [
            Prompt(NEAR_END, ends_ms - ceil(near_left_ms)),
            Prompt(DUE, ends_ms, final=True),
        ]
        if check_left_ms > near_left_ms:
            found.insert(0, Prompt(CHECK, ends_ms - ceil(check_left_ms)))
        return found

    def read_as(self, at_ms: int, gtt_per_min: int, remaining_ml: int | None = None) -> "Drip":
        """The same drip with one more segment from `at_ms`."""
        more = Segment(at_ms, gtt_per_min, remaining_ml)
        return Drip(self.volume_ml, self.factor, (*self.segments, more))


def minutes(volume_ml: int, factor: int, gtt_per_min: int) -> Fraction:
    """How long a bottle runs: mL × gtt/mL ÷ gtt/min. `gtt_per_min` must not be 0."""
    return Fraction(volume_ml * factor, gtt_per_min)


def rate_for(volume_ml: int, factor: int, minutes: int) -> int:
    """The rate, in whole gtt/min, by which a bottle runs through in `minutes`."""
    return int(Fraction(volume_ml * factor, minutes) + Fraction(1, 2))


def again(prompt: Prompt, now_ms: int) -> bool:
    """Whether a prompt that was spoken before is worth speaking again at its new moment. The
    final one is whenever it lies ahead: it is the one that brings the nurse."""
    return prompt.at_ms > now_ms if prompt.final else prompt.at_ms - now_ms >= AGAIN_AFTER_MS


def still_to_speak(moments: list[Prompt], spoken: Collection[str], now_ms: int) -> list[Prompt]:
    """What is yet to be said, in order. Of several moments that have passed only the last is
    said: after a correction nobody wants to hear three prompts in a row."""
    ahead = [prompt for prompt in moments if prompt.stage not in spoken or again(prompt, now_ms)]
    past = [prompt for prompt in ahead if prompt.at_ms <= now_ms]
    return past[-1:] + [prompt for prompt in ahead if prompt.at_ms > now_ms]


def up_to(stage: str) -> tuple[str, ...]:
    """The stages that need not be spoken any more once `stage` was."""
    return STAGES[: STAGES.index(stage) + 1] if stage in STAGES else ()
