"""Messages: stored, answered, repeated, held, mapped, replayed, set aside, forgotten."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from central import capabilities, timers
from central.admissions import model as admissions
from central.admissions import reasons as why
from central.admissions import rules
from central.clock import FakeClock
from central.errors import FieldError
from central.exams import reasons as exams
from central.hospital import model, reasons, service
from central.hospital.intake import intake
from central.store import Store
from gateway.his import client, refusals
from gateway.his.adt import AdtEvent
from gateway.his.listener import Listener
from gateway.his.message import parse
from tests.admissions.conftest import PEER, SENDER, ZONE, Hospital, adt, at

SAMPLES = sorted((Path(__file__).parent.parent / "data" / "hl7").glob("*.hl7"))
ICU = "ICU^^01^总院"


def test_a_message_is_kept_as_it_came_with_its_answer(hospital: Hospital) -> None:
    raw = adt(control_id="C7")
    answer = hospital.send(raw)
    row = hospital.last()
    assert row["raw"] == raw
    assert row["answer"].decode() == answer
    assert answer == (
        "MSH|^~\\&|WARDLINE|W|HIS|总院|20260921221320+0800||ACK^A01^ACK|"
        f"WL{row['id']}|P|2.5.1\rMSA|AA|C7\r"
    )
    assert (row["sender"], row["control_id"], row["type"]) == (SENDER, "C7", "ADT^A01")
    assert (row["peer"], row["patient"], row["visit"]) == (PEER, "P1", "P1-1")


def test_a_repeat_is_answered_the_same_and_does_nothing(
    hospital: Hospital, clock: FakeClock
) -> None:
    first = hospital.send(adt())
    hospital.send(adt("A03"))
    clock.advance(60_000)
    assert hospital.send(adt()) == first
    assert hospital.beds() == {}
    row = hospital.message(hospital.last()["id"] - 1)
    assert (row["repeats"], row["last_ms"] - row["received_ms"]) == (1, 60_000)
    assert len(hospital.spoken()) == 2


def test_a_repeat_stamped_anew_is_a_repeat(hospital: Hospital) -> None:
    hospital.accepted(adt(control_id="C", sent=at(40)))
    raw = adt(control_id="C", sent=at(40))
    hospital.send(raw.replace(at(40).encode(), at(41).encode(), 1))
    assert hospital.last()["repeats"] == 1


def test_the_same_control_id_with_other_content_is_a_message_of_its_own(
    hospital: Hospital,
) -> None:
    hospital.accepted(adt(control_id="MSG00001"))
    row = hospital.accepted(adt("A02", "05", control_id="MSG00001"))
    assert row["state"] == model.DONE
    assert hospital.why() == [reasons.SAME_ID]
    assert hospital.beds() == {"5": "P1"}


def test_what_cannot_be_used_is_kept_with_the_reason(hospital: Hospital) -> None:
    raw = adt("A04")
    answer = hospital.send(raw)
    assert "MSA|AR|" in answer
    row = hospital.last()
    assert (row["state"], row["raw"]) == (model.REFUSED, raw)
    assert hospital.why() == [refusals.UNSUPPORTED_EVENT]
    assert hospital.send(raw) == answer
    assert hospital.last()["id"] == row["id"]


def test_an_unmapped_location_is_a_task_and_no_loss(unmapped: Hospital) -> None:
    row = unmapped.accepted(adt())
    assert (row["state"], unmapped.why()) == (model.WAITING, [why.UNMAPPED])
    [task] = model.unmapped(unmapped.store.read())
    assert (task["sender"], task["code"], task["messages"]) == (SENDER, "3E^^07^总院", 1)
    assert unmapped.do(service.map_location, SENDER, "3E^^07^总院", "3", "7", "e", ZONE) == 1
    assert unmapped.beds() == {"7": "P1"}
    assert unmapped.spoken() == ["新入院:急诊,女,四十六岁,安排在三病区七床,请准备床位。"]
    assert model.unmapped(unmapped.store.read()) == []


def test_mapping_applies_what_waits_in_the_order_it_came(unmapped: Hospital) -> None:
    unmapped.accepted(adt())
    unmapped.accepted(adt("A08", name="李^四"))
    unmapped.accepted(adt(patient="P2"))
    assert unmapped.do(service.map_location, SENDER, "3E^^07^总院", "3", "7", "e", ZONE) == 2
    row = admissions.patient_in(unmapped.store.read(), "3", "7")
    assert row is not None
    assert row["name"] == "李四"
    assert unmapped.why(3) == [why.BED_TAKEN]


def test_a_later_message_that_tells_more_ends_the_wait(unmapped: Hospital) -> None:
    unmapped.accepted(adt("A01", "07"))
    unmapped.accepted(adt("A03", "07"))
    assert unmapped.why(1) == [why.SUPERSEDED]
    unmapped.do(service.map_location, SENDER, "3E^^07^总院", "3", "7", "e", ZONE)
    assert unmapped.beds() == {}


def test_a_mapping_tries_only_what_waits_for_it(
    unmapped: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sender that tells of a whole hospital leaves thousands of messages waiting."""
    unmapped.accepted(adt())
    unmapped.accepted(adt("A01", "05", patient="P2"))
    tried: list[bytes] = []
    monkeypatch.setattr(
        "central.hospital.ways.parse",
        lambda raw, encoding: tried.append(raw) or parse(raw, encoding),
    )
    unmapped.do(service.map_location, SENDER, "3E^^07^总院", "3", "7", "e", ZONE)
    assert set(tried) == {adt()}
    assert unmapped.message(2)["state"] == model.WAITING


