"""A bed is proved by a press of its own hardware, which no patient notices and no press suffers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt import topics
from tests.ward_node.support import BEDS, PHRASES, MemoryJournal, Rig, words
from ward_node.contract import kinds
from ward_node.core.proving import PRESSED_WITHIN_MS

HIGH = {"call": "7", "phase": "registered", "priority": "high", "words": None}


@pytest.fixture
def rig() -> Rig:
    made = Rig()
    made.connect()
    made.beacon()
    return made


def test_a_test_press_goes_the_way_of_a_press_and_is_done_with_its_receipt(rig: Rig) -> None:
    lit = (dict(rig.lamps), dict(rig.reassurance))
    command = rig.prove("2", "41")
    assert rig.test_presses == [(command, "2")]
    rig.tick(80)
    rig.input("2", kinds.TEST_PRESS, unit=2, counters={"tests": 1})
    (event,) = rig.events()
    assert (event["type"], event["bed"]) == (kinds.TEST_PRESS, "2")
    assert event["about"] == {"proof": "41", "unit": 2, "took_ms": 80}
    assert rig.node.outbox.marks["2"] == {"tests": 1}
    assert rig.ack(command) is None, "not before the receipt"
    rig.receipt(event["id"])
    assert rig.result(command) == kinds.DONE
    assert (dict(rig.lamps), dict(rig.reassurance), rig.spoken) == (*lit, [])
    assert rig.state("2") == kinds.IDLE


def test_a_test_press_is_kept_and_sent_again_like_any_event(rig: Rig) -> None:
    rig.disconnect()
    command = rig.prove("1")
    rig.input("1", kinds.TEST_PRESS)
    again = Rig(journal=MemoryJournal(rig.journal.content), boot=2)
    (entry,) = again.node.outbox.waiting()
    assert entry.message["type"] == kinds.TEST_PRESS
    again.connect()
    assert [each["bed"] for each in again.events(kinds.TEST_PRESS)] == ["1"]
    assert again.state("1") == kinds.IDLE, "after a restart, too, nobody is called"
    again.receipt_all()
    assert again.ack(command) is None, "the order was forgotten with the power"


def test_a_press_that_nobody_asked_for_says_nothing(rig: Rig) -> None:
    rig.input("1", kinds.TEST_PRESS, late=True)
    assert rig.events() == []


@pytest.mark.parametrize("why", ["calls", "central calls", "speaks there", "speaks to all"])
def test_where_somebody_would_be_disturbed_it_is_declined(rig: Rig, why: str) -> None:
    if why == "calls":
        rig.input("1", kinds.PRESS)
    elif why == "central calls":
        rig.command(kinds.CALL, HIGH, bed="1")
    else:
        rig.speak("u", kinds.ANNOUNCEMENT, beds=["1"] if why == "speaks there" else [])
    declined = rig.prove("1")
    assert rig.result(declined) == kinds.DECLINED
    assert str((rig.ack(declined) or {})["reason"]).startswith(kinds.BUSY)
    if why != "speaks to all":
        assert rig.ack(rig.prove("2")) is None, "the next bed may be proved"
    assert len(rig.test_presses) == (why != "speaks to all")


def test_one_at_a_time_at_a_bed(rig: Rig) -> None:
    rig.prove("1", "a")
    assert rig.result(rig.prove("1", "b")) == kinds.DECLINED


def test_a_patient_who_calls_meanwhile_is_served_and_the_proof_gives_way(rig: Rig) -> None:
    command = rig.prove("1")
    rig.input("1", kinds.PRESS)
    assert str((rig.ack(command) or {})["reason"]).startswith(kinds.OVERTAKEN)
    assert rig.lamps["1"] == rig.reassurance["1"] == kinds.BLINK
    rig.input("1", kinds.TEST_PRESS)
    assert [each["type"] for each in rig.events()] == [kinds.PRESS]


def test_what_fails_is_told_with_its_leg(rig: Rig) -> None:
    silent = rig.prove("1")
    rig.proof_fails(silent)
    assert rig.ack(silent) == {"id": silent, "result": kinds.REFUSED, "reason": "silent: why"}
    lost = rig.prove("1")
    rig.run(PRESSED_WITHIN_MS)
    assert str((rig.ack(lost) or {})["reason"]).startswith(kinds.NOT_COUNTED)
    unheard = rig.prove("1")
    rig.input("1", kinds.TEST_PRESS)
    rig.tick(120_000)
    assert str((rig.ack(unheard) or {})["reason"]).startswith(kinds.NO_RECEIPT)
    assert rig.result(rig.prove("9")) == kinds.REFUSED, "no bed of this box"


ACTS = st.one_of(
    st.tuples(
        st.sampled_from(
            ["press", "hold", "presence", "presence_end", "prove", "counts", "counts", "fails"]
        ),
        st.sampled_from(BEDS[:2]),
    ),
    st.tuples(st.sampled_from(["receipt", "run", "restart"]), st.just("")),
)


class Pair:
    """A box whose beds are proved, and its twin, which nobody proves."""

    def __init__(self) -> None:
        self.journals = (MemoryJournal(), MemoryJournal())
        self.boot = 0
        self.told: tuple[list[Any], list[Any]] = ([], [])
        self.proofs: dict[str, str] = {}  # bed by proof
        self.made: set[str] = set()  # proofs whose test press the hardware made
        self.answers: dict[str, list[str]] = {}
        self.start()

    def start(self) -> None:
        self.boot += 1
        self.rigs = [Rig(journal=each, boot=self.boot) for each in self.journals]
        self.waits: dict[str, list[str]] = {bed: [] for bed in BEDS}  # orders of the hardware
        for rig in self.rigs:
            rig.message(topics.CONFIG, {"version": 1, "revision": 1, "lang": "zh",
                                        "beds": list(BEDS), "phrases": PHRASES})  # fmt: skip
            rig.connect()
            rig.beacon()

    def act(self, what: str, bed: str) -> None:
        proved, _twin = self.rigs
        if what == "prove":
            proof = str(len(self.proofs))
            self.proofs[proof] = bed
            proved.command(kinds.PROVE, {"proof": proof}, bed=bed, id=proof)
            if (proof, bed) in proved.test_presses:
                self.waits[bed].append(proof)
        elif what == "counts" and self.waits[bed]:
            self.made.update(self.waits[bed])  # told once, however many
            self.waits[bed] = []
            proved.input(bed, kinds.TEST_PRESS)
        elif what == "fails" and self.waits[bed]:
            proved.proof_fails(self.waits[bed].pop())
        elif what in (kinds.PRESS, kinds.HOLD, kinds.PRESENCE, kinds.PRESENCE_END):
            for rig in self.rigs:
                rig.input(bed, what)
        elif what == "receipt":
            for rig in self.rigs:
                rig.receipt_all()
        elif what == "run":
            for rig in self.rigs:
                rig.run(1_000)
        elif what == "restart":
            self.keep()
            self.start()
        self.check()

    def keep(self) -> None:
        """What both boxes have told, each event once and of whichever start."""
        for rig, told in zip(self.rigs, self.told, strict=True):
            known = {each["id"] for each in told}
            told += [each for each in rig.events() if each["id"] not in known]
        for ack in self.rigs[0].of(topics.ACK):
            results = self.answers.setdefault(ack["id"], [])
            if ack["result"] not in results:
                results.append(ack["result"])

    def check(self) -> None:
        proved, twin = self.rigs
        assert proved.lamps == twin.lamps
        assert proved.reassurance == twin.reassurance
        for bed in BEDS:
            assert proved.state(bed) == twin.state(bed)

    def finish(self) -> None:
        self.keep()
        ours, others = (
            [(each["type"], each["bed"]) for each in told if each["type"] != kinds.TEST_PRESS]
            for told in self.told
        )
        assert ours == others, "no press is swallowed or invented"
        tests = [each for each in self.told[0] if each["type"] == kinds.TEST_PRESS]
        for each in tests:
            proof = each["about"]["proof"]
            assert self.proofs[proof] == each["bed"]
        assert len({each["about"]["proof"] for each in tests}) == len(tests), "one press per proof"
        for proof, results in self.answers.items():
            assert len(results) == 1, "one answer"
            if results == [kinds.DONE]:
                assert proof in {each["about"]["proof"] for each in tests}
        assert len(tests) <= len(self.made), "a patient's press never stands for a test press"


@settings(max_examples=40)
@given(st.lists(ACTS, max_size=25))
def test_neither_press_can_mask_the_other_in_whatever_order_they_come(
    acts: list[tuple[str, str]],
) -> None:
    pair = Pair()
    for what, bed in acts:
        pair.act(what, bed)
    pair.finish()


def test_words_end_and_the_bed_can_be_proved(rig: Rig) -> None:
    rig.speak("u", kinds.ANNOUNCEMENT, beds=["1"])
    rig.begin()
    assert rig.result(rig.prove("1")) == kinds.DECLINED
    assert rig.hear().words == words("u")
    assert rig.ack(rig.prove("1")) is None
