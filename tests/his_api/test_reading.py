"""A JSON body: read exactly, or refused with the field and the remedy."""

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.his.adt import AdtEvent
from gateway.his.events import ChargeEvent, InfusionOrderEvent
from gateway.his.http import refusals
from gateway.his.http.document import document
from gateway.his.http.reading import codec, parse, same
from gateway.his.http.refusals import BodyRefusal
from gateway.his.http.schemas import EXAMPLES, SCHEMAS
from gateway.his.message import Parsed


def read(kind: str, body: Any, encoding: str = "utf-8") -> Parsed:
    raw = body if isinstance(body, bytes) else json.dumps(body, ensure_ascii=False).encode(encoding)
    return parse(kind, raw, encoding, "HIS", "k1")


def refused(kind: str, body: Any) -> tuple[str, str, int]:
    """(text, field, status) of the refusal."""
    refusal = read(kind, body).refusal
    assert isinstance(refusal, BodyRefusal)
    str(refusal)  # every placeholder has its value
    return refusal.text, refusal.at, refusal.status


def but(kind: str, **changes: Any) -> dict[str, Any]:
    """The example with changes; None takes a field away."""
    body = EXAMPLES[kind] | changes
    return {name: value for name, value in body.items() if value is not None}


@pytest.mark.parametrize("kind", SCHEMAS)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_the_example_of_each_kind_is_read_in_both_encodings(kind: str, encoding: str) -> None:
    parsed = read(kind, EXAMPLES[kind], encoding)
    assert parsed.refusal is None
    (event,) = parsed.events
    assert (event.sender, event.control_id) == ("HIS", "k1")
    assert event.patient_id == "P100234"


def test_a_stay_holds_what_was_sent() -> None:
    (event,) = read("stays", EXAMPLES["stays"], "gb18030").events
    assert isinstance(event, AdtEvent)
    assert (event.kind, event.name, event.sex) == ("admit", "乗晓亅", "F")
    assert event.location.code == "3^301^1"
    assert event.sent_at == datetime(2026, 11, 29, 9, 30, 5)
    (aware,) = read("stays", but("stays", sent_at="2026-11-29T01:30:05Z")).events
    assert aware.sent_at == datetime.fromisoformat("2026-11-29T09:30:05+08:00")


def test_half_a_pack_and_money_stay_exact() -> None:
    (event,) = read("charges", EXAMPLES["charges"]).events
    assert isinstance(event, ChargeEvent)
    assert [(c.quantity_milli, c.amount_fen) for c in event.charges] == [(1000, 2500), (1500, 840)]
    credit = {"id": "C9", "amount_fen": -840, "quantity": -1.5, "original": "C-88002"}
    (taken,) = read("charges", but("charges", charges=[credit])).events
    assert isinstance(taken, ChargeEvent)
    assert (taken.charges[0].amount_fen, taken.charges[0].original) == (-840, "C-88002")
    for amount in (840.5, "840", True, 10**13):
        text, field, _ = refused(
            "charges", but("charges", charges=[{**credit, "amount_fen": amount}])
        )
        assert field == "charges[0].amount_fen", text


def test_a_rate_is_a_number_and_absent_is_not_nought() -> None:
    (event,) = read("infusion-orders", EXAMPLES["infusion-orders"]).events
    assert isinstance(event, InfusionOrderEvent)
    assert (event.rate_drops_per_min, event.rate_ml_per_h, event.drop_factor) == (40.0, None, 20)


