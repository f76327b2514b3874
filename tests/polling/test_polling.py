"""A hospital's database is read into the table of messages: everything once, nothing missed."""

import asyncio
import json
import sqlite3
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.dialects import oracle, postgresql

from central.admissions import model as admissions
from central.hospital import service as hospital
from central.polling import model, service
from central.polling.running import MOST_LOST, Threaded
from central.wards import model as wards
from gateway.his.poller.database import Database, page_of
from gateway.his.poller.rows import PAGE_ROWS, PollError, Row
from gateway.his.poller.settings import PollConfigError, from_config
from tests.conftest import wait_for
from tests.polling.conftest import CHARGES, STAYS, ZONE, House


def at(minutes: float) -> str:
    """So many minutes from now, as the hospital's database writes it."""
    now = datetime.now(ZONE).replace(tzinfo=None)
    return (now + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S")


def test_patients_come_move_and_go_as_the_view_shows(view: House) -> None:
    with view.store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-box", "3", "bedside")
        for bed in "1234":
            wards.add_bed(tx, "3", bed, "3-box")
            hospital.map_location(tx, "VIEW", f"3^^{bed}", "3", bed, "zhang")

    def lying() -> dict[str, str]:
        return {row["bed"]: row["patient"] for row in admissions.stays(view.store.read(), "3")}

    view.lie((1, "1"), (2, "2"), (3, "3"))
    assert view.read()
    assert lying() == {"1": "1", "2": "2", "3": "3"}
    patient = admissions.patient_in(view.store.read(), "3", "1")
    assert patient is not None
    assert (patient["name"], patient["sex"]) == ("王一", "F")
    view.lie((1, "4"), (2, "2"), (4, "1"))
    assert view.read()
    assert lying() == {"1": "4", "2": "2", "3": "3", "4": "1"}, "3 may be between two rows"
    assert view.read()
    assert lying() == {"1": "4", "2": "2", "4": "1"}
    count = len(view.messages())
    assert view.read()
    assert len(view.messages()) == count, "the same picture tells nothing"
    assert {state for _, state in view.messages()} == {"done"}


def test_a_view_that_is_suddenly_empty_discharges_nobody_until_somebody_says_so(
    view: House,
) -> None:
    view.lie((1, "1"), (2, "2"), (3, "3"))
    view.read()
    view.lie()
    for _ in range(3):
        assert view.read()
        assert len(view.messages()) == 3
    assert view.faults() == ["poll-held"]
    view.lie((1, "1"), (2, "2"), (3, "3"))
    view.read()
    assert (view.faults(), len(view.messages())) == ([], 3)
    view.lie()
    view.read()
    with view.store.transaction() as tx:
        service.believe(tx, "VIEW", "stays", "zhang")
    view.read()
    assert view.faults() == []
    assert [json.loads(raw)["what"] for raw in view.raws()[3:]] == ["discharge"] * 3
    view.read()
    assert len(view.messages()) == 6


def test_rows_are_read_once_and_late_ones_are_not_missed(fees: House) -> None:
    fees.charge(1, "25.00", at(-5))
    fees.charge(2, "8.4", at(-1))
    assert fees.read()
    assert fees.read()
    assert len(fees.messages()) == 2
    body = json.loads(fees.raws()[1])["charges"][0]
    assert (body["amount_fen"], body["quantity"], body["id"]) == (840, 1.5, "2")
    assert body["service_at"] == "2026-11-29T10:05:00"
    fees.charge(3, "1.00", at(-8))  # committed late: its time is before what was read
    assert fees.read()
    assert len(fees.messages()) == 3
    fees.db.execute("UPDATE V_FEE SET AMOUNT = 9 WHERE FEE_ID = 2")
    assert fees.read()
    assert len(fees.messages()) == 4, "a row that was changed is told anew"
    fees.charge(4, "1.00", at(-60))
    assert fees.read()
    assert len(fees.messages()) == 4, "older than the overlap: the hospital has to send it anew"


def test_a_row_from_the_future_hides_none_of_the_present(fees: House) -> None:
    fees.charge(1, "1.00", at(600))
    fees.read()
    fees.charge(2, "1.00", at(0))
    fees.read()
    assert len(fees.messages()) == 2
    fees.read()
    assert len(fees.messages()) == 2


def test_more_rows_than_a_page_with_one_time_are_all_read(fees: House) -> None:
    now = at(-1)
    for id in range(PAGE_ROWS + 3):
        fees.charge(id, "1.00", now)
    fees.read()
    assert len(fees.messages()) == PAGE_ROWS + 3


def test_a_row_that_cannot_be_used_is_refused_with_the_field_and_the_rest_is_taken(
    fees: House,
) -> None:
    fees.charge(1, "免费", at(-1))
    fees.charge(2, "1.00", at(-1))
    assert fees.read()
    states = dict(enumerate(state for _, state in fees.messages()))
    assert states[0] == "refused"
    assert states[1] != "refused"
    row = fees.store.read().one("SELECT reason FROM his_messages WHERE id = 1")
    assert row is not None
    assert "charges[0].amount_fen" in row["reason"]


def test_a_database_that_is_away_is_a_fault_until_it_is_back(fees: House) -> None:
    fees.db.execute("ALTER TABLE V_FEE RENAME TO AWAY")
    assert not fees.read()
    assert not fees.read()
    assert fees.faults() == ["poll-away"]
    row = model.feed(fees.store.read(), "VIEW", "charges")
    assert row is not None
    assert "V_FEE" in row["trouble"]
    fees.db.execute("ALTER TABLE AWAY RENAME TO V_FEE")
    fees.charge(1, "1.00", at(-1))
    assert fees.read()
    assert (fees.faults(), len(fees.messages())) == ([], 1)


def test_nothing_is_written_there(fees: House) -> None:
    database = Database(fees.source)
    with pytest.raises(PollError, match="readonly"), database._reading() as connection:
        connection.exec_driver_sql("DELETE FROM V_FEE")


async def test_a_line_that_is_dead_for_ever_is_given_up_and_only_so_often() -> None:
    end = threading.Event()
    threaded = Threaded(0.01, given_up_s=0)
    for _ in range(MOST_LOST + 1):
        with pytest.raises(PollError, match="no answer"):
            await threaded.run(end.wait)
    with pytest.raises(PollError, match="still"):
        await threaded.run(end.wait)
    end.set()


async def test_a_database_that_hangs_holds_up_nobody_and_is_not_asked_twice() -> None:
    go_on = threading.Event()
    asked = []

    def hang() -> str:
        asked.append(1)
        go_on.wait()
        return "late"

    threaded = Threaded(0.01)
    with pytest.raises(PollError, match="no answer"):
        await threaded.run(hang)
    with pytest.raises(PollError, match="still"):
        await threaded.run(hang)
    # Its thread may begin only after it was given up.
    wait_for(lambda: asked, "the question")
    assert len(asked) == 1
    go_on.set()
    patient = Threaded(30)
    assert await patient.run(lambda: "well") == "well"

    def fail() -> None:
        raise sqlite3.OperationalError("gone")

    with pytest.raises(sqlite3.OperationalError):
        await patient.run(fail)
    await asyncio.sleep(0)


def test_a_password_is_shown_nowhere() -> None:
    given = {"polls": [{"name": "A", "url": "sqlite://user:secret@/x", "feeds": [STAYS]}]}
    with pytest.raises(PollError) as caught:
        Database(from_config(given)[0])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(("dialect", "limit"), [(postgresql, "LIMIT"), (oracle, "FETCH FIRST")])
def test_the_statement_is_one_for_other_databases_too(dialect: Any, limit: str) -> None:
    """No such server is here; what SQLAlchemy makes for it is."""
    given = CHARGES | {"table": "HIS.V_FEE", "cursor": {"time": "UPDATED", "id": "FEE_ID"}}
    feed = from_config({"polls": [{"name": "A", "url": "sqlite://", "feeds": [given]}]})[0].feeds[0]
    assert feed.place is not None
    after = Row({}, 7, datetime(2026, 11, 29, 10))
    made = page_of(feed, feed.place, datetime(2026, 11, 29, 9), after)
    text = " ".join(str(made.compile(dialect=dialect.dialect())).split())
    assert 'FROM "HIS"."V_FEE" WHERE "UPDATED" > ' in text
    assert 'ORDER BY "UPDATED", "FEE_ID"' in text
    assert limit in text


BAD: list[tuple[Any, str]] = [
    ({"name": ""}, "name"),
    ({"feeds": []}, "feeds"),
    ({"feeds": [CHARGES | {"cursor": {}}]}, "cursor.time"),
    ({"feeds": [{**CHARGES, "cursor": {"time": "A", "id": "B", "x": 1}}]}, "cursor.x"),
    ({"feeds": [{k: v for k, v in CHARGES.items() if k != "cursor"}]}, "cursor"),
    ({"feeds": [STAYS | {"kind": "stay"}]}, "kind"),
    ({"feeds": [STAYS | {"columns": {"patientid": "A"}}]}, "patientid"),
    ({"feeds": [STAYS | {"columns": {"name": "A"}}]}, "patient_id"),
    ({"feeds": [STAYS | {"columns": {"location": "A"}}]}, "location"),
    ({"every_s": 0}, "every_s"),
    ({"feeds": [STAYS, STAYS]}, "name"),
]


@pytest.mark.parametrize(("changes", "named"), BAD)
def test_a_wrong_setting_is_named(changes: dict[str, Any], named: str) -> None:
    given = {"name": "A", "url": "sqlite:///x", "feeds": [STAYS], **changes}
    with pytest.raises(PollConfigError, match=named):
        from_config({"polls": [given]})
