"""Dead equipment as calls: one per ward and kind, escalated to people, ended by recovery."""

import json

import pytest

from central.calls import model as calls
from central.calls import service as calling
from central.clock import FakeClock
from central.faults import service as faults
from central.store import Row, Store
from central.technical import judging, service
from central.wards import model as wards
from central.wards import service as fleet
from gateway.mqtt import kinds
from tests.calls.ward import Ward, build


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Ward:
    build(store)
    return Ward(store, clock)


def fails(ward: Ward, device: str, code: str = "silent") -> None:
    where = {"ward": "3", "node": "3-bedside", "device": device}
    ward.do(lambda tx: faults.raise_fault(tx, code=code, **where))
    ward.pass_s(1)


def recovers(ward: Ward, device: str) -> None:
    ward.do(lambda tx: faults.clear_fault(tx, "3-bedside", device))
    ward.pass_s(1)


def open_calls(ward: Ward) -> list[Row]:
    return calls.open_calls(ward.store.read())


def said(ward: Ward, node: str = "3-station") -> list[str]:
    return [each["words"]["text"] for each in ward.sent(kinds.SPEAK, node)]


def test_beds_that_fail_together_are_one_call_that_people_are_told_of(ward: Ward) -> None:
    for bed in ("bed 1", "bed 2", "bed 3"):
        fails(ward, bed)
    (call,) = open_calls(ward)
    assert (call["type"], call["priority"], call["bed"]) == ("outage", "medium", None)
    assert len(json.loads(call["about"])["faults"]) == 3
    ward.pass_s(181)
    told = [each["role"] for each in calls.targets(ward.store.read(), call["id"])]
    assert told == ["engineer", "duty_manager"]


def test_a_flood_of_faults_is_one_sentence_that_ranks_below_calls(ward: Ward) -> None:
    """A ward's broker was restarted: thirty boxes with two beds each are lost at once."""
    for number in range(30):
        ward.do(wards.add_node, f"box{number}", "3", "bedside")
        for bed in (100 + number, 200 + number):
            ward.do(wards.add_bed, "3", str(bed), f"box{number}")
    for number in range(30):
        ward.do(fleet.lost, f"box{number}")
    ward.pass_s(1)
    (spoken,) = ward.sent(kinds.SPEAK, "3-station")
    assert spoken["class"] == kinds.TECHNICAL
    assert "六十张床位无法呼叫" in spoken["words"]["text"]


def test_faults_one_after_the_other_do_not_keep_the_speaker_busy(ward: Ward) -> None:
    for number in range(30):
        fails(ward, f"bed {number}")
    told = said(ward)
    assert len(told) == 2, "the first at once, then what has changed within 20 s"
    ward.pass_s(service.SAY_AGAIN_MS / 1000)
    assert len(said(ward)) == 3
    assert "三十张床位" in said(ward)[-1]
    ward.pass_s(60)
    assert len(said(ward)) == 3


def test_the_call_ends_by_recovery_which_is_said(ward: Ward) -> None:
    fails(ward, "bed 1")
    fails(ward, "bed 2")
    recovers(ward, "bed 1")
    assert len(open_calls(ward)) == 1
    recovers(ward, "bed 2")
    assert open_calls(ward) == []
    assert "恢复" in said(ward)[-1]


def test_a_dead_speaker_is_a_fault_of_low_priority(ward: Ward) -> None:
    fails(ward, "speaker", "speaker-failed")
    (call,) = open_calls(ward)
    assert (call["type"], call["priority"]) == ("fault", "low")
    assert "扬声器" in said(ward)[0]


def test_a_ward_without_any_box_is_one_call_told_next_door(ward: Ward) -> None:
    for node in ("3-bedside", "3-station"):
        ward.do(lambda tx, node=node: fleet.lost(tx, node, silent_ms=8_000))
    ward.pass_s(16)
    (call,) = open_calls(ward)
    assert call["type"] == "cut_off"
    told = {(each["ward"], each["role"]) for each in calls.targets(ward.store.read(), call["id"])}
    assert told == {("5", ""), ("", "engineer"), ("", "duty_manager")}
    assert "失去联系" in said(ward, "5-station")[0]
    assert ward.store.read().value("SELECT max(known_after_ms) FROM faults") == 8_000


def test_what_flaps_neither_comes_and_goes_nor_stays_for_ever(ward: Ward) -> None:
    for _ in range(judging.FLAPS):
        fails(ward, "bed 1")
        recovers(ward, "bed 1")
    (call,) = open_calls(ward)
    spoken = len(said(ward))
    for _ in range(5):
        fails(ward, "bed 1")
        recovers(ward, "bed 1")
    assert [each["id"] for each in open_calls(ward)] == [call["id"]]
    assert len(said(ward)) == spoken, "no flood of announcements"
    ward.pass_s(judging.SETTLED_MS // 1000 + 1)
    assert open_calls(ward) == []


def test_whoever_has_seen_to_it_is_not_called_again_for_the_same(ward: Ward) -> None:
    fails(ward, "bed 1")
    (call,) = open_calls(ward)
    ward.do(calling.resolve, call["id"], "gong")
    fails(ward, "bed 1")
    assert open_calls(ward) == []
    fails(ward, "bed 2")
    assert len(open_calls(ward)) == 1


def test_a_patients_call_never_ends_by_recovery(ward: Ward) -> None:
    ward.operate(kinds.PRESS)
    with pytest.raises(ValueError, match="patient"):
        ward.do(calling.recovered, 1, "central")


def test_a_birth_and_a_heartbeat_of_an_earlier_start_change_nothing(ward: Ward) -> None:
    born = {"state": "ready", "session": 7}
    ward.do(lambda tx: fleet.state_told(tx, "3", "3-bedside", born))
    ward.do(lambda tx: fleet.lost(tx, "3-bedside"))
    ward.do(lambda tx: fleet.state_told(tx, "3", "3-bedside", born | {"session": 6}))
    ward.do(lambda tx: fleet.heard_of(tx, "3-bedside", {"boot": 6, "outbox": 99}))
    row = ward.store.read().one("SELECT * FROM nodes WHERE id = '3-bedside'")
    assert row is not None
    assert (row["state"], row["session"], json.loads(row["health"])) == ("lost", 7, {})


def test_how_long_a_fault_was_unknown_is_what_the_box_says_and_the_way(ward: Ward) -> None:
    ward.operate(kinds.FAULT, age_ms=1_200, device="unit 1", code="silent", for_ms=3_000)
    ward.operate(kinds.FAULT, bed="2", age_ms=0, device="unit 2", code="silent", for_ms="long")
    rows = ward.store.read().all("SELECT known_after_ms FROM faults ORDER BY id")
    assert [row["known_after_ms"] for row in rows] == [4_200, 0]
