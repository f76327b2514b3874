"""The machine of one bed, as a nurse would tell it."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ward_node.contract import kinds
from ward_node.core.bed import HIGH, MEDIUM, RAISES, Bed


def test_press_blinks_until_receipt_then_until_accepted() -> None:
    bed = Bed("1", 0)
    bed.happened(kinds.PRESS)
    bed.waits_for("e1")
    assert (bed.state, bed.lamp, bed.reassurance) == ("calling", "blink", "blink")
    bed.receipted("e1")
    assert (bed.lamp, bed.reassurance) == ("blink", "steady")
    bed.phase("7", kinds.REGISTERED, MEDIUM)
    assert bed.lamp == "blink"
    bed.phase("7", kinds.ACCEPTED, MEDIUM)
    assert (bed.state, bed.lamp, bed.reassurance) == ("calling", "steady", "steady")
    bed.phase("7", kinds.DELAYED, MEDIUM)
    assert bed.lamp == "blink"
    bed.happened(kinds.PRESENCE)
    assert (bed.state, bed.lamp, bed.reassurance) == ("present", "off", "off")
    bed.happened(kinds.PRESENCE_END)
    assert bed.state == "idle"


def test_hold_and_cord_are_emergencies_until_somebody_is_there() -> None:
    for kind in (kinds.HOLD, kinds.CORD):
        bed = Bed("1", 0)
        bed.happened(kind)
        assert (bed.state, bed.lamp) == ("emergency", "fast")
        bed.happened(kinds.CORD_RESET)
        bed.happened(kinds.PRESS)
        assert bed.state == "emergency"
        bed.happened(kinds.PRESENCE)
        assert bed.state == "present"


def test_late_words_about_a_finished_call_are_not_believed() -> None:
    bed = Bed("1", 0)
    bed.phase("7", kinds.REGISTERED, MEDIUM)
    bed.happened(kinds.PRESENCE)
    assert not bed.phase("7", kinds.DELAYED, MEDIUM)
    assert bed.lamp == "off"
    assert bed.phase("8", kinds.REGISTERED, MEDIUM)
    assert bed.lamp == "blink"


def test_an_end_that_overtakes_the_receipt_leaves_no_lamp_burning() -> None:
    bed = Bed("1", 0)
    bed.happened(kinds.PRESS)
    bed.waits_for("e1")
    bed.phase("7", kinds.REGISTERED, MEDIUM)
    bed.phase("7", kinds.ENDED, MEDIUM)
    assert bed.state == "calling"  # the press might be a newer one
    bed.receipted("e1")
    assert bed.state == "idle"


def test_the_end_of_one_call_leaves_the_other() -> None:
    bed = Bed("1", 0)
    bed.phase("7", kinds.ACCEPTED, MEDIUM)
    bed.phase("8", kinds.REGISTERED, HIGH)
    assert bed.lamp == "fast"
    bed.phase("8", kinds.ENDED, HIGH)
    assert bed.lamp == "steady"


def test_press_answers_the_reminder() -> None:
    bed = Bed("1", 0)
    bed.prompt = {"infusion": "5", "revision": 1, "stage": "due"}
    assert bed.state == "prompted"
    assert bed.happened(kinds.PRESS) == {"infusion": "5", "revision": 1, "stage": "due"}
    assert (bed.state, bed.prompt) == ("calling", None)


class BedMachine(RuleBasedStateMachine):
    """Any order of inputs, receipts and words of central keeps the lights true."""

    def __init__(self) -> None:
        super().__init__()
        self.bed = Bed("1", 0)
        self.count = 0
        self.now_ms = 0
        self.unheard: set[str] = set()

    @rule(
        kind=st.sampled_from(
            [*RAISES, kinds.CORD_RESET, kinds.PLUGGED, kinds.PRESENCE, kinds.PRESENCE_END]
        )
    )
    def happens(self, kind: str) -> None:
        self.bed.happened(kind)
        if kind in RAISES:
            self.count += 1
            self.bed.waits_for(str(self.count))
            self.unheard.add(str(self.count))
            assert self.bed.state in ("calling", "emergency")
            assert self.bed.lamp in ("blink", "fast")
        if kind == kinds.PRESENCE:
            assert self.bed.state == "present"

    @rule()
    def central_receipts_all(self) -> None:
        for each in sorted(self.unheard):
            self.bed.receipted(each)
        self.unheard.clear()

    @rule(
        call=st.sampled_from("789"),
        phase=st.sampled_from(kinds.PHASES),
        priority=st.sampled_from(("high", "medium", "low")),
    )
    def central_tells(self, call: str, phase: str, priority: str) -> None:
        self.bed.phase(call, phase, priority)
        if phase == kinds.ENDED:
            assert call not in self.bed.calls

    @rule()
    def all_is_over(self) -> None:
        """Whatever came before: receipts for all and an end for all leave the bed quiet."""
        self.central_receipts_all()
        for call in "789":
            self.bed.phase(call, kinds.ENDED, MEDIUM)
        assert self.bed.state in ("idle", "present")

    @invariant()
    def lights_are_true(self) -> None:
        bed = self.bed
        assert bed.state in kinds.BED_STATES
        assert set(bed.unreceipted) == self.unheard
        if bed.reassurance == kinds.STEADY:
            assert not self.unheard
        if bed.state in ("idle", "present", "prompted"):
            assert (bed.lamp, bed.reassurance) == ("off", "off")
        else:
            assert bed.lamp != "off"
            assert bed.reassurance != "off"
        if bed.lamp == "fast":
            assert bed.state == "emergency"


TestBedMachine = BedMachine.TestCase
TestBedMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)


def test_a_call_that_was_pressed_for_after_the_presence_goes_on() -> None:
    bed = Bed("1", 0)
    bed.happened(kinds.PRESS)
    bed.phase("7", kinds.REGISTERED, "medium")
    bed.happened(kinds.PRESENCE)
    assert not bed.phase("7", kinds.ACCEPTED, "medium")
    assert bed.lamp == kinds.OFF
    # The press was stored before the presence, so central took both presses for one call.
    assert bed.phase("7", kinds.ACCEPTED, "medium", pressed_since=True)
    assert bed.lamp == kinds.STEADY
