"""The inspection book as people see it, in both languages, and the button that proves."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from central.clock import FakeClock
from central.proving import turns
from tests import visitor
from tests.calls.ward import build
from tests.proving.conftest import Proved

HOUR_MS = 3_600_000


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    with visitor.console(tmp_path, clock) as made:
        build(visitor.store_of(made))
        for name, role, ward in (("eng", "engineer", None), ("head", "head_nurse", "3")):
            visitor.hire(made, name, role, ward)
        yield made


@pytest.fixture
def ward(app: Flask, clock: FakeClock) -> Proved:
    return Proved(visitor.store_of(app), clock)


def rows(page: str) -> list[str]:
    """The beds of the table, from top to bottom."""
    return [part.split('"')[0] for part in page.split('data-bed="')[1:]]


def test_the_longest_unproved_bed_stands_first_and_each_says_how_it_stands(
    app: Flask, ward: Proved, clock: FakeClock
) -> None:
    ward.born()
    ward.prove("2")
    ward.carry_out()
    clock.advance(HOUR_MS)
    ward.prove("1", "3")
    ward.carry_out()
    ward.fail("not-counted: waited 5000 ms")
    engineer = visitor.log_in(app, "eng")
    page = engineer.get("/proofs?ward=3").text
    assert rows(page) == ["3/3", "3/4", "3/2", "3/1"]
    assert "The bed felt no press: the input of its button is broken." in page
    assert "Buttons nobody has pressed: 4" in page
    chinese = engineer.get("/proofs?ward=3&lang=zh").text
    assert "床头机没有感到按下:按钮输入已损坏。" in chinese
    engineer.get("/proofs?lang=en")
    clock.advance(turns.OVERDUE_MS + 1)
    assert engineer.get("/proofs?ward=3").text.count('data-standing="overdue"') == 3
    assert ">4</a>" in engineer.get("/health").text.split("Beds overdue for a test")[1][:60]


def test_prove_now_from_each_page_leads_back_to_it(app: Flask, ward: Proved) -> None:
    engineer = visitor.log_in(app, "eng")
    token = visitor.token_of(engineer, "/proofs")
    for form, back in (
        ({"bed": "1"}, "/proofs"),
        ({"bed": "1", "only_ward": "3"}, "/proofs?ward=3"),
        ({"bed": "1", "back": "bed"}, "/proofs/3/1"),
        ({"bed": "1", "back": "node"}, "/nodes/3-bedside"),
        ({"node": "3-bedside", "back": "nodes"}, "/nodes"),
    ):
        answer = engineer.post("/proofs/now", data={"ward": "3", "csrf_token": token} | form)
        assert (answer.status_code, answer.location) == (302, back)
    assert "4 beds are being proved" in engineer.get("/nodes").text
    while ward.orders():
        ward.carry_out()
    page = engineer.get("/proofs/3/1").text
    assert page.count('data-result="proven"') == 1, "asked for while it ran"
    assert "eng" in page
    for where in ({"ward": "3", "bed": "99"}, {"ward": "9"}):
        assert engineer.post("/proofs/now", data=where | {"csrf_token": token}).status_code == 404


def test_a_head_nurse_sees_her_ward_and_proves_nothing(app: Flask, ward: Proved) -> None:
    head = visitor.log_in(app, "head")
    page = head.get("/proofs").text
    assert {each.split("/")[0] for each in rows(page)} == {"3"}
    assert "Prove now" not in page
    form = {"ward": "3", "bed": "1", "csrf_token": visitor.token_of(head, "/proofs")}
    assert head.post("/proofs/now", data=form).status_code == 403


def test_the_fleets_pages_show_the_proofs_of_each_box(app: Flask, ward: Proved) -> None:
    ward.prove("2")
    ward.carry_out()
    engineer = visitor.log_in(app, "eng")
    assert 'class="proof-chip well" data-proof="3/2"' in engineer.get("/nodes").text
    story = engineer.get("/nodes/3-bedside").text
    assert story.count('data-proof="3/') == 4
    assert "Prove all beds now" in story
