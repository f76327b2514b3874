"""A version on its way through the hospital, by the rules of the centre and boxes that answer."""

from typing import Any

import pytest

from central.bridge import intake
from central.clock import FakeClock
from central.errors import FieldError
from central.store import Row, Store
from central.updates import model, service, stages
from central.wards import service as fleet
from gateway.mqtt import kinds
from tests.calls.ward import Ward, build

OLD, NEW = "1.3.0", "1.4.0"
SOAK_MS = 10 * stages.MINUTE_MS
BOXES = ("3-bedside", "3-station", "5-bedside", "5-station")


class Hospital(Ward):
    """`tests.calls.ward.Ward`, whose boxes take versions."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(store, clock)
        self.rules.add(service)
        self.session = 0
        for box in BOXES:
            self.born(box, OLD)
        self.do(service.published, NEW, "", "gong")

    def born(self, box: str, firmware: str, trial: bool = False) -> None:
        self.session += 1
        birth = {"state": "ready", "session": self.session, "firmware": firmware}

        def job(tx: Any) -> None:
            fleet.state_told(tx, box[0], box, birth | {"trial": trial, "updatable": True})
            intake.births(tx, self.rules, box)

        self.do(job)

    def begin(self, canary: str = "3-station") -> None:
        self.do(service.start, version=NEW, canary=canary, soak_ms=SOAK_MS, by="gong")

    def asked(self) -> list[Row]:
        """Update commands that nobody has answered."""
        return self.store.read().all(
            "SELECT * FROM commands WHERE type = 'update' AND result IS NULL ORDER BY id"
        )

    def names(self) -> list[str]:
        return [row["node"] for row in self.asked()]

    def answer(self, result: str = kinds.DONE, reason: str | None = None) -> str:
        (order,) = self.asked()
        message = {"id": str(order["id"]), "result": result, "reason": reason}
        self.do(intake.take_ack, self.rules, order["node"], message)
        return str(order["node"])

    def takes_it(self) -> str:
        """The box that was asked tries it and keeps it."""
        box = self.answer()
        self.born(box, NEW, trial=True)
        assert self.states()[box] == model.TRYING
        self.born(box, NEW)
        return box

    def states(self) -> dict[str, str]:
        rollout = self.store.read().value("SELECT max(id) FROM rollouts")
        return {
            row["node"]: row["state"] for row in model.rollout_boxes(self.store.read(), rollout)
        }

    def rollout(self) -> Row:
        return model.rollouts(self.store.read())[0]


@pytest.fixture
def hospital(store: Store, clock: FakeClock) -> Hospital:
    build(store)
    return Hospital(store, clock)


def test_canary_then_its_ward_then_the_next_one_box_after_the_other(hospital: Hospital) -> None:
    hospital.begin()
    assert hospital.names() == ["3-station"]
    assert hospital.takes_it() == "3-station"
    assert hospital.names() == [], "the canary is given its time"
    hospital.pass_s(SOAK_MS / 1000 - 1)
    assert hospital.names() == []
    hospital.pass_s(1)
    order = [hospital.takes_it() for _ in range(3)]
    assert order == ["3-bedside", "5-bedside", "5-station"]
    assert hospital.rollout()["state"] == model.DONE
    assert set(hospital.states().values()) == {model.KEPT}


def test_a_box_that_goes_back_stops_it_and_its_log_is_kept(hospital: Hospital) -> None:
    hospital.begin("3-bedside")
    hospital.answer()
    hospital.operate(
        kinds.UPDATE_FAILED, version=NEW, why="speaker: gone", log="Traceback"
    )  # fmt: skip
    hospital.born("3-bedside", OLD)
    rollout = hospital.rollout()
    assert (rollout["state"], rollout["why"]) == (model.STOPPED, "speaker: gone")
    hospital.pass_s(86_400)
    assert hospital.names() == []
    (row,) = model.failures(hospital.store.read())
    kept = model.failure(hospital.store.read(), row["id"])
    assert kept is not None
    assert (kept["node"], kept["why"], kept["log"]) == ("3-bedside", "speaker: gone", "Traceback")
    hospital.do(service.resume, "gong")
    (order,) = hospital.asked()
    assert '"again": true' in order["body"]
    hospital.takes_it()
    assert hospital.rollout()["state"] == model.RUNNING


@pytest.mark.parametrize(
    ("result", "reason", "why"),
    [
        (kinds.REFUSED, "version 1.4.0 is not published", "version 1.4.0 is not published"),
        (kinds.EXPIRED, None, kinds.EXPIRED),
    ],
)
def test_a_box_that_refuses_or_never_comes_to_it_stops_it(
    hospital: Hospital, result: str, reason: str | None, why: str
) -> None:
    hospital.begin()
    hospital.answer(result, reason)
    assert (hospital.rollout()["state"], hospital.rollout()["why"]) == (model.STOPPED, why)


def test_a_box_that_vanishes_in_its_trial_stops_it(hospital: Hospital) -> None:
    hospital.begin()
    hospital.answer()
    hospital.do(fleet.lost, "3-station")
    hospital.pass_s(stages.TRY_LIMIT_MS / 1000)
    assert hospital.rollout()["why"] == stages.NO_WORD


def test_a_ward_that_calls_is_left_alone_until_it_is_quiet(hospital: Hospital) -> None:
    hospital.operate(kinds.PRESS)
    hospital.begin()
    assert hospital.names() == []
    hospital.operate(kinds.PRESENCE)
    hospital.pass_s(stages.LOOK_AGAIN_MS / 1000)
    assert hospital.names() == ["3-station"]


def test_a_box_that_is_away_is_asked_when_it_is_back(hospital: Hospital) -> None:
    hospital.begin()
    hospital.do(fleet.lost, "3-bedside")
    hospital.takes_it()
    hospital.pass_s(SOAK_MS / 1000)
    assert [hospital.takes_it() for _ in range(2)] == ["5-bedside", "5-station"]
    assert hospital.rollout()["state"] == model.RUNNING
    hospital.born("3-bedside", OLD)
    assert hospital.takes_it() == "3-bedside"
    assert hospital.rollout()["state"] == model.DONE


def test_stopped_by_hand_nobody_is_asked_and_what_was_ended_is_taken_back(
    hospital: Hospital,
) -> None:
    hospital.begin()
    hospital.do(service.stop, "gong")
    hospital.takes_it()
    hospital.pass_s(86_400)
    assert hospital.names() == []
    hospital.do(service.resume, "gong")
    assert hospital.names() == ["3-bedside"]
    hospital.do(service.end, "gong")
    assert hospital.names() == []
    assert hospital.rollout()["state"] == model.ENDED
    said = [row["what"] for row in hospital.store.read().all("SELECT what FROM audit")]
    assert {"update.start", "update.stop", "update.resume", "update.end"} <= set(said)
    with pytest.raises(service.NoRolloutError):
        hospital.do(service.stop, "gong")


def test_what_cannot_be_begun_says_why_at_its_field(hospital: Hospital) -> None:
    def refused(**changed: Any) -> str:
        given = {"version": NEW, "canary": "3-station", "soak_ms": 0, "by": "gong"} | changed
        with pytest.raises(FieldError) as error:
            hospital.do(service.start, **given)
        return f"{error.value.field}: {error.value.message}"

    assert "published" in refused(version="9.9")
    assert "Choose a box" in refused(canary="nobody")
    assert "14 days" in refused(soak_ms=-1)
    hospital.born("3-station", "1.10.0")
    assert "newer" in refused()
    hospital.do(fleet.lost, "3-bedside")
    assert "out of contact" in refused(canary="3-bedside")
    hospital.do(service.withdrawn, NEW, "gong")
    assert "published" in refused(canary="5-station")
    hospital.do(service.published, NEW, "", "gong")
    hospital.begin("5-station")
    assert "under way" in refused(canary="5-bedside")
    assert hospital.states()["3-station"] == model.KEPT, "it runs a newer one"
    hospital.do(service.withdrawn, NEW, "gong")
    assert hospital.rollout()["why"] == "withdrawn"
