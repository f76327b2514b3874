"""A bed of a real ward proved from the engineer's page: brokers, bridge, box and units on a pty."""

from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient

from central import timers
from central.proving import model, service
from central.store import Row
from gateway.mqtt import kinds
from tests import visitor
from tests.alone.hospital import STATION, WARD_ON_BUS, Hospital, running
from tests.conftest import wait_for


@pytest.fixture(scope="module")
def ward(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    """One for all tests here, each of which has a bed of its own."""
    with running(tmp_path_factory.mktemp("hospital"), WARD_ON_BUS) as made:
        with made.store.transaction() as tx:
            # The ward's own rounds, the first a minute after its birth, would come in between.
            timers.cancel(tx, service.ROUND, "5")
        yield made


@pytest.fixture(scope="module")
def engineer(ward: Hospital) -> Iterator[FlaskClient]:
    changes = {"database": str(ward.layout.database)}
    with visitor.console(ward.layout.folder, ward.store.clock, **changes) as app:
        visitor.hire(app, "gong", "engineer")
        yield visitor.log_in(app, "gong")


def prove(engineer: FlaskClient, **which: str) -> None:
    form = {"ward": "5", "csrf_token": visitor.token_of(engineer, "/proofs")} | which
    assert engineer.post("/proofs/now", data=form).status_code == 302


def book(ward: Hospital, bed: str, by: str | None = "gong") -> list[Row]:
    """What is in the book of a bed, oldest first, of what `by` asked for."""
    rows = model.of_bed(ward.store.read(), "5", bed)
    return [row for row in reversed(rows) if row["by"] == by]


def technical(ward: Hospital) -> list[Row]:
    return ward.rows("SELECT * FROM calls WHERE type = 'outage' ORDER BY id")


def over(calls: list[Row]) -> bool:
    return all(each["state"] == "ended" for each in calls)


def presses(ward: Hospital, bed: str) -> int:
    return len(ward.rows("SELECT 1 FROM events WHERE type = 'press' AND bed = ?", bed))


def test_prove_now_shows_when_it_was_proven_and_nobody_notices(
    ward: Hospital, engineer: FlaskClient
) -> None:
    said = len(ward.said(STATION))
    prove(engineer, bed="1")
    (proof,) = wait_for(lambda: book(ward, "1"), "the proof of bed 1")
    assert proof["result"] == model.PROVEN
    assert 0 <= proof["pressed_ms"] <= proof["stored_ms"]
    (event,) = ward.rows("SELECT * FROM events WHERE type = 'test_press'")
    assert (event["bed"], event["node"], event["failure"]) == ("1", "5-box", None)
    counters = ward.bed("1")["counters"]
    # Where its answer is lost on the bus, the unit is asked once more.
    assert counters["tests"] >= 1
    assert counters["presses"] == 0
    page = engineer.get("/nodes").text
    assert 'class="proof-chip well" data-proof="5/1"' in page
    assert ward.open() == []
    assert len(ward.said(STATION)) == said
    assert {state for bed, state in ward.bed_states if bed == "1"} == {kinds.IDLE}
    assert (ward.lamp("1"), ward.light("1")) == (kinds.OFF, kinds.OFF)


def test_a_bed_that_feels_nothing_becomes_a_technical_call_until_it_is_proven(
    ward: Hospital, engineer: FlaskClient
) -> None:
    ward.operate("2", "numb")
    for failures in (1, 2):
        prove(engineer, bed="2")
        wait_for(lambda n=failures: len(book(ward, "2")) == n, "the failed proof")
    assert {(row["result"], row["leg"]) for row in book(ward, "2")} == {("failed", model.BED)}
    assert book(ward, "2")[0]["reason"].startswith(kinds.NOT_COUNTED)
    wait_for(lambda: technical(ward), "the technical call")
    wait_for(lambda: ward.said(STATION, "试呼没有送达"), "the station to speak of it")
    ward.operate("2", "mend")
    prove(engineer, bed="2")
    # A technical call may also be about units that were silent for a moment, with their machine.
    wait_for(lambda: len(book(ward, "2")) == 3, "the proof of the mended unit")
    assert book(ward, "2")[-1]["result"] == model.PROVEN
    wait_for(lambda: over(technical(ward)), "the call to end by itself")
    ward.operate("2", "die")
    prove(engineer, bed="2")
    wait_for(lambda: len(book(ward, "2")) == 4, "the failed proof of the dead unit")
    proof = book(ward, "2")[-1]
    assert (proof["leg"], proof["reason"].partition(":")[0]) == (model.BED, "silent")
    wait_for(lambda: not over(technical(ward)), "the technical call about the dead unit")
    ward.operate("2", "revive")
    wait_for(lambda: over(technical(ward)), "the unit to be back")


def test_a_patient_who_presses_while_a_proof_runs_calls(
    ward: Hospital, engineer: FlaskClient
) -> None:
    sent = "SELECT 1 FROM commands WHERE type = 'prove' AND bed = '3' AND attempts > 0"
    for round in (1, 2, 3):
        prove(engineer, bed="3")
        wait_for(lambda n=round: len(ward.rows(sent)) == n, "the order to go out")
        ward.operate("3", "press")
        wait_for(lambda n=round: len(ward.calls("3")) == n, "the patient's call")
        wait_for(lambda: ward.lamp("3") == kinds.BLINK, "the lamp")
        wait_for(lambda n=round: len(book(ward, "3")) == n, "the end of the proof")
        ward.operate("3", "presence")
        wait_for(lambda: over(ward.calls("3")), "the call to end")
        ward.operate("3", "presence_end")
    assert presses(ward, "3") == 3
    assert ward.bed("3")["counters"]["presses"] == 3
    known = {model.PROVEN, model.OVERTAKEN, model.BUSY}
    assert {row["result"] for row in book(ward, "3")} <= known
    assert {row["result"] for row in book(ward, "3", None)} == {model.PRESSED}
