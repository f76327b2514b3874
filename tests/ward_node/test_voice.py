"""Who speaks when: emergencies first, nothing lost, never two at once, never muted."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from ward_node.contract import kinds
from ward_node.core import effects, voice
from ward_node.core.voice import Utterance, Voice, Volume


def _spoken(out: list[Any]) -> list[str]:
    return [each.utterance for each in out if isinstance(each, effects.Speak)]


def _say(it: Voice, id: str, klass: str, now_ms: int = 0, **more: Any) -> list[Any]:
    words = {"lang": "zh", "text": id}
    out = it.say(Utterance(id, klass, words, **more), now_ms)
    return out + it.tick(Volume(), None, now_ms)


def test_an_emergency_interrupts_and_the_interrupted_is_spoken_again() -> None:
    it = Voice()
    assert _spoken(_say(it, "a", kinds.ANNOUNCEMENT)) == ["a"]
    assert _say(it, "c", kinds.REMINDER) == []
    out = _say(it, "e", kinds.EMERGENCY)
    assert isinstance(out[0], effects.Silence)
    assert _spoken(out) == ["e"]
    it.done("a", None, 10)  # an answer too late: it was broken off
    assert it.playing is not None
    assert it.playing.id == "e"
    it.done("e", None, 20)
    assert _spoken(it.tick(Volume(), None, 20)) == ["c"]
    it.done("c", None, 30)
    assert _spoken(it.tick(Volume(), None, 30)) == ["a"]
    it.done("a", None, 40)
    told = [(each.utterance.id, each.result) for each in it.outcomes()]
    assert told == [("e", "spoken"), ("c", "spoken"), ("a", "spoken")]


def test_one_emergency_does_not_interrupt_another() -> None:
    it = Voice()
    _say(it, "e1", kinds.EMERGENCY)
    assert _say(it, "e2", kinds.EMERGENCY) == []


def test_a_patients_call_breaks_into_words_about_equipment() -> None:
    it = Voice()
    _say(it, "fault", kinds.TECHNICAL, repeat_every_ms=30_000)
    out = _say(it, "call", kinds.CALLING, 1_000)
    assert out[0] == effects.Silence()
    assert _spoken(out) == ["call"]
    _say(it, "second", kinds.CALLING, 2_000)
    _say(it, "reminder", kinds.REMINDER, 2_000)
    for heard, following in (("call", "second"), ("second", "reminder"), ("reminder", "fault")):
        it.done(heard, None, 3_000)
        assert _spoken(it.tick(Volume(), None, 3_000)) == [following]


def test_many_repeating_calls_hold_up_neither_a_new_one_nor_a_fault_for_ever() -> None:
    it = Voice()
    for call in ("1", "2", "3"):
        _say(it, call, kinds.CALLING, repeat_every_ms=1_000)
    _say(it, "fault", kinds.TECHNICAL)
    now_ms, heard = 0, []
    while now_ms < 60_000:
        assert it.playing is not None
        heard.append((it.playing.id, now_ms))
        now_ms += 4_000  # longer than the pause: one of them is always due
        it.done(heard[-1][0], None, now_ms)
        if now_ms == 40_000:
            it.say(Utterance("new", kinds.CALLING, None), now_ms)
        it.tick(Volume(), None, now_ms)
    said_ms = dict(reversed(heard))
    assert said_ms["fault"] == voice.PATIENCE_MS
    assert said_ms["new"] == 40_000, "a first time goes before repeats"


def test_repeats_until_stopped() -> None:
    it = Voice()
    _say(it, "c", kinds.CALLING, repeat_every_ms=10_000)
    it.done("c", None, 1_000)
    assert it.tick(Volume(), None, 10_999) == []
    assert _spoken(it.tick(Volume(), None, 11_000)) == ["c"]
    assert it.stop("c") == [effects.Silence()]
    assert it.tick(Volume(), None, 99_000) == []
    assert [each.result for each in it.outcomes()] == ["spoken"]
    assert it.stop("c") == []


def test_what_comes_too_late_is_said_to_be_late() -> None:
    it = Voice()
    _say(it, "e", kinds.EMERGENCY)
    _say(it, "c", kinds.CALLING, not_after_ms=5_000)
    it.done("e", None, 6_000)
    assert it.tick(Volume(), None, 6_000) == []
    assert [(each.utterance.id, each.result) for each in it.outcomes()] == [
        ("e", "spoken"),
        ("c", "late"),
    ]


def test_a_failed_repeat_is_tried_again_and_a_hung_player_given_up() -> None:
    it = Voice()
    _say(it, "c", kinds.CALLING, repeat_every_ms=5_000)
    it.done("c", "no loudspeaker", 0)
    assert _spoken(it.tick(Volume(), None, 5_000)) == ["c"]
    out = it.tick(Volume(), None, 5_000 + 60_000)
    assert out[0] == effects.Silence()
    assert [each.result for each in it.outcomes()] == ["failed", "failed"]


def test_newer_words_of_the_same_name_replace_older_ones() -> None:
    it = Voice()
    _say(it, "x", kinds.EMERGENCY)
    _say(it, "bed", kinds.CALLING)
    _say(it, "bed", kinds.CALLING)
    it.done("x", None, 0)
    assert _spoken(it.tick(Volume(), None, 0)) == ["bed"]
    it.done("bed", None, 0)
    assert it.tick(Volume(), None, 0) == []


BANDS = st.lists(
    st.fixed_dictionaries(
        {
            "from_min": st.integers(0, 1439),
            "to_min": st.integers(0, 1439),
            "volume": st.integers(0, 100),
        }
    ),
    max_size=3,
)


@given(
    bands=BANDS,
    day=st.integers(0, 100),
    floor=st.integers(0, 100),
    minute=st.none() | st.integers(0, 1439),
)
def test_no_setting_mutes_an_emergency(
    bands: list[dict[str, int]], day: int, floor: int, minute: int | None
) -> None:
    volume = Volume()
    volume.configure({"bands": bands, "day_volume": day, "emergency_floor": floor})
    loud = volume.of(kinds.EMERGENCY, minute)
    assert loud >= max(floor, voice.LEAST_VOLUME[kinds.EMERGENCY])
    assert volume.of(kinds.CALLING, minute) > 0
    assert volume.of(kinds.ANNOUNCEMENT, minute) <= loud <= 100


def test_a_band_over_midnight() -> None:
    volume = Volume()
    night = {"from_min": 22 * 60, "to_min": 6 * 60, "volume": 20}
    volume.configure({"day_volume": 80, "bands": [night]})
    told = [volume.of(kinds.CALLING, minute) for minute in (21 * 60 + 59, 22 * 60, 0, 359, 360)]
    assert told == [80, 20, 20, 20, 80]
    assert volume.of(kinds.CALLING, None) == 80


def test_a_muted_announcement_is_not_said_to_be_spoken() -> None:
    it, volume = Voice(), Volume()
    volume.configure({"day_volume": 0})
    it.say(Utterance("a", kinds.ANNOUNCEMENT, None), 0)
    assert it.tick(volume, None, 0) == []
    assert [each.result for each in it.outcomes()] == ["muted"]


class VoiceMachine(RuleBasedStateMachine):
    """Any order of wishes: every utterance gets exactly one first outcome, none is forgotten."""

    def __init__(self) -> None:
        super().__init__()
        self.it = Voice()
        self.now_ms = 0
        self.count = 0
        self.open: set[str] = set()
        self.sounding: str | None = None
        self.klass: dict[str, str] = {}

    def _take(self, out: list[Any]) -> None:
        for each in out:
            if isinstance(each, effects.Silence):
                assert self.sounding is not None
                self.sounding = None
            else:
                assert self.sounding is None, "two sounds at once"
                self.sounding = each.utterance
                if each.klass == kinds.EMERGENCY:
                    assert each.volume >= voice.EMERGENCY_FLOOR
        for outcome in self.it.outcomes():
            assert outcome.utterance.id in self.open, "told twice"
            self.open.discard(outcome.utterance.id)

    def _tick(self) -> None:
        self._take(self.it.tick(Volume(), None, self.now_ms))

    @rule(klass=st.sampled_from(kinds.SPEECH_CLASSES), late=st.none() | st.integers(0, 9_000))
    def say(self, klass: str, late: int | None) -> None:
        self.count += 1
        id = str(self.count)
        self.open.add(id)
        self.klass[id] = klass
        not_after_ms = None if late is None else self.now_ms + late
        it = Utterance(id, klass, {"lang": "zh", "text": id}, not_after_ms=not_after_ms)
        self._take(self.it.say(it, self.now_ms))
        self._tick()
        if klass == kinds.EMERGENCY and late != 0:
            assert self.sounding is not None
            assert self.klass[self.sounding] == kinds.EMERGENCY
        if klass == kinds.CALLING and late != 0:
            assert self.sounding is not None
            assert self.klass[self.sounding] not in (kinds.TECHNICAL, kinds.ANNOUNCEMENT)

    @rule()
    def finish(self) -> None:
        if self.sounding is not None:
            heard, self.sounding = self.sounding, None
            self.it.done(heard, None, self.now_ms)
            self._tick()

    @rule(data=st.data())
    def stop(self, data: st.DataObject) -> None:
        if self.count:
            self._take(self.it.stop(str(data.draw(st.integers(1, self.count)))))
            self._tick()

    @rule(ms=st.integers(1, 5_000))
    def wait(self, ms: int) -> None:
        self.now_ms += ms
        self._tick()

    @invariant()
    def somebody_speaks_when_somebody_waits(self) -> None:
        assert (self.sounding is None) == (not self.open)

    def teardown(self) -> None:
        while self.sounding is not None:
            self.finish()
        assert not self.open


TestVoiceMachine = VoiceMachine.TestCase
TestVoiceMachine.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
