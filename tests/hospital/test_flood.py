"""A peer that sends broken messages without end: what is kept, what is counted, who is told."""

from pathlib import Path

import pytest

from central.clock import FakeClock
from central.errors import FieldError
from central.faults import model as faults
from central.faults.shown import plain
from central.hospital import flood, model, reasons, service
from gateway.his import refusals
from gateway.his.segments import MAX_SEGMENT_CHARS
from tests import visitor
from tests.admissions.conftest import PEER, Hospital, adt

OTHER = "10.1.2.4"
DAY_MS = 24 * 3_600_000


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flood, "FIRST_KEPT", 3)
    monkeypatch.setattr(flood, "LAST_KEPT", 2)


def broken(number: int) -> bytes:
    return adt("A04", control_id=f"B{number}")


def kept(hospital: Hospital, peer: str = PEER) -> list[str]:
    rows = hospital.store.read().all(
        "SELECT control_id FROM his_messages WHERE peer = ? ORDER BY id", (peer,)
    )
    return [row["control_id"] for row in rows]


def counted(hospital: Hospital) -> list[tuple[str, int, int]]:
    return [
        (row["peer"], row["messages"], row["dropped"])
        for row in flood.left_out(hospital.store.read())
    ]


def test_of_a_flood_the_first_and_the_last_are_kept_and_all_are_answered(
    hospital: Hospital,
) -> None:
    for number in range(20):
        assert f"MSA|AR|B{number}|" in hospital.send(broken(number))
    assert kept(hospital) == ["B0", "B1", "B2", "B18", "B19"]
    assert counted(hospital) == [(PEER, 20, 15)]


def test_what_is_taken_or_waits_is_never_let_go(hospital: Hospital) -> None:
    hospital.accepted(adt(control_id="TAKEN"))
    for number in range(10):
        hospital.send(broken(number))
        hospital.accepted(adt(patient=f"P{number + 2}", control_id=f"WAITS{number}"))
    left = kept(hospital)
    assert [each for each in left if each[0] == "B"] == ["B0", "B1", "B2", "B8", "B9"]
    assert len(left) == 5 + 11
    assert all(row["raw"] for row in hospital.store.read().all("SELECT raw FROM his_messages"))


def test_peers_and_days_are_counted_apart(hospital: Hospital, clock: FakeClock) -> None:
    for number in range(8):
        hospital.send(broken(number))
    hospital.send(broken(0).replace(b"|HIS|", b"|LAB|"), OTHER)
    clock.advance(DAY_MS)
    for number in range(8, 12):
        hospital.send(broken(number))
    assert kept(hospital) == ["B0", "B1", "B2", "B6", "B7", "B8", "B9", "B10", "B11"]
    assert kept(hospital, OTHER) == ["B0"]
    assert counted(hospital) == [(PEER, 8, 3)]


def test_what_a_person_saw_to_is_no_longer_part_of_the_flood(hospital: Hospital) -> None:
    for number in range(5):
        hospital.send(broken(number))
    hospital.do(service.set_aside, 4, "engineer")
    for number in range(5, 9):
        hospital.send(broken(number))
    assert "B3" in kept(hospital)
    assert hospital.message(4)["state"] == model.SET_ASIDE


def test_of_a_refused_message_only_the_beginning_is_kept(hospital: Hospital) -> None:
    large = adt("A04", control_id="L") + b"NTE|1||" + b"x" * flood.REFUSED_BYTES + b"\r"
    answer = hospital.send(large)
    row = hospital.last()
    assert (row["raw"], row["size"]) == (large[: flood.REFUSED_BYTES], len(large))
    assert hospital.send(large) == answer, "a repeat is still known"
    with pytest.raises(FieldError) as refused:
        hospital.do(service.replay, row["id"], "engineer")
    assert refused.value.message == reasons.CUT
    notes = b"".join(b"NTE|%d||" % n + b"x" * 30_000 + b"\r" for n in range(4))
    taken = adt(control_id="T") + notes
    assert hospital.accepted(taken)["raw"] == taken, "what is taken is kept whole"


def test_a_header_of_megabytes_is_refused_and_neither_kept_nor_echoed(hospital: Hospital) -> None:
    large = adt(control_id="C" * (MAX_SEGMENT_CHARS + 1))
    answer = hospital.send(large)
    assert hospital.why() == [refusals.LONG_SEGMENT]
    row = hospital.last()
    assert len(answer) < 8_000
    assert sum(len(row[key]) for key in ("sender", "control_id", "type")) < 5_000


def test_engineers_are_told_until_it_has_been_calm(
    hospital: Hospital, clock: FakeClock, tmp_path: Path
) -> None:
    for number in range(7):
        hospital.send(broken(number))
    with visitor.console(tmp_path, clock) as app:
        visitor.hire(app, "zhang", "engineer")
        client = visitor.log_in(app, "zhang")
        page = client.get("/his").text
        assert 'data-left-out="2"' in page
        assert f"{PEER}: 7 messages could not be used. The first 3 and the last 2" in page
        assert "其间 2 条只计数" in client.get("/his?lang=zh").text
        listed = client.get("/faults?lang=en").text
        assert f"The hospital system at {PEER} sends messages without end" in listed
        with app.test_request_context("/?lang=zh"):
            app.preprocess_request()
            [fault] = [plain(row) for row in faults.open_faults(hospital.store.read())]
            assert "不断发送无法使用的消息" in fault["said"]
    clock.advance(60_000)
    hospital.send(broken(8))
    clock.advance(flood.CALM_MS - 1)
    hospital.do(flood.calm)
    assert faults.open_faults(hospital.store.read()), "it may still go on"
    clock.advance(1)
    hospital.do(flood.calm)
    assert faults.open_faults(hospital.store.read()) == []
    clock.advance(flood.DAYS_KEPT_MS)
    hospital.do(flood.calm)
    assert counted(hospital) == []
