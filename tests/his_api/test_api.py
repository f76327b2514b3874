"""Facts over HTTP: stored once, answered truly, open to keys alone."""

import json
from datetime import date
from typing import Any

import pytest
from flask import Flask

from central.admissions import model as admissions
from central.fees import service as fees
from central.his_api import model, service
from central.hospital import model as messages
from central.hospital import service as hospital
from central.store import Store, StoreUnavailableError
from central.wards import model as wards
from central.words import catalogue
from gateway.his.http import refusals
from gateway.his.http.document import BASE, document
from gateway.his.http.reading import MAX_BODY_BYTES
from gateway.his.http.schemas import EXAMPLES, SCHEMAS
from tests.his_api.conftest import Send
from tests.visitor import hire, log_in

STAY = EXAMPLES["stays"]


@pytest.fixture
def bed(db: Store) -> None:
    """The place of the example is bed 1 of ward 3."""
    with db.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-box", "3", "bedside")
        wards.add_bed(tx, "3", "1", "3-box")
        hospital.map_location(tx, "HIS", "3^301^1", "3", "1", "zhang")


def count(db: Store) -> int:
    return int(db.read().value("SELECT count(*) FROM his_messages"))


@pytest.mark.usefixtures("bed")
def test_an_admission_puts_the_patient_into_the_bed_once(db: Store, send: Send) -> None:
    first, again = send("stays", STAY), send("stays", STAY)
    assert first.status_code == again.status_code == 200
    assert first.data == again.data
    assert first.json == {"id": 1, "state": "done", "remarks": []}
    patient = admissions.patient_in(db.read(), "3", "1")
    assert patient is not None
    assert (patient["patient"], patient["name"]) == ("P100234", "乗晓亅")
    row = messages.message(db.read(), 1)
    assert row is not None
    assert (row["way"], row["sender"], row["control_id"], row["repeats"]) == (
        "http",
        "HIS",
        "n1",
        1,
    )
    reordered = json.dumps(dict(reversed(STAY.items())), indent=2, ensure_ascii=False)
    gbk = send("stays", reordered.encode("gbk"), Content_Type="application/json; charset=GBK")
    assert gbk.data == first.data, "the same content in another spacing and encoding"
    assert count(db) == 1


def test_a_key_of_another_content_is_refused_and_nothing_happens(db: Store, send: Send) -> None:
    assert send("accounts", EXAMPLES["accounts"]).status_code in (200, 202)
    for kind in ("accounts", "stays"):
        answer = send(kind, EXAMPLES[kind] | {"patient_id": "P2"})
        assert answer.status_code == 422
        assert answer.json["error_id"] == "idempotency-key-reused"
        assert answer.json["field"] == "Idempotency-Key"
    assert count(db) == 1


def test_what_was_refused_is_kept_and_leaves_its_key_free(db: Store, send: Send) -> None:
    wrong = send("stays", STAY | {"sex": "woman"})
    assert wrong.status_code == 400
    assert wrong.json == {
        "error_id": "his-body-refused",
        "error": 'The field sex must be one of "M", "F", "".',
        "field": "sex",
    }
    row = messages.message(db.read(), 1)
    assert row is not None
    assert row["state"] == "refused"
    assert send("stays", STAY | {"sex": "woman"}).data == wrong.data
    assert send("stays", STAY).status_code == 202, "corrected, under the same key"
    chinese = send("stays", STAY | {"sex": "x"}, "n2", Accept_Language="zh-CN,zh;q=0.9")
    assert chinese.json["error"].startswith("字段 sex 必须是")


def test_what_waits_says_why_and_is_asked_for_until_it_is_done(
    app: Flask, db: Store, send: Send, key: str
) -> None:
    answer = send("stays", STAY)
    assert answer.status_code == 202
    assert answer.json["state"] == "waiting"
    assert "3^301^1" in answer.json["remarks"][0]
    headers = {"Authorization": f"Bearer {key}", "Accept-Language": "en"}
    path = f"{BASE}/messages/{answer.json['id']}"
    assert app.test_client().get(path, headers=headers).json == answer.json
    with db.transaction() as tx:
        assert hospital.map_location(tx, "HIS", "3^301^1", None, None, "zhang") == 1
    now = app.test_client().get(path, headers=headers).json
    assert now["state"] == "done"
    assert send("stays", STAY).data == answer.data, "a repeat has the answer of the first"
    with db.transaction() as tx:
        other = service.make_key(tx, "LIS", "zhang")
    stranger = app.test_client().get(path, headers={"Authorization": f"Bearer {other}"})
    assert stranger.status_code == 404, "not its own"