def test_a_location_may_be_none_of_ours(unmapped: Hospital) -> None:
    unmapped.accepted(adt(location=ICU))
    unmapped.do(service.map_location, SENDER, ICU, None, None, "e", ZONE)
    assert (unmapped.last()["state"], unmapped.why()) == (model.DONE, [why.NOT_OURS])
    assert model.location(unmapped.store.read(), SENDER, ICU)["ward"] is None  # type: ignore[index]


@pytest.mark.parametrize(
    ("sender", "code", "ward", "bed", "field"),
    [
        ("", "x", "3", "7", "sender"),
        ("x", " ", "3", "7", "code"),
        ("x", "y", "9", "7", "ward"),
        ("x", "y", "3", "99", "bed"),
        ("x", "y", "3", None, "bed"),
    ],
)
def test_a_wrong_mapping_is_refused(
    unmapped: Hospital, sender: str, code: str, ward: str, bed: str | None, field: str
) -> None:
    with pytest.raises(FieldError) as error:
        unmapped.do(service.map_location, sender, code, ward, bed, "e")
    assert error.value.field == field


def test_a_mapping_to_a_bed_that_is_gone_waits(hospital: Hospital) -> None:
    with hospital.store.transaction() as tx:
        tx.execute("DELETE FROM beds WHERE ward = '3' AND bed = '7'")
    hospital.accepted(adt())
    assert (hospital.last()["state"], hospital.why()) == (model.WAITING, [why.NO_BED])


def test_a_mapping_may_be_forgotten(hospital: Hospital) -> None:
    assert hospital.do(service.unmap_location, SENDER, "3E^^07^总院", "e")
    assert not hospital.do(service.unmap_location, SENDER, "3E^^07^总院", "e")
    assert hospital.accepted(adt())["state"] == model.WAITING


