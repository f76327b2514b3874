"""An engineer asks a box for its log."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from central.box_logs import model, service
from central.bridge import intake
from central.clock import FakeClock
from central.errors import FieldError
from central.store import Store
from gateway.mqtt import kinds
from tests import visitor
from tests.calls.ward import Ward, build

BOX = "3-bedside"


class Asked(Ward):
    """Ward 3, whose box is asked for its log."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(store, clock)
        self.rules.add(service)

    def ask(self, lines: int = 50, grave: bool = False) -> int:
        return int(self.do(service.ask, BOX, "eng", lines, grave))

    @property
    def command(self) -> int:
        return int(self.store.read().value("SELECT max(id) FROM commands WHERE type = 'log'"))

    def tell(
        self, part: int, parts: int, *lines: str, node: str = BOX, command: Any = None
    ) -> None:
        told = {"command": str(command or self.command), "part": part, "parts": parts}
        self.do(service.take, node, told | {"lines": list(lines)})

    def answer(self, result: str = kinds.DONE, reason: str | None = None) -> None:
        message = {"id": str(self.command), "result": result, "reason": reason}
        self.do(intake.take_ack, self.rules, BOX, message)

    def state(self, log: int = 1) -> tuple[str, str | None]:
        row = model.one(self.store.read(), log)
        assert row is not None
        return row["state"], row["reason"]

    def text(self, log: int = 1) -> str:
        return model.text(self.store.read(), log)


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    with visitor.console(tmp_path, clock) as made:
        build(visitor.store_of(made))
        visitor.hire(made, "eng", "engineer")
        visitor.hire(made, "head", "head_nurse", "3")
        yield made


@pytest.fixture
def ward(app: Flask, clock: FakeClock) -> Asked:
    return Asked(visitor.store_of(app), clock)


def test_portions_are_joined_in_their_order_however_often_they_come(ward: Asked) -> None:
    ward.ask(grave=True)
    assert ward.sent(kinds.LOG) == [{"lines": 50, "grave": True}]
    ward.tell(1, 2, "c")
    ward.tell(0, 2, "a", "b")
    ward.tell(0, 2, "a", "b")
    assert ward.state() == (model.WAITING, None)
    ward.answer()
    assert ward.state() == (model.WHOLE, None)
    assert ward.text() == "a\nb\nc"
    ward.tell(0, 2, "too late")
    assert ward.text() == "a\nb\nc"


def test_what_was_not_asked_for_is_left_out(ward: Asked) -> None:
    ward.ask()
    ward.tell(0, 1, "of another box", node="3-station")
    ward.tell(0, 1, "of another command", command=99)
    for command in ("x", "9" * 40, "-1"):
        ward.tell(0, 1, "no number", command=command)
    ward.tell(3, 2, "beyond the last")
    ward.tell(0, 100_000, "without end")
    assert ward.text() == ""


@pytest.mark.parametrize(
    ("result", "reason", "why"),
    [
        (kinds.DONE, None, service.TORN),
        (kinds.DECLINED, "this box keeps no log", service.NO_LOG),
        (kinds.EXPIRED, None, service.NO_ANSWER),
        (kinds.REFUSED, "lines is out of range: 7", "lines is out of range: 7"),
    ],
)
def test_why_it_did_not_arrive(ward: Asked, result: str, reason: str | None, why: str) -> None:
    ward.ask()
    ward.tell(1, 2, "the first is missing")
    ward.answer(result, reason)
    assert ward.state() == (model.FAILED, why)


def test_a_box_that_never_answers_is_given_up_and_one_out_of_contact_is_not_asked(
    ward: Asked, clock: FakeClock
) -> None:
    ward.ask()
    clock.advance(61_000)
    ward.do(intake.expire_commands, ward.rules)
    assert ward.state() == (model.FAILED, service.NO_ANSWER)
    ward.do(lambda tx: tx.execute("UPDATE nodes SET state = 'lost'"))
    with pytest.raises(FieldError):
        ward.ask()


def test_the_newest_excerpts_are_kept(ward: Asked) -> None:
    for number in range(service.KEPT + 2):
        ward.ask()
        ward.tell(0, 1, str(number))
        ward.answer()
    rows = model.of_node(ward.store.read(), BOX)
    assert [row["id"] for row in rows] == list(range(service.KEPT + 2, 2, -1))
    assert ward.store.read().value("SELECT count(*) FROM box_log_parts") == service.KEPT


def test_an_engineer_reads_it_on_its_page_and_takes_it_away(app: Flask, ward: Asked) -> None:
    engineer, head = visitor.log_in(app, "eng"), visitor.log_in(app, "head")
    token = visitor.token_of(engineer, "/nodes/3-bedside")
    form = {"csrf_token": token, "lines": "50", "grave": "on"}
    answer = engineer.post("/nodes/3-bedside/logs?lang=en", data=form)
    there = answer.headers["Location"]
    assert 'data-again="1"' in engineer.get(there).text
    ward.tell(0, 1, "ERROR <b>bold</b> & more")
    ward.answer()
    page = engineer.get(there).text
    assert "ERROR &lt;b&gt;bold&lt;/b&gt; &amp; more" in page
    assert "data-again" not in page
    taken = engineer.get(f"{there}.txt")
    assert taken.text == "ERROR <b>bold</b> & more\n"
    assert taken.mimetype == "text/plain"
    assert f'href="{there}"' in engineer.get("/nodes/3-bedside").text
    assert engineer.get("/nodes/3-station/logs/1").status_code == 404
    assert head.get(there).status_code == 403
    assert "Fetch the log" not in head.get("/nodes/3-bedside?lang=en").text
    wrong = engineer.post("/nodes/3-bedside/logs", data={"csrf_token": token, "lines": "1000000"})
    assert wrong.headers["Location"] == "/nodes/3-bedside"
    assert len(model.of_node(ward.store.read(), BOX)) == 1
