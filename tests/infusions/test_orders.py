"""Infusions that the hospital's system orders: proposals, what a nurse confirms, later orders."""

import itertools
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.clock import FakeClock
from central.hospital import model as messages
from central.hospital import service as hospital
from central.hospital.told import HeldError, Told
from central.infusions import model, orders
from central.store import Store
from central.wards import model as wards
from gateway.his import events
from gateway.his.events import InfusionOrderEvent
from gateway.his.message import parse
from tests import visitor
from tests.infusions.conftest import Ward

ZONE = timezone(timedelta(hours=8))
PEER = "10.1.2.3"
# FakeClock begins at 2026-09-21 22:13:20 in ZONE.
SENT = "202609212200"
ADMITTED = (
    f"MSH|^~\\&|HIS|H|W|W|{SENT}||ADT^A01|A1|P|2.5.1\rEVN|A01\rPID|1||P1||张^三\r"
    "PV1|1|I|3E^^05||||||||||||||||V1\r"
)


def order(
    control: str = "NW", *, rate: str = "100|mL/h", ml: str = "500", sent: str = SENT,
    number: str = "O1", patient: str = "P1", note: str = "",
) -> str:  # fmt: skip
    return (
        f"MSH|^~\\&|HIS|H|W|W|{sent}||RDE^O11|{control}{sent}{rate}{ml}|P|2.5.1\r"
        f"PID|1||{patient}||张^三\rPV1|1|I|{'|' * 16}V1\rORC|{control}|{number}\r"
        f"RXE||G5^葡萄糖|{ml}||mL{'|' * 18}{rate}\rRXR|IV\r" + (f"NTE|1||{note}\r" if note else "")
    )


class Orders(Ward):
    """Ward 3, told by the hospital's system."""

    def send(self, text: str) -> Any:
        raw = text.encode()
        self.do(hospital.take_message, PEER, raw, parse(raw), ZONE)
        return self.store.read().one("SELECT * FROM his_messages ORDER BY id DESC LIMIT 1")

    def admit(self) -> None:
        self.do(hospital.map_location, "HIS/H", "3E^^05", "3", "5", "e", ZONE)
        assert self.send(ADMITTED)["state"] == messages.DONE

    def waiting(self) -> list[tuple[str, str]]:
        return [(row["bed"], row["task"]) for row in orders.waiting(self.store.read(), "3")]

    def confirm(self, **changes: Any) -> int:
        """As the form does: the drip, and what it is for."""
        infusion = self.start(**changes)
        self.do(orders.confirmed, 1, infusion, "nurse3")
        return infusion


@pytest.fixture
def ordered(store: Store, clock: FakeClock) -> Orders:
    return Orders(store, clock)


def test_an_order_is_a_proposal_and_nothing_runs(ordered: Orders) -> None:
    ordered.admit()
    assert ordered.send(order())["state"] == messages.DONE
    [found] = orders.waiting(ordered.store.read(), "3")
    assert (found["bed"], found["task"], found["text"]) == ("5", orders.PROPOSED, "葡萄糖")
    assert (found["volume_ml"], found["rate_text"]) == (500, "100 mL/h")
    # 100 mL/h through each tube.
    assert found["tubes"] == {10: 17, 15: 25, 20: 33, 60: 100}
    assert model.running(ordered.store.read()) == []


def test_the_form_begins_with_what_was_told_and_nothing_else() -> None:
    told = {"ward": "3", "bed": "5", "tubes": {20: 33}, "volume_ml": 500}
    form = orders.as_form(told)
    assert (form["factor"], form["gtt_per_min"]) == ("", "")
    form = orders.as_form(told | {"factor": 20})
    assert (form["factor"], form["gtt_per_min"]) == ("20", 33)
    form = orders.as_form(told | {"factor": 13, "gtt_per_min": 40.4})
    assert (form["factor"], form["gtt_per_min"]) == ("", 40)


def test_an_order_of_somebody_in_no_bed_of_ours_waits_for_him(ordered: Orders) -> None:
    ordered.send(order())
    assert ordered.waiting() == []
    ordered.admit()
    assert ordered.waiting() == [("5", orders.PROPOSED)]