def test_a_rule_that_fails_undoes_itself_and_the_message_waits(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError("oh")

    with monkeypatch.context() as patch:
        patch.setattr(rules.notices, "admitted", fail)
        row = hospital.accepted(adt())
    assert (row["state"], hospital.why()) == (model.WAITING, [reasons.MISTAKE])
    assert hospital.beds() == {}
    assert hospital.do(service.replay, row["id"], "e", zone=ZONE)
    assert hospital.beds() == {"7": "P1"}
    assert "could not be applied" in caplog.text


def test_a_refused_message_is_replayed_with_the_encoding_of_today(hospital: Hospital) -> None:
    raw = adt(name="陳^大文", location="3E").replace("总院".encode(), b"H").decode().encode("big5")
    hospital.do(service.set_encoding, PEER, "utf-8", "e")
    assert "MSA|AR|" in hospital.send(raw)
    row = hospital.last()
    assert not hospital.do(service.replay, row["id"], "e", zone=ZONE)
    hospital.do(service.set_encoding, PEER, "big5", "e")
    assert not hospital.do(service.replay, row["id"], "e", zone=ZONE)
    assert hospital.why() == [why.UNMAPPED]
    hospital.do(service.map_location, "HIS/H", "3E", "3", "7", "e", ZONE)
    stay = admissions.patient_in(hospital.store.read(), "3", "7")
    assert stay is not None
    assert stay["name"] == "陳大文"


def test_wrong_settings_are_refused(hospital: Hospital) -> None:
    for peer, encoding, field in (("", "utf-8", "peer"), (PEER, "ebcdic", "encoding")):
        with pytest.raises(FieldError) as error:
            hospital.do(service.set_encoding, peer, encoding, "e")
        assert error.value.field == field
    hospital.do(service.set_encoding, PEER, "gb18030", "e")
    hospital.do(service.set_encoding, PEER, None, "e")
    assert model.encoding_of(hospital.store.read(), PEER) is None


def test_setting_aside_and_applying_after_all(hospital: Hospital) -> None:
    hospital.accepted(adt())
    row = hospital.accepted(adt(patient="P2"))
    hospital.do(service.set_aside, row["id"], "e")
    hospital.accepted(adt("A03"))
    assert hospital.beds() == {}
    assert hospital.message(row["id"])["state"] == model.SET_ASIDE
    assert hospital.do(service.replay, row["id"], "e", zone=ZONE)
    assert hospital.beds() == {"7": "P2"}


def test_what_was_applied_is_neither_replayed_nor_set_aside(hospital: Hospital) -> None:
    row = hospital.accepted(adt())
    for rule in (service.replay, service.set_aside):
        with pytest.raises(FieldError):
            hospital.do(rule, row["id"], "e")
        with pytest.raises(service.UnknownMessageError):
            hospital.do(rule, 999, "e")


def test_old_texts_are_forgotten_and_repeats_still_known(
    hospital: Hospital, clock: FakeClock
) -> None:
    first = hospital.send(adt())
    hospital.accepted(adt(patient="P2"))
    refused = hospital.send(adt("A04"))
    hospital.do(service.recover)
    clock.advance(service.RAW_KEPT_MS + 1)
    with hospital.store.transaction() as tx:
        for timer in timers.due(tx):
            capabilities.rules().timers[timer["kind"]](tx, timer["ref"], {}, 0)
            timers.fired(tx, timer)
        assert timers.next_due_ms(tx) == tx.now_ms + service.PURGE_EVERY_MS
    kept = {
        row["id"]: row["raw"] is not None
        for row in hospital.store.read().all("SELECT id, raw FROM his_messages")
    }
    assert kept == {1: False, 2: True, 3: False}
    assert hospital.send(adt()) == first
    assert hospital.send(adt("A04")) == refused
    with pytest.raises(FieldError):
        hospital.do(service.replay, 3, "e")


def test_a_flood_of_refused_messages_keeps_only_the_newest_texts(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RAW_REFUSED_KEPT", 2)
    for number in range(5):
        hospital.send(adt("A04", control_id=f"C{number}"))
    assert hospital.do(service.purge) == 3
    rows = hospital.store.read().all("SELECT raw FROM his_messages ORDER BY id")
    assert [row["raw"] is not None for row in rows] == [False, False, False, True, True]


def test_the_list_shows_what_waits_first(hospital: Hospital) -> None:
    hospital.accepted(adt())
    hospital.accepted(adt(patient="P2"))
    hospital.send(adt("A04"))
    hospital.accepted(adt("A08", name="李^四"))
    tx = hospital.store.read()
    assert [row["id"] for row in model.messages(tx)] == [2, 3, 4, 1]
    assert [row["id"] for row in model.messages(tx, model.DONE, before=4)] == [1]
    assert model.counts(tx) == {"waiting": 1, "refused": 1, "done": 2, "set_aside": 0}


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
def test_every_sample_goes_all_the_way(hospital: Hospital, path: Path) -> None:
    raw = path.read_bytes()
    parsed = parse(raw)
    answer = hospital.send(raw)
    row = hospital.last()
    if not parsed.events:
        assert "MSA|AR|" in answer
        assert row["state"] == model.REFUSED
        return
    assert "MSA|AA|" in answer
    event = parsed.events[0]
    if not isinstance(event, AdtEvent):
        # Appointments name a room that nobody has mapped; accounts and orders need nothing.
        held = exams.UNMAPPED_ROOM if row["type"].startswith("SIU") else reasons.UNUSED
        assert row["state"] == model.DONE or hospital.why() == [held]
        assert row["patient"] == "PATID1234"
        return
    code = event.location.code
    hospital.do(service.map_location, row["sender"], code, "3", "3", "e", ZONE)
    assert hospital.last()["state"] == model.DONE
    ended = event.kind in ("discharge", "cancel_admit")
    assert hospital.beds() == ({} if ended else {"3": event.patient_id})


def test_the_samples_one_after_another(hospital: Hospital) -> None:
    """They all have one control id and one time, and still each does what it says."""
    for event in ("A01", "A02", "A08", "A03", "A13", "A11"):
        raw = (SAMPLES[0].parent / f"ADT-{event}-01.hl7").read_bytes()
        assert "MSA|AA|MSG00001" in hospital.send(raw)
        if event == "A01":
            hospital.do(
                service.map_location, "ADTApp/GHHSFacility",
                "HUH AE OMU^OMU B^Bed 03^HOMERTON UNIVER", "3", "3", "e", ZONE,
            )  # fmt: skip
        expected = {} if event in ("A03", "A11") else {"3": "PATID1234"}
        assert hospital.beds() == expected, event
        assert hospital.last()["state"] == model.DONE


def through_the_listener(store: Store, *raws: bytes) -> list[bytes]:
    async def story() -> list[bytes]:
        listener = Listener(intake(store, ZONE))
        port = await listener.start("127.0.0.1", 0)
        try:
            async with await client.connect("127.0.0.1", port) as connection:
                return [await connection.send(raw) for raw in raws]
        finally:
            await listener.close()

    return asyncio.run(story())


def test_over_mllp_into_the_bed(hospital: Hospital) -> None:
    hospital.do(service.set_encoding, "127.0.0.1", "gb18030", "e")
    raw = adt(name="乗^亅").decode().encode("gb18030")
    [answer, again] = through_the_listener(hospital.store, raw, raw)
    assert answer == again
    assert "总院" in answer.decode("gb18030")
    row = admissions.patient_in(hospital.store.read(), "3", "7")
    assert row is not None
    assert row["name"] == "乗亅"


def test_nothing_is_acknowledged_that_is_not_stored(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.store.LOCK_TIMEOUT_S", 0.05)
    blocker = sqlite3.connect(hospital.store.path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    try:
        [answer] = through_the_listener(hospital.store, adt(control_id="C9"))
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
    assert b"MSA|AE|C9|The message could not be stored." in answer
    assert hospital.store.read().value("SELECT count(*) FROM his_messages") == 0
    [answer] = through_the_listener(hospital.store, adt(control_id="C9"))
    assert b"MSA|AA|C9" in answer


def test_reasons_are_kept_with_their_values(hospital: Hospital) -> None:
    hospital.accepted(adt())
    row = hospital.accepted(adt(patient="P2"))
    assert json.loads(row["reason"]) == [[why.BED_TAKEN, {"ward": "3", "bed": "7"}]]
