"""Step by step until somebody accepts; nobody left to tell is an alarm."""

import pytest

from central.calls import model as calls
from central.calls import service as calls_service
from central.clock import FakeClock
from central.escalation import model, policy, service
from central.store import Store
from central.wards import model as wards
from gateway.mqtt import kinds
from tests.calls.ward import Ward, build


@pytest.fixture
def bed(store: Store, clock: FakeClock):
    build(store)
    operated = Ward(store, clock)
    yield operated
    assert operated.failures() == []


def targets(bed: Ward) -> list[str]:
    return [row["kind"] for row in calls.targets(bed.store.read(), 1)]


def test_each_step_comes_at_its_time(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    assert bed.call()["level"] == 0
    bed.pass_s(30)
    said = bed.sent(kinds.SPEAK, "3-bedside")[-1]
    assert (said["words"]["text"], said["beds"]) == ("一床呼叫护士,请就近的护士前往。", [])
    bed.pass_s(29)
    assert bed.sent(kinds.SPEAK, "5-station") == []
    bed.pass_s(1)
    assert len(bed.sent(kinds.SPEAK, "5-station")) == 1
    assert targets(bed) == ["neighbour"]
    bed.pass_s(30)
    assert targets(bed) == ["neighbour", "role"]
    assert bed.call()["level"] == 3
    bed.pass_s(90)
    assert bed.call()["level"] == 4
    roles = {each["role"] for each in calls.targets(bed.store.read(), 1)} - {""}
    assert roles == {"head_nurse", "duty_manager"}
    assert [row["id"] for row in calls.board(bed.store.read(), None, "duty_manager")] == [1]


def test_the_bed_hears_of_the_head_nurse_only_once_she_was_told(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.pass_s(89)
    heard = [told["words"]["text"] for told in bed.sent(kinds.CALL)]
    assert heard == ["已通知护士,请稍候。", "还在呼叫护士,请再稍等。"]
    bed.pass_s(1)
    assert bed.sent(kinds.CALL)[-1]["words"]["text"] == "护士正忙,已通知护士长。"


def test_the_head_nurse_is_not_named_when_there_is_none(bed: Ward) -> None:
    bed.do(lambda tx: tx.execute("UPDATE users SET disabled = 1 WHERE role = 'head_nurse'"))
    bed.operate(kinds.PRESS)
    bed.pass_s(90)
    heard = [told["words"]["text"] for told in bed.sent(kinds.CALL)]
    assert "护士正忙,已通知护士长。" not in heard
    # The step that reached nobody cost no time: the duty manager was told at once.
    assert bed.call()["level"] == 4


def test_nobody_left_is_an_alarm_until_somebody_accepts(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.pass_s(239)
    assert bed.faults() == []
    bed.pass_s(1)
    assert bed.faults() == [("call 1", "nobody-answers")]
    assert calls.board(bed.store.read(), "3")[0]["exhausted"]
    bed.pass_s(3600)
    assert bed.story().count("exhausted") == 1
    bed.do(calls_service.accept, 1, "zhang", "board")
    assert bed.faults() == []
    assert not calls.board(bed.store.read(), "3")[0]["exhausted"]


def test_without_a_connected_station_the_alarm_and_the_next_step_come_at_once(bed: Ward) -> None:
    bed.do(lambda tx: tx.execute("UPDATE nodes SET state = 'lost' WHERE id = '3-station'"))
    bed.operate(kinds.PRESS)
    assert bed.faults() == [("call 1", "nobody-answers")]
    assert bed.call()["level"] == 1
    assert len(bed.sent(kinds.SPEAK, "3-bedside")) == 1


def test_with_nobody_at_all_the_call_is_exhausted_at_once(bed: Ward) -> None:
    bed.do(lambda tx: tx.execute("UPDATE nodes SET state = 'lost'"))
    bed.do(lambda tx: tx.execute("UPDATE users SET disabled = 1"))
    bed.operate(kinds.PRESS)
    bed.pass_s(0)
    assert bed.call()["exhausted_ms"] is not None


def test_presence_ends_escalation_and_alarm(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.pass_s(300)
    bed.operate(kinds.PRESENCE)
    assert bed.faults() == []
    before = len(bed.sent(kinds.SPEAK))
    bed.pass_s(3600)
    assert len(bed.sent(kinds.SPEAK)) == before
    assert {"utterance": "call-1"} in bed.sent(kinds.STOP, "5-station")


def test_emergencies_reach_the_duty_manager_within_a_minute(bed: Ward) -> None:
    bed.operate(kinds.HOLD)
    bed.pass_s(60)
    assert bed.call()["level"] == 4


def test_a_restart_forgets_no_step(bed: Ward, clock: FakeClock) -> None:
    bed.operate(kinds.PRESS)
    bed.store.close()
    clock.advance(45_000)  # the machine was off while two steps should have come
    again = Store(bed.store.path, clock)
    woken = Ward(again, clock)
    woken.pass_s(0)
    assert woken.call()["level"] == 1
    woken.pass_s(15)
    assert woken.call()["level"] == 2
    late = again.read().value("SELECT late_ms FROM timers WHERE fired_ms IS NOT NULL ORDER BY id")
    assert late == 15_000
    again.close()


def test_a_station_that_comes_back_announces_what_is_open(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.operate(kinds.PRESS, "2")
    bed.do(calls_service.accept, 2, "li", "board")
    before = len(bed.sent(kinds.SPEAK, "3-station"))
    bed.do(service.BIRTHS[0], "3-station")
    (said,) = bed.sent(kinds.SPEAK, "3-station")[before:]
    assert said["utterance"] == "call-1"
    assert bed.sent(kinds.SPEAK, "5-station") == []
    bed.pass_s(60)
    bed.do(service.BIRTHS[0], "5-station")
    assert len(bed.sent(kinds.SPEAK, "5-station")) == 2


def test_a_call_keeps_the_rule_it_was_opened_with(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    slow = policy.default() | {"unattended_s": 60}
    bed.do(service.save_policy, "3", slow, "li")
    bed.pass_s(30)
    assert bed.call()["level"] == 1
    assert service.unattended_s(bed.store.read(), "3") == 60


def test_a_saved_policy_is_a_version_that_stays(bed: Ward) -> None:
    first = bed.do(service.save_policy, "3", policy.default(), "li")
    second = bed.do(service.save_policy, "3", policy.default() | {"name": "二"}, "li")
    assert (first, second) == (1, 2)
    read = bed.store.read()
    assert [row["version"] for row in model.versions(read, "3")] == [2, 1]
    assert model.active(read, "3")["name"] == "二"
    assert model.active(read, "5")["name"] == "Default"
    with pytest.raises(Exception, match="never changed"):
        bed.do(lambda tx: tx.execute("UPDATE policies SET version = 9"))


def test_a_policy_with_a_hole_is_refused_and_not_kept(bed: Ward) -> None:
    bed.do(wards.set_neighbour, "3", None)
    with pytest.raises(service.PolicyHoleError) as refused:
        bed.do(service.save_policy, "3", policy.default(), "li")
    assert {hole.reason for hole in refused.value.holes} == {
        "The ward has no neighbouring ward: set one, or take the step out."
    }
    assert model.versions(bed.store.read(), "3") == []


def test_a_bed_that_no_rule_of_the_ward_covers_is_served_by_the_default(bed: Ward) -> None:
    only_bed_2 = {"name": "two", "rules": [policy.default()["rules"][1] | {"beds": ["2"]}]}
    bed.do(model.add_version, "3", only_bed_2, "li")
    bed.operate(kinds.PRESS, "1")
    assert bed.story() == ["opened", "step"]


def test_replay_counts_whom_past_calls_would_have_reached(bed: Ward, clock: FakeClock) -> None:
    since_ms = clock.now_ms()
    bed.operate(kinds.PRESS)
    bed.pass_s(20)
    bed.do(calls_service.accept, 1, "li", "board")
    bed.operate(kinds.PRESENCE)
    bed.operate(kinds.PRESS)
    bed.pass_s(100)
    bed.operate(kinds.PRESENCE)
    bed.operate(kinds.CORD)
    bed.operate(kinds.PRESENCE)
    answer = service.replay(bed.store.read(), "3", policy.default(), since_ms)
    assert (answer.calls, answer.no_rule) == (3, 0)
    assert answer.reached == [3, 1, 1, 1]
    assert answer.by_target == {
        "station": 3, "ward_speaker": 1, "neighbour": 1, "head_nurse": 1,
    }  # fmt: skip
    faster = {"name": "n", "rules": [policy.default()["rules"][0] | {"types": ["nurse"]}]}
    answer = service.replay(bed.store.read(), "3", faster, since_ms)
    assert (answer.reached, answer.no_rule) == ([2, 2, 2, 1, 1], 1)
