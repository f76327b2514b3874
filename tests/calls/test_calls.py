"""What becomes of a press: clocks, phases, words, history; and that only the bed ends it."""

import sqlite3

import pytest

from central.calls import errors, model, service
from central.clock import FakeClock
from central.store import Store
from central.wards import model as wards
from gateway.mqtt import kinds
from tests.calls.ward import Ward


@pytest.fixture
def bed(ward: Store, clock: FakeClock):
    operated = Ward(ward, clock)
    yield operated
    assert operated.failures() == []


def test_a_press_is_registered_at_the_bed_and_announced_at_the_station(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    assert (bed.call()["type"], bed.call()["priority"]) == ("nurse", "medium")
    (told,) = bed.sent(kinds.CALL, "3-bedside")
    assert told["phase"] == kinds.REGISTERED
    assert told["words"] == {"lang": "zh", "text": "已通知护士,请稍候。"}
    (said,) = bed.sent(kinds.SPEAK, "3-station")
    assert said["words"]["text"] == "三病区一床呼叫护士。"
    assert said["repeat_every_ms"] == 10_000
    assert bed.sent(kinds.SPEAK, "5-station") == []


@pytest.mark.parametrize(
    ("control", "type", "priority"),
    [
        (kinds.HOLD, "emergency", "high"),
        (kinds.CORD, "toilet", "high"),
        (kinds.UNPLUGGED, "unplugged", "medium"),
    ],
)
def test_each_control_opens_its_own_type(bed: Ward, control: str, type: str, priority: str) -> None:
    bed.operate(control)
    assert (bed.call()["type"], bed.call()["priority"]) == (type, priority)
    said = bed.sent(kinds.SPEAK, "3-station")[0]
    assert said["chime"] == priority
    assert said["class"] == (kinds.EMERGENCY if priority == "high" else kinds.CALLING)


def test_the_three_clocks(bed: Ward, clock: FakeClock) -> None:
    opened_ms = clock.now_ms()
    bed.operate(kinds.PRESS)
    clock.advance(2_000)
    bed.answer_speech("3-station")
    clock.advance(3_000)
    bed.do(service.accept, 1, "li", "board")
    clock.advance(40_000)
    bed.operate(kinds.PRESENCE)
    call = bed.call()
    clocks = [call[f"{each}_ms"] - opened_ms for each in ("heard", "accepted", "attended")]
    assert clocks == [2_000, 5_000, 45_000]
    assert call["state"] == model.ENDED
    assert bed.story() == ["opened", "step", "heard", "accepted", "attended"]
    times = model.response_times(bed.store.read(), "3", 0, clock.now_ms())
    assert times["nurse"]["attended"] == {"count": 1, "median_ms": 45_000, "longest_ms": 45_000}


def test_speech_at_the_bed_is_not_hearing(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.pass_s(31)  # the ward speakers have been asked
    bed.answer_speech("3-bedside")
    assert bed.call()["heard_ms"] is None
    bed.answer_speech("3-station", kinds.REFUSED)
    assert bed.call()["heard_ms"] is None


def test_accepting_ends_the_sound_and_not_the_call(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.do(service.accept, 1, "li", "board")
    assert bed.call()["state"] == model.ACCEPTED
    assert bed.sent(kinds.STOP, "3-station") == [{"utterance": "call-1"}]
    assert bed.sent(kinds.CALL)[-1]["words"]["text"] == "护士已接到呼叫,马上过来。"
    bed.do(service.on_the_way, 1, "li", "board")
    assert bed.sent(kinds.CALL)[-1]["phase"] == kinds.ON_THE_WAY


def test_an_accepted_call_that_nobody_attends_comes_back(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.do(service.accept, 1, "li", "board")
    bed.pass_s(179)
    assert bed.call()["state"] == model.ACCEPTED
    bed.pass_s(2)
    call = bed.call()
    assert (call["state"], call["level"], call["returned"]) == (model.OPEN, 0, 1)
    assert len(bed.sent(kinds.SPEAK, "3-station")) == 2
    told = bed.sent(kinds.CALL)[-1]
    assert (told["phase"], told["words"]["text"]) == (kinds.DELAYED, "还在呼叫护士,请再稍等。")


def test_a_remote_end_is_refused_and_kept(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    with pytest.raises(errors.RemoteEndRefusedError, match="presence"):
        bed.do(service.end_remotely, 1, "li")
    with pytest.raises(errors.RemoteEndRefusedError):
        bed.do(service.resolve, 1, "li")
    bed.do(service.note_refusal, 1, "li")
    assert bed.call()["state"] == model.OPEN
    assert bed.story()[-1] == "end_refused"


def test_a_call_without_a_bed_can_be_seen_to_from_afar(bed: Ward) -> None:
    bed.do(service.open_call, "3", None, "fault")
    bed.do(service.resolve, 1, "li")
    assert bed.call()["state"] == model.ENDED
    assert bed.call()["attended_ms"] is None


def test_pressing_again_changes_nothing_but_the_count_and_is_answered(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.do(service.accept, 1, "li", "board")
    bed.operate(kinds.PRESS)
    call = bed.call()
    assert (call["state"], call["repeated"]) == (model.ACCEPTED, 1)
    told = bed.sent(kinds.CALL)[-1]
    assert (told["phase"], told["words"]["text"]) == (
        kinds.ACCEPTED,
        "护士已接到呼叫,正在安排,请稍候。",
    )


def test_a_repeated_event_makes_no_second_call(bed: Ward) -> None:
    event = bed.event(kinds.PRESS)
    assert bed.take(event)
    assert not bed.take(event)
    assert bed.call()["repeated"] == 0


def test_an_emergency_beside_an_accepted_call_is_a_call_of_its_own(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.do(service.accept, 1, "li", "board")
    bed.operate(kinds.HOLD)
    assert [row["type"] for row in model.open_calls(bed.store.read(), "3")] == [
        "emergency",
        "nurse",
    ]
    bed.do(service.on_the_way, 1, "li", "board")
    last = bed.sent(kinds.CALL)[-1]
    # The lamp must go on showing the emergency that nobody has accepted.
    assert (last["call"], last["phase"], last["words"]) == ("2", kinds.REGISTERED, None)


def test_presence_ends_every_call_of_its_bed_and_no_other(bed: Ward) -> None:
    for control in (kinds.PRESS, kinds.CORD, kinds.UNPLUGGED):
        bed.operate(control)
    bed.operate(kinds.PRESS, "2")
    bed.operate(kinds.CORD_RESET)
    bed.operate(kinds.PLUGGED)
    assert len(model.open_calls(bed.store.read())) == 4
    assert bed.story(2)[-1] == kinds.CORD_RESET
    bed.operate(kinds.PRESENCE)
    assert [row["bed"] for row in model.open_calls(bed.store.read())] == ["2"]


def test_a_late_presence_does_not_end_what_was_pressed_after_it(bed: Ward) -> None:
    presence = bed.event(kinds.PRESENCE)
    bed.operate(kinds.PRESS)
    bed.take(presence)
    assert bed.call()["state"] == model.OPEN


def test_a_late_presence_of_another_boot_is_judged_by_its_time(bed: Ward, clock: FakeClock) -> None:
    presence = bed.event(kinds.PRESENCE, age_ms=5_000)
    bed.boot = 2
    bed.operate(kinds.PRESS)
    bed.take(presence)
    assert bed.call()["state"] == model.OPEN
    clock.advance(1)
    bed.operate(kinds.PRESENCE)
    assert bed.call()["state"] == model.ENDED


def test_a_press_that_arrives_after_its_own_presence_disturbs_nobody(bed: Ward) -> None:
    press = bed.event(kinds.PRESS, age_ms=60_000)
    bed.operate(kinds.PRESENCE)
    bed.take(press)
    assert bed.call()["state"] == model.ENDED
    assert bed.sent(kinds.SPEAK) == []
    bed.operate(kinds.PRESS)
    assert len(model.open_calls(bed.store.read())) == 1


def test_a_press_that_answers_a_drip_is_left_to_the_infusions(bed: Ward) -> None:
    bed.operate(kinds.PRESS, infusion="7", revision=1, stage="empty")
    assert bed.calls() == []


def test_a_drip_nobody_confirmed_has_its_own_words(bed: Ward) -> None:
    bed.do(service.open_call, "3", "1", "infusion", about={"infusion": 7, "unconfirmed": True})
    said = bed.sent(kinds.SPEAK, "3-station")[0]
    assert said["words"]["text"] == "三病区一床,点滴时间已到,病人没有确认,请立即查看。"


def test_history_cannot_be_changed(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    for sql in ("UPDATE call_history SET what = 'x'", "DELETE FROM call_history"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            bed.do(lambda tx, sql=sql: tx.execute(sql))


def test_handing_over_shows_and_announces_the_call_in_the_other_ward(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.do(service.hand_over, 1, "5", "li")
    (said,) = bed.sent(kinds.SPEAK, "5-station")
    assert said["words"]["text"] == "三病区一床呼叫护士,本病区无人应答,请协助。"
    (row,) = model.board(bed.store.read(), "5")
    assert (row["from_ward"], row["bed"]) == ("3", "1")
    with pytest.raises(errors.UnknownWardError):
        bed.do(service.hand_over, 1, "99", "li")


def test_an_ended_call_takes_no_acceptance(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.operate(kinds.PRESENCE)
    with pytest.raises(errors.CallEndedError):
        bed.do(service.accept, 1, "li", "board")
    with pytest.raises(errors.NoSuchCallError):
        bed.do(service.accept, 99, "li", "board")


def test_a_bedside_box_that_restarts_learns_its_calls_again(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.do(service.accept, 1, "li", "board")
    before = len(bed.sent(kinds.CALL))
    bed.do(service.BIRTHS[0], "3-bedside")
    (told,) = bed.sent(kinds.CALL)[before:]
    assert (told["phase"], told["words"]) == (kinds.ACCEPTED, None)


def test_a_bed_unknown_to_central_still_calls(bed: Ward) -> None:
    bed.operate(kinds.PRESS, "77")
    assert bed.call()["bed"] == "77"
    assert bed.sent(kinds.CALL, "3-bedside")[0]["phase"] == kinds.REGISTERED
    assert wards.bed(bed.store.read(), "3", "77") is None