CASES: list[tuple[str, Any, tuple[str, str, int]]] = [
    ("stays", but("stays", patient_id=None), (refusals.MISSING, "patient_id", 400)),
    ("stays", but("stays", patientid="P1"), (refusals.UNKNOWN, "patientid", 400)),
    ("stays", but("stays", patient_id=7), (refusals.WRONG_TYPE, "patient_id", 400)),
    ("stays", but("stays", patient_id="P 1"), (refusals.BLANKS, "patient_id", 400)),
    ("stays", but("stays", patient_id="P1\n"), (refusals.BLANKS, "patient_id", 400)),
    ("stays", but("stays", patient_id=""), (refusals.EMPTY, "patient_id", 400)),
    ("stays", but("stays", name="a\x00b"), (refusals.CONTROLS, "name", 400)),
    ("stays", but("stays", name="王" * 81), (refusals.TOO_LONG, "name", 400)),
    ("stays", but("stays", what="moved"), (refusals.WRONG_CHOICE, "what", 400)),
    ("stays", but("stays", sent_at="29.11.2026"), (refusals.NO_TIME, "sent_at", 400)),
    ("stays", but("stays", sent_at="2026-02-30T08:00:00"), (refusals.NO_SUCH_DAY, "sent_at", 422)),
    ("stays", but("stays", birth="61"), (refusals.NO_BIRTH, "birth", 400)),
    ("stays", but("stays", birth="1961-02-31"), (refusals.NO_SUCH_DAY, "birth", 422)),
    ("stays", but("stays", location=None), (refusals.NO_PLACE, "location", 422)),
    ("stays", but("stays", location={"ward": "3"}), (refusals.UNKNOWN, "location.ward", 400)),
    ("charges", but("charges", charges=[]), (refusals.WRONG_COUNT, "charges", 400)),
    (
        "charges",
        but("charges", charges=[{"id": "1", "amount_fen": 1}] * 2),
        (refusals.CHARGED_TWICE, "", 422),
    ),
    (
        "charges",
        but("charges", charges=[{"id": "1", "amount_fen": 1, "quantity": 0.0001}]),
        (refusals.DECIMALS, "charges[0].quantity", 422),
    ),
    (
        "infusion-orders",
        but("infusion-orders", drop_factor=0),
        (refusals.OUT_OF_RANGE, "drop_factor", 400),
    ),
    (
        "examinations",
        but("examinations", booking=None, order=None),
        (refusals.NO_NUMBER, "", 422),
    ),
    ("stays", [], (refusals.WRONG_TYPE, "(body)", 400)),
    ("stays", b"", (refusals.NO_JSON, "", 400)),
    ("stays", b"{", (refusals.NO_JSON, "", 400)),
    ("stays", "王".encode("gb18030"), (refusals.NOT_ENCODED, "", 400)),
    ("stays", b'{"name": "\\ud800"}', (refusals.HALF_CHARACTER, "", 400)),
    ("stays", b'{"name": "a", "name": "b"}', (refusals.TWICE, "", 400)),
    ("stays", b'{"name": NaN}', (refusals.NUMBER, "", 400)),
    ("stays", b'{"name": 1e999999999}', (refusals.NUMBER, "", 400)),
    ("stays", b'{"name": ' + b"9" * 5000 + b"}", (refusals.NUMBER, "", 400)),
    ("stays", b"[" * 100_000, (refusals.TOO_DEEP, "", 400)),
]


@pytest.mark.parametrize(("kind", "body", "told"), CASES)
def test_what_cannot_be_used_is_refused_by_field(
    kind: str, body: Any, told: tuple[str, str, int]
) -> None:
    assert refused(kind, body) == told


def test_every_refusal_is_listed_for_the_catalogues() -> None:
    texts = {value for name, value in vars(refusals).items() if name.isupper() and name != "TEXTS"}
    assert {each for each in texts if isinstance(each, str)} - {"AR", "102"} == set(refusals.TEXTS)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: (
        st.lists(children, max_size=3)
        | st.dictionaries(
            st.sampled_from(sorted(SCHEMAS["stays"]["properties"])) | st.text(),
            children,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=60)
@given(
    st.sampled_from(sorted(SCHEMAS)),
    st.binary(max_size=60) | JSON.map(lambda each: json.dumps(each).encode()),
)
def test_nothing_that_comes_makes_it_fail(kind: str, raw: bytes) -> None:
    parsed = parse(kind, raw, "utf-8", "HIS", "k")
    assert bool(parsed.events) == (parsed.refusal is None)
    assert isinstance(same("stays", raw, "utf-8"), bytes)


def test_the_same_content_is_the_same_however_it_is_written() -> None:
    one = b'{"a": 1, "b": "\\u738b"}'
    assert same("stays", one, "utf-8") == same(
        "stays", '{"b":"王","a":1}'.encode("gb18030"), "gb18030"
    )
    assert same("stays", one, "utf-8") != same("stays", b'{"a": 2, "b": "x"}', "utf-8")
    assert same("stays", one, "utf-8") != same("charges", one, "utf-8")


def test_charsets() -> None:
    names = [codec(each) for each in ("", "utf-8", "UTF8", "GBK", "gb2312", "GB18030", "latin-1")]
    assert names == ["utf-8", "utf-8", "utf-8", "gb18030", "gb18030", "gb18030", None]
    assert codec("no such") is None


def test_the_document_promises_what_the_schemas_check() -> None:
    made = document()
    assert made["components"]["schemas"]["charges"] is SCHEMAS["charges"]
    assert {path for path in made["paths"] if not path.startswith("/messages")} == {
        f"/{kind}" for kind in SCHEMAS
    }