@pytest.mark.parametrize("kind", SCHEMAS)
def test_the_example_of_each_kind_is_taken_and_can_be_replayed(
    db: Store, send: Send, kind: str
) -> None:
    assert send(kind, EXAMPLES[kind]).status_code in (200, 202)
    with db.transaction() as tx:
        tx.execute("UPDATE his_messages SET state = 'waiting'")
        hospital.replay(tx, 1, "zhang")
        assert tx.value("SELECT type FROM his_messages") == kind
        assert tx.value("SELECT state FROM his_messages") != "refused"


def test_the_hospitals_settlement_takes_the_place_of_the_estimate(db: Store, send: Send) -> None:
    def summed() -> fees.Fees:
        return fees.summary(db.read(), "P100234", "V20261129-7", date(2026, 11, 29))

    assert send("charges", EXAMPLES["charges"]).status_code == 200
    assert summed().is_estimate
    wrong = EXAMPLES["settlements"] | {"psn_part_amt": 328_600}
    held = send("settlements", wrong, "n2")
    assert held.status_code == 202, "its parts do not sum: a person must ask"
    assert "¥10,000.00" in held.json["remarks"][0]
    assert send("settlements", EXAMPLES["settlements"], "n3").status_code == 200
    settled = summed()
    assert not settled.is_estimate
    assert (settled.total_fen, settled.insured_fen) == (1_000_000, 671_500)
    assert (settled.own_fen, settled.out_of_scope_fen) == (328_500, 130_000)


@pytest.mark.parametrize(
    ("changes", "status", "field"),
    [
        ({"Authorization": None}, 401, "Authorization"),
        ({"Authorization": "Bearer wl_wrong"}, 401, "Authorization"),
        ({"Authorization": "Bearer 王".encode().decode("latin-1")}, 401, "Authorization"),
        ({"Authorization": "Basic Zm9vOmJhcg=="}, 401, "Authorization"),
        ({"Idempotency_Key": None}, 400, "Idempotency-Key"),
        ({"Idempotency_Key": "a b"}, 400, "Idempotency-Key"),
        ({"Idempotency_Key": "a" * 129}, 400, "Idempotency-Key"),
        ({"Content_Type": "text/plain"}, 415, "Content-Type"),
        ({"Content_Type": "application/json; charset=latin-1"}, 415, "Content-Type"),
    ],
)
def test_what_is_not_sent_as_agreed_is_refused_by_its_header(
    db: Store, send: Send, changes: dict[str, Any], status: int, field: str
) -> None:
    answer = send("stays", STAY, **changes)
    assert (answer.status_code, answer.json["field"]) == (status, field)
    assert count(db) == 0


def test_a_body_that_is_too_large_is_refused_unread(db: Store, send: Send) -> None:
    answer = send("stays", b" " * (MAX_BODY_BYTES + 1))
    assert (answer.status_code, answer.json["error_id"]) == (413, "body-too-large")
    assert count(db) == 0


def test_a_revoked_key_opens_nothing_and_is_kept_as_a_hash(
    app: Flask, db: Store, send: Send, key: str
) -> None:
    assert send("stays", STAY).status_code == 202
    assert key not in json.dumps([list(row) for row in model.keys(db.read())])
    with db.transaction() as tx:
        service.revoke_key(tx, 1, "zhang")
        done = [
            (row["what"], row["ref"]) for row in tx.all("SELECT what, ref FROM audit ORDER BY id")
        ]
    assert send("stays", STAY, "n2").status_code == 401
    assert ("api_key.make", "system/HIS") in done
    assert ("api_key.revoke", "system/HIS") in done


def test_a_session_opens_nothing_here(app: Flask) -> None:
    hire(app, "admin", "admin")
    client = log_in(app, "admin")
    assert client.post(f"{BASE}/stays", json=STAY).status_code == 401
    assert client.get(f"{BASE}/messages/1").status_code == 401


def test_what_cannot_be_stored_is_to_be_sent_again(
    app: Flask, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise StoreUnavailableError("database or disk is full")

    monkeypatch.setattr(service, "take_message", full)
    answer = send("stays", STAY)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "same Idempotency-Key" in answer.json["error"]


def test_what_is_not_there_is_said_as_json(app: Flask) -> None:
    client = app.test_client()
    for method, path, status in (
        ("GET", "/nowhere", 404), ("GET", "/stays", 405), ("DELETE", "/messages/1", 405),
        ("POST", "/nowhere", 404),
    ):  # fmt: skip
        answer = client.open(BASE + path, method=method)
        assert (answer.status_code, answer.is_json) == (status, True), path
        assert answer.json["remedy"]


def test_the_document_is_served_and_its_words_are_in_both_languages(app: Flask) -> None:
    served = app.test_client().get(f"{BASE}/openapi.json")
    assert served.json == json.loads(json.dumps(document()))
    assert [text for text in refusals.TEXTS if text not in catalogue("zh")] == []
