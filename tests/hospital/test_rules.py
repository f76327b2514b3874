"""What capabilities do with messages: gathered, all or nothing, held, kept until it is used."""

from pathlib import Path
from typing import Any

import pytest
import sqlite_utils

from central import capabilities, timers
from central.admissions import service as admissions
from central.clock import FakeClock
from central.hospital import model, reasons, service, taking
from central.hospital.told import HeldError, Reason, Told
from central.store import Store, Tx, migrations
from gateway.his.adt import AdtEvent
from gateway.his.message import parse
from tests.admissions.conftest import PEER, SENDER, ZONE, Hospital, adt

Rules = dict[Any, list[Any]]


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> Rules:
    """The rules, to be changed."""
    changed: Rules = {}
    monkeypatch.setattr(taking, "rules_of_all", lambda: changed)
    return changed


def test_the_rules_of_capabilities_are_gathered() -> None:
    assert admissions.take in capabilities.rules().hospital[AdtEvent]


def test_what_nothing_uses_waits_and_is_applied_after_an_upgrade(
    hospital: Hospital, rules: Rules
) -> None:
    row = hospital.accepted(adt())
    assert (row["state"], hospital.why()) == (model.WAITING, [reasons.UNUSED])
    rules[AdtEvent] = [admissions.take]
    hospital.do(service.recover)
    assert hospital.last()["state"] == model.DONE
    assert hospital.beds() == {"7": "P1"}


def test_what_one_rule_wrote_is_undone_when_another_holds_the_message(
    hospital: Hospital, rules: Rules
) -> None:
    def hold(tx: Tx, event: AdtEvent, told: Told) -> list[Reason]:
        if told.force:
            return [("forced", {})]
        raise HeldError("ask %(who)s", who=event.patient_id)

    rules[AdtEvent] = [admissions.take, hold]
    row = hospital.accepted(adt())
    assert (row["state"], model.reasons(row)) == (model.WAITING, [("ask %(who)s", {"who": "P1"})])
    assert hospital.beds() == {}
    assert hospital.do(service.replay, row["id"], "e", force=True, zone=ZONE)
    assert (hospital.beds(), hospital.why()) == ({"7": "P1"}, ["forced"])


def test_a_rule_frees_what_waits_for_its_reason(hospital: Hospital, rules: Rules) -> None:
    met: list[str] = []

    def meet(tx: Tx, event: AdtEvent, told: Told) -> list[Reason]:
        if event.patient_id == "P2" and not met:
            raise HeldError("first P1")
        met.append(event.patient_id)
        told.frees("first P1")
        return []

    rules[AdtEvent] = [meet]
    hospital.accepted(adt(patient="P2"))
    hospital.accepted(adt(patient="P1"))
    assert met == ["P1", "P2"]
    assert hospital.message(1)["state"] == model.DONE


def test_a_way_of_its_own_answers_by_what_became_of_the_message(hospital: Hospital) -> None:
    answers: list[bytes | None] = []
    with hospital.store.transaction() as tx:

        def answering(message: int) -> bytes:
            row = model.message(tx, message)
            assert row is not None
            return f"{message} {row['state']}".encode()

        for raw in (adt(), adt(patient="P2"), adt()):
            answers.append(
                service.take_message(tx, PEER, raw, parse(raw), ZONE, answering=answering)
            )
    assert answers == [b"1 done", b"2 waiting", b"1 done"]


def test_an_old_database_knows_its_messages_as_they_were(tmp_path: Path, clock: FakeClock) -> None:
    """Of a version that knew nothing but ADT over MLLP: messages that wait are still tried."""
    path = tmp_path / "old.db"
    old = sqlite_utils.Database(path)
    for each in migrations():
        if each is not model.migrations:
            each.apply(old)
    raw = adt(location="ICU^^01^总院")
    old["his_messages"].insert(
        {
            "peer": PEER, "sender": SENDER, "control_id": "C", "digest": "d", "received_ms": 1,
            "last_ms": 1, "type": "ADT^A01", "raw": raw, "encoding": "utf-8", "state": "waiting",
            "location": "ICU^^01^总院", "reason": "[]",
        }
    )  # fmt: skip
    old["timers"].insert({"due_ms": 1, "kind": "admissions.purge", "ref": "all"})
    old.close()
    store = Store(path, clock)
    with store.transaction() as tx:
        assert service.map_location(tx, SENDER, "ICU^^01^总院", None, None, "e", ZONE) == 1
        service.recover(tx)
        assert [row["kind"] for row in timers.due(tx)] == [service.PURGE]
    store.close()