def test_what_is_confirmed_is_no_proposal_any_more(ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    infusion = ordered.confirm()
    assert ordered.waiting() == []
    assert "ordered" in [row["what"] for row in model.history(ordered.store.read(), infusion)]
    with pytest.raises(orders.UnknownOrderError):
        ordered.do(orders.confirmed, 1, infusion, "nurse3")


def test_a_proposal_follows_its_order(ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    ordered.send(order("XO", ml="250", sent="202609212205"))
    [found] = orders.waiting(ordered.store.read(), "3")
    assert (found["task"], found["volume_ml"]) == (orders.PROPOSED, 250)
    ordered.send(order("CA", sent="202609212206"))
    assert ordered.waiting() == []


def test_a_drip_that_runs_waits_for_the_nurse(ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    infusion = ordered.confirm()
    ordered.send(order("XO", rate="50|mL/h", sent="202609212205"))
    assert ordered.waiting() == [("5", orders.CHANGED)]
    ordered.send(order("DC", rate="50|mL/h", sent="202609212206"))
    assert ordered.waiting() == [("5", orders.STOPPED)]
    [row] = model.running(ordered.store.read())
    assert (row["id"], row["state"], row["gtt_per_min"]) == (infusion, "running", 50)
    ordered.do(orders.settle, 1, "nurse3")
    assert ordered.waiting() == []


def test_what_was_put_aside_comes_again_when_it_changes(ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    ordered.do(orders.settle, 1, "nurse3")
    assert ordered.waiting() == []
    # The same once more is no change for a nurse.
    ordered.send(order("XO", sent="202609212205"))
    assert ordered.waiting() == []
    ordered.send(order("XO", ml="250", sent="202609212206"))
    assert ordered.waiting() == [("5", orders.PROPOSED)]


def test_nobody_is_shown_the_orders_of_yesterday(ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    ordered.clock.advance(orders.SHOWN_MS)
    assert ordered.waiting() == []


def test_another_patients_order_of_this_number_is_held(ordered: Orders) -> None:
    ordered.send(order())
    row = ordered.send(order("XO", patient="P2", sent="202609212205"))
    [(text, values)] = messages.reasons(row)
    assert (row["state"], text) == (messages.WAITING, orders.OTHER_PATIENT)
    assert values == {"order": "O1", "patient": "P1"}
    assert ordered.do(hospital.replay, row["id"], "e", force=True, zone=ZONE)
    ordered.admit()
    assert ordered.waiting() == []


def test_twice_told_is_told_once_and_older_things_change_nothing(ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order("DC", sent="202609212206"))
    row = ordered.send(order())
    assert [text for text, _ in messages.reasons(row)] == [orders.OLDER]
    assert ordered.waiting() == []
    row = ordered.send(order().replace("|NW202609212200", "|again"))
    assert [text for text, _ in messages.reasons(row)] == [orders.NOTHING_NEW]


NUMBERS = itertools.count()
EVENT = st.builds(
    InfusionOrderEvent,
    control_id=st.just("C"), sender=st.just("S"), patient_id=st.just("P1"), visit=st.just("V1"),
    what=st.sampled_from([events.NEW, events.CHANGE, events.STOP, events.CANCEL]),
    order=st.just(""), group=st.just(""), code=st.just("G5"),
    text=st.sampled_from(["", "糖", "盐"]),
    volume_ml=st.sampled_from([None, 100, 250]), rate_text=st.sampled_from(["", "50 mL/h"]),
    rate_ml_per_h=st.sampled_from([None, 50.0]), rate_drops_per_min=st.none(),
    drop_factor=st.sampled_from([None, 20]), starts_at=st.none(),
    sent_at=st.sampled_from([datetime(2026, 1, day) for day in (1, 2, 3)]),
)  # fmt: skip


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(told=st.lists(EVENT, min_size=1, max_size=5), data=st.data())
def test_the_order_in_which_things_are_told_does_not_matter(
    ordered: Orders, told: list[InfusionOrderEvent], data: st.DataObject
) -> None:
    outcomes = []
    for sequence in (told, data.draw(st.permutations(told + told[:1]))):
        number = f"N{next(NUMBERS)}"
        with ordered.store.transaction() as tx:
            for each in sequence:
                orders.take(tx, replace(each, order=number), Told("his/1", "S", ZONE))
        row = ordered.store.read().one(
            "SELECT what, body, stands FROM infusion_orders WHERE number = ?", (number,)
        )
        assert row is not None
        outcomes.append(tuple(row))
    assert outcomes[0] == outcomes[1]


def test_a_rule_that_holds_raises_held(ordered: Orders) -> None:
    event = parse(order().encode()).events[0]
    assert isinstance(event, InfusionOrderEvent)
    ordered.do(orders.take, event, Told("his/1", "HIS/H", ZONE))
    with pytest.raises(HeldError):
        ordered.do(orders.take, replace(event, patient_id="P2"), Told("his/2", "HIS/H", ZONE))


# --- the page ---


@pytest.fixture
def app(ordered: Orders, clock: FakeClock, tmp_path: Path) -> Iterator[Any]:
    with ordered.store.transaction() as tx:
        wards.add_ward(tx, "7", "七病区", "Ward 7")
    made = visitor.console(
        tmp_path, clock, database=str(ordered.store.path), flask={"WTF_CSRF_ENABLED": False}
    )
    with made as app:
        visitor.hire(app, "li", "nurse", "3")
        visitor.hire(app, "xu", "nurse", "7")
        yield app


def test_a_nurse_confirms_what_she_sees(app: Any, ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order(note="20滴/ml"))
    nurse: FlaskClient = visitor.log_in(app, "li")
    page = nurse.get("/infusions").text
    assert 'data-task="proposed"' in page
    assert "葡萄糖" in page
    form = nurse.get("/infusions/new?order=1").text
    assert 'value="500"' in form
    assert 'value="33"' in form
    answer = nurse.post(
        "/infusions/new",
        data={"order": "1", "place": "3/5", "volume_ml": "500", "factor": "15",
              "gtt_per_min": "25"},
    )  # fmt: skip
    assert answer.status_code == 302
    [row] = model.running(ordered.store.read())
    assert (row["bed"], row["factor"], row["gtt_per_min"]) == ("5", 15, 25)
    assert ordered.waiting() == []
    ordered.send(order("XO", rate="60|mL/h", sent="202609212205"))
    page = nurse.get("/infusions").text
    assert 'name="gtt_per_min" value="15"' in page  # 60 mL/h through her tube of 15
    nurse.post("/infusions/orders/1/rate", data={"gtt_per_min": "15"})
    [row] = model.running(ordered.store.read())
    assert row["gtt_per_min"] == 15
    ordered.send(order("DC", rate="60|mL/h", sent="202609212206"))
    assert 'data-task="stopped"' in nurse.get("/infusions").text
    nurse.post("/infusions/orders/1/stop")
    assert model.running(ordered.store.read()) == []
    answer = nurse.post("/infusions/orders/1/stop", follow_redirects=True)
    assert "settled already" in answer.text
    whats = [row["what"] for row in ordered.store.read().all("SELECT what FROM audit")]
    for what in ("infusion.order_confirmed", "infusion.order_seen", "patient.read"):
        assert what in whats


def test_an_order_is_hung_at_no_other_bed(app: Any, ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    nurse = visitor.log_in(app, "li")
    given = {"order": "1", "place": "3/2", "volume_ml": "500", "factor": "15", "gtt_per_min": "25"}
    answer = nurse.post("/infusions/new", data=given)
    assert answer.status_code == 422
    assert "The order is for bed 5." in answer.text
    assert model.running(ordered.store.read()) == []
    assert ordered.waiting() == [("5", orders.PROPOSED)]


def test_a_wrong_rate_settles_nothing(app: Any, ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    ordered.confirm()
    ordered.send(order("XO", rate="60|mL/h", sent="202609212205"))
    nurse = visitor.log_in(app, "li")
    answer = nurse.post(
        "/infusions/orders/1/rate", data={"gtt_per_min": "0"}, follow_redirects=True
    )
    assert "must be between 1 and" in answer.text
    assert ordered.waiting() == [("5", orders.CHANGED)]


def test_orders_are_the_wards_own(app: Any, ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    other = visitor.log_in(app, "xu")
    assert "葡萄糖" not in other.get("/infusions").text
    assert other.get("/infusions/new?order=1").status_code == 403
    assert other.post("/infusions/orders/1/seen").status_code == 403
    nurse = visitor.log_in(app, "li")
    nurse.post("/infusions/orders/1/seen")
    answer = nurse.get("/infusions/new?order=1", follow_redirects=True)
    assert "needs no bottle any more" in answer.text


def test_the_page_speaks_chinese(app: Any, ordered: Orders) -> None:
    ordered.admit()
    ordered.send(order())
    nurse = visitor.log_in(app, "li")
    page = nurse.get("/infusions?lang=zh").text
    assert "确认并开始" in page
    assert "Confirm" not in page
