"""CSV files: no cell of any column is a formula, whoever filled it."""

import csv
import io

import pytest
from flask import Flask

from central.calls import service as calls
from central.console.sheet import download
from central.store import Store
from central.wards import model as wards
from tests.console.conftest import log_in

FORMULA = "=HYPERLINK(A1)"


def lines(text: str) -> list[list[str]]:
    assert text.startswith("\ufeff"), "spreadsheets read Chinese"
    return list(csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


@pytest.mark.parametrize(
    "text", ["=1", "+1", "-1", "@a", " =1", "\t=1", "\r=1", "\n=1", "＝1", "＋1"]
)
def test_a_text_that_begins_like_a_formula_is_a_text_in_any_column(text: str) -> None:
    answer = download("x.csv", [text, "b"], [[text, "b"], ["a", text]])
    for row in lines(answer.get_data(as_text=True)):
        assert ("'" + text) in row
        assert text not in row


def test_numbers_and_ordinary_texts_stay_as_they_are() -> None:
    answer = download("x.csv", ["n", "text", "nothing"], [[-5, "3+1 床, “=”", None]])
    assert lines(answer.get_data(as_text=True))[1] == ["-5", "3+1 床, “=”", ""]
    assert "filename=x.csv" in answer.headers["Content-Disposition"]


def test_a_bed_or_user_with_such_a_name_is_harmless_in_the_calls(app: Flask, db: Store) -> None:
    with db.transaction() as tx:
        wards.add_bed(tx, "3", FORMULA, "3-box")
        call = calls.open_call(tx, "3", FORMULA, "nurse")
        calls.accept(tx, call, "@li", "board")
    client = app.test_client()
    log_in(client, "li")
    row = lines(client.get("/calls?format=csv").text)[1]
    assert (row[2], row[9]) == ("'" + FORMULA, "'@li")
