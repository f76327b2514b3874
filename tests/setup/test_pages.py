"""The page: template, check, what would be done, done; and who may set up what."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.setup import sheets, workbook
from central.wards import model as wards
from tests.setup.test_setup import BEDS, BOXES, PHONES, WARDS, book
from tests.visitor import console, hire, log_in, store_of, token_of


@pytest.fixture
def app(tmp_path: Path, clock: Any) -> Iterator[Flask]:
    with console(tmp_path, clock) as made:
        for name, role in (("zhang", "engineer"), ("qian", "telephone_admin"), ("admin", "admin")):
            hire(made, name, role, None)
        yield made


def _posted(client: FlaskClient, raw: bytes) -> str:
    given = {
        "file": (io.BytesIO(raw), "wards.xlsx"),
        "csrf_token": token_of(client, "/setup?lang=zh"),
    }
    answer: str = client.post("/setup", data=given).get_data(as_text=True)
    return answer


def _done(client: FlaskClient, action: str) -> int:
    given = {"csrf_token": token_of(client, "/setup?lang=zh")}
    status: int = client.post(action, data=given).status_code
    return status


def test_what_was_checked_is_set_up_with_one_press(app: Flask) -> None:
    client = log_in(app, "zhang")
    seen = _posted(client, book(wards=WARDS, boxes=BOXES, beds=BEDS))
    assert wards.ward(store_of(app).read(), "7") is None
    action = re.search(r'action="(/setup/\d+)"', seen)
    assert action
    assert "七病区" in seen
    assert _done(client, action[1]) == 302
    assert [row["bed"] for row in wards.beds(store_of(app).read(), "7")] == ["1", "加1"]
    assert _done(client, action[1]) == 404


def test_a_problem_is_told_with_sheet_row_and_column(app: Flask) -> None:
    client = log_in(app, "zhang")
    seen = _posted(client, book(wards=WARDS, beds=[BEDS[0], [77, 1, None, None]]))
    row = re.search(r"<tbody><tr>(.*?)</tr>", seen[seen.index('id="problems"') :], re.S)
    assert row
    assert [re.sub("<[^>]*>", "", cell) for cell in re.findall("<td.*?</td>", row[1])] == [
        "床位", "2", "病区", "没有病区 77:医院里没有,文件里也没有。",
    ]  # fmt: skip
    assert 'action="/setup/' not in seen


def test_an_engineer_sets_up_no_telephones_and_their_administrator_no_beds(
    app: Flask,
) -> None:
    telephones = book(phones=[*PHONES[:1], *PHONES[2:]])
    engineer, administrator = log_in(app, "zhang"), log_in(app, "qian")
    assert "您的账号不能设置工作表 电话" in _posted(engineer, telephones)
    assert "您的账号不能设置工作表 病区" in _posted(administrator, book(wards=WARDS))
    assert "8107" in _posted(administrator, telephones)


def test_the_workbook_downloads_and_goes_back_in(app: Flask) -> None:
    client = log_in(app, "admin")
    raw = client.get("/setup/example.xlsx").data
    assert {line.sheet for line in workbook.read(raw)} == set(sheets.BY_KEY)
    assert 'id="wanted"' in _posted(client, raw)
