"""The inspection book: a month of a ward, on its page and on paper."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pypdfium2
import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from central.clock import FakeClock
from central.proving import book, model
from gateway.mqtt import kinds
from tests import visitor
from tests.calls.ward import build
from tests.proving.conftest import Proved

ZONE = ZoneInfo("Asia/Shanghai")
MONTH = date(2026, 9, 1)
DAY_MS = 24 * 3_600_000


def row(bed: str, at: datetime, result: str) -> dict[str, object]:
    return {"bed": bed, "at_ms": int(at.timestamp() * 1000), "result": result, "node": "3-box"}


def at(day: int, hour: int = 12) -> datetime:
    return datetime(2026, 9, day, hour, tzinfo=ZONE)


def test_each_day_of_a_bed_tells_what_proved_it_and_each_failure_when_it_was_over() -> None:
    rows = [
        row("1", at(1, 0), model.PROVEN), row("1", at(2, 23), model.PRESSED),
        row("2", at(2), model.FAILED), row("2", at(3), model.FAILED), row("9", at(3), model.PROVEN),
        row("1", at(3), model.BUSY), row("2", at(4), model.PRESSED), row("2", at(5), model.FAILED),
    ]  # fmt: skip
    made = book.make("3", MONTH, date(2026, 9, 6), ZONE, ["1", "2"], rows)
    assert [line.bed for line in made.beds] == ["1", "2", "9"], "a bed that is gone keeps its line"
    first, second, _ = made.beds
    assert [day.good for day in first.days[:4]] == [True, True, False, False]
    assert (first.days_good, second.days_good, made.days_so_far) == (2, 1, 6)
    assert second.total("failed") == 3
    assert [failure.over_ms for failure in made.failures] == [
        rows[6]["at_ms"], rows[6]["at_ms"], None,
    ]  # fmt: skip


@given(st.dates(date(2020, 1, 1), date(2100, 1, 1)))
def test_months_follow_each_other_without_a_gap(day: date) -> None:
    month = day.replace(day=1)
    begins_ms, ends_ms = book.bounds(month, ZONE)
    assert book.bounds(book.next_month(month), ZONE)[0] == ends_ms
    assert book.previous_month(book.next_month(month)) == month
    days = list(book.days_of(month))
    assert days[-1] + timedelta(days=1) == book.next_month(month)
    assert ends_ms - begins_ms == len(days) * DAY_MS


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    with visitor.console(tmp_path, clock) as made:
        build(visitor.store_of(made))
        visitor.hire(made, "eng", "engineer")
        visitor.hire(made, "head", "head_nurse", "3")
        yield made


def test_the_book_fills_itself_and_is_printed_in_chinese(app: Flask, clock: FakeClock) -> None:
    ward = Proved(visitor.store_of(app), clock)
    ward.prove("1")
    ward.carry_out()
    ward.operate(kinds.PRESS, "2")
    ward.prove("3")
    ward.fail()
    clock.advance(DAY_MS)
    ward.prove("3")
    ward.carry_out()
    head = visitor.log_in(app, "head")
    page = head.get("/proofs/3/book?lang=en").text

    def signs(bed: str) -> list[str]:
        line = page.split(f'data-book="{bed}"')[1].split("</tr>")[0]
        return [part.split("<")[0] for part in line.split("<td>")[1:]]

    today = datetime.fromtimestamp(clock.now_ms() / 1000, ZONE).day
    assert len(signs("1")) == 30
    assert (signs("1")[today - 2], signs("2")[today - 2]) == ("√", "●")
    assert (signs("3")[today - 2], signs("3")[today - 1], signs("4")[today - 1]) == ("▲", "√", "")
    assert "The bed felt no press" in page

    answer = head.get("/proofs/3/book.pdf?month=2026-09&lang=zh")
    assert answer.mimetype == "application/pdf"
    pdf = pypdfium2.PdfDocument(answer.data)
    text = "".join(sheet.get_textpage().get_text_range() for sheet in pdf)
    pdf.close()
    for words in ("点检簿 · 3病区 · 2026-09", "床位", "√", "●", "▲", "签名", "1/22", "第 1 页"):
        assert words in text, words
    assert head.get("/proofs/99/book").status_code == 404
    for month in ("2026-10", "1999-01", "2026-13", "x"):
        assert head.get(f"/proofs/3/book?month={month}").status_code == 404
    assert "No bed" not in head.get("/proofs/3/book?month=2026-08&lang=en").text
