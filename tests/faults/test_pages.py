"""The engineer's pages: plain words, who sees to it, a box's story, and nothing that a box
sends can become markup or a formula."""

import csv
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.calls import service as calls
from central.clock import FakeClock
from central.faults import model, service
from central.store import Store
from central.wards import model as wards
from tests import visitor
from ward_node.core.faults import TROUBLES

# 2026-11-24 14:05 in Shanghai.
NOW_MS = 1_795_500_300_000
MINUTE_MS = 60_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW_MS)


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    with visitor.console(tmp_path, clock) as made:
        with visitor.store_of(made).transaction() as tx:
            for ward in ("3", "5"):
                wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
                wards.add_node(tx, f"{ward}-box", ward, "bedside")
                wards.add_bed(tx, ward, "3", f"{ward}-box")
        for name, role, ward in (
            ("eng", "engineer", None),
            ("head3", "head_nurse", "3"),
            ("wang", "nurse", "3"),
        ):
            visitor.hire(made, name, role, ward)
        yield made


@pytest.fixture
def opened(app: Flask) -> Store:
    return visitor.store_of(app)


def log_in(app: Flask, name: str = "eng") -> FlaskClient:
    return visitor.log_in(app, name)


def fault(opened: Store, **changes: Any) -> int:
    given = {"ward": "3", "node": "3-box", "device": "bed 3", "code": "silent", "detail": "unit 3"}
    with opened.transaction() as tx:
        return service.raise_fault(tx, **(given | changes))


def test_a_fault_is_told_in_plain_words(app: Flask, opened: Store, clock: FakeClock) -> None:
    client = log_in(app)
    assert "Everything answers." in client.get("/faults").text
    fault(opened)
    clock.advance(13 * MINUTE_MS)
    page = client.get("/faults").text
    assert "Bed 3 does not answer since 14:05: check its plug." in page
    assert "for 13 min" in page
    page = client.get("/faults?lang=zh").text
    assert "3 床从 14:05 起没有回应:请检查插头。" in page


@pytest.mark.parametrize(
    ("device", "code", "words"),
    [
        ("box", "lost", "Box 3-box is out of contact since 14:05: check its power"),
        ("bus", "gone", "The bedside line of box 3-box is cut since 14:05"),
        ("bed 3", "address_clash", "Two units answer as bed 3 since 14:05"),
        ("fan", "hums", "Trouble “hums” of fan at box 3-box since 14:05"),
        ("bed 3", "hums", "Trouble “hums” of bed 3 at box 3-box since 14:05"),
    ],
)
def test_every_code_has_its_words(
    app: Flask, opened: Store, device: str, code: str, words: str
) -> None:
    fault(opened, device=device, code=code)
    assert words in log_in(app).get("/faults").text


def test_a_call_nobody_answers_is_named_by_its_bed(app: Flask, opened: Store) -> None:
    with opened.transaction() as tx:
        at_bed = calls.open_call(tx, "3", "3", "nurse")
        of_none = calls.open_call(tx, "3", None, "cut_off")
    for call in (at_bed, of_none):
        fault(opened, node="central", device=f"call {call}", code="nobody-answers")
    page = log_in(app).get("/faults").text
    assert "Nobody answers bed 3 since 14:05: go to the bed now" in page
    assert "Nobody sees to “Ward is cut off” since 14:05: go and look now" in page
    assert '<span class="fault-facts">Ward 3 · centre · for' in page


def test_somebody_sees_to_it_and_it_ends_by_itself(
    app: Flask, opened: Store, clock: FakeClock
) -> None:
    number = fault(opened)
    client = log_in(app)
    given = {"csrf_token": visitor.token_of(client, "/faults"), "back": "node"}
    answer = client.post(f"/faults/{number}/acknowledge", data=given)
    assert answer.location == "/nodes/3-box"
    assert "eng sees to it since 14:05" in client.get("/faults").text
    assert len(model.open_faults(opened.read())) == 1
    clock.advance(2 * MINUTE_MS)
    with opened.transaction() as tx:
        service.clear_fault(tx, "3-box", "bed 3", "silent")
    page = client.get("/faults").text
    assert "Everything answers." in page
    assert "2 min<" in page
    assert client.post("/faults/99/acknowledge", data=given).status_code == 404


def test_the_export_holds_all_and_no_formula(app: Flask, opened: Store) -> None:
    fault(opened, detail='=HYPERLINK("http://evil")')
    with opened.transaction() as tx:
        service.clear_fault(tx, "3-box", "bed 3")
    fault(opened, code="garbled")
    answer = log_in(app).get("/faults.csv")
    assert answer.mimetype == "text/csv"
    head, first, second = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert head[:4] == ["Ward", "Box", "Device", "Code"]
    assert (first[3], second[3]) == ("garbled", "silent")
    assert second[-1].startswith("'=")


def test_boxes_by_ward(app: Flask, opened: Store) -> None:
    health = {"outbox": 4, "dropped": 2, "quarantined": 1, "last_reject": "<b>bad</b>"}
    health |= {"poll_ms": 61, "silent_beds": ["3"], "alone": True}
    with opened.transaction() as tx:
        tx.execute(
            "UPDATE nodes SET state = 'ready', firmware = '0.1.0', seen_ms = ?, health = ?"
            " WHERE id = '3-box'",
            (NOW_MS, json.dumps(health)),
        )
    page = log_in(app).get("/nodes").text
    row = page[page.index('data-node="3-box"') : page.index('data-node="5-box"')]
    for text in (
        "in contact",
        "61 ms",
        "&lt;b&gt;bad&lt;/b&gt;",
        "0.1.0",
        "acts alone",
        "0 s ago",
    ):
        assert text in row
    assert "trouble" in row
    assert "never seen" in page


def test_a_boxs_story(app: Flask, opened: Store) -> None:
    fault(opened)
    with opened.transaction() as tx:
        tx.insert(
            "quarantine", at_ms=NOW_MS, topic="wardline/1/3/3-box/event", ward="3", node="3-box",
            payload=b'<script>\xff"', reason="not JSON",
        )  # fmt: skip
        tx.insert(
            "events", node="3-box", boot=1, seq=1, ward="3", bed="3", type="press",
            about='{"infusion": "7"}', happened_ms=NOW_MS - 40, stored_ms=NOW_MS,
            failure="KeyError",
        )  # fmt: skip
        tx.insert(
            "events", node="3-box", boot=1, seq=2, ward="3", bed="4", type="test_press",
            about='{"proof": "13", "took_ms": 62}', happened_ms=NOW_MS - 40, stored_ms=NOW_MS,
        )  # fmt: skip
        tx.insert(
            "commands", ward="3", node="3-box", type="speak", body="{}", created_ms=NOW_MS,
            expires_real_ms=NOW_MS, attempts=1, result="refused", reason="no such bed",
        )  # fmt: skip
    page = log_in(app).get("/nodes/3-box").text
    for text in (
        "Bed 3 does not answer since 14:05", "not JSON", "&lt;script&gt;\\xff", "40 ms",
        "drip 7", "KeyError", "no such bed", "proved that it can call</td><td>62 ms</td>",
    ):  # fmt: skip
        assert text in page
    assert not re.search(r"<script(?![^>]*src=)|\sstyle=|<style|\son\w+=", page)
    assert log_in(app).get("/nodes/9-box").status_code == 404


def test_a_head_nurse_sees_her_ward(app: Flask, opened: Store) -> None:
    other = fault(opened, ward="5", node="5-box")
    client = log_in(app, "head3")
    assert "Everything answers." in client.get("/faults").text
    assert "5-box" not in client.get("/nodes").text
    assert client.get("/nodes/5-box").status_code == 403
    given = {"csrf_token": visitor.token_of(client, "/faults")}
    assert client.post(f"/faults/{other}/acknowledge", data=given).status_code == 403
    assert "5-box" not in client.get("/faults.csv").text


def test_a_nurse_led_here_from_a_bed_sees_her_ward(app: Flask, opened: Store) -> None:
    number = fault(opened)
    client = log_in(app, "wang")
    assert "Bed 3 does not answer" in client.get("/faults?ward=3").text
    assert client.get("/faults?ward=5").status_code == 403
    given = {"csrf_token": visitor.token_of(client, "/faults")}
    client.post(f"/faults/{number}/acknowledge", data=given)
    assert "wang sees to it" in client.get("/faults").text


@pytest.mark.parametrize("code", TROUBLES)
def test_a_trouble_of_the_outbox_says_what_where_and_what_to_do(
    app: Flask, opened: Store, code: str
) -> None:
    fault(opened, device="outbox", code=code, detail="kept as /data/outbox.journal.x")
    page = log_in(app).get("/faults").text
    assert "3-box" in page
    assert "since 14:05" in page or "at 14:05" in page
    assert "kept as /data/outbox.journal.x" in page
    assert f"“{code}”" not in page  # the words for what nobody foresaw
    with opened.transaction() as tx:
        tx.execute("UPDATE users SET lang = 'zh'")
    assert "14:05 " in (chinese := log_in(app).get("/faults").text)
    assert "待发箱" in chinese or "存储" in chinese


@pytest.mark.parametrize(
    ("health", "words", "chinese"),
    [
        ({"clock_behind_ms": 185_000}, "clock 3 min 5 s slow", "时钟慢 3分5秒"),
        ({"clock_behind_ms": -7_200_000}, "clock 2 h fast", "时钟快 2小时"),
        ({"clock_behind_ms": 40, "has_clock": True}, "clock right", "时钟准确"),
        ({"clock_behind_ms": None, "has_clock": False}, "has no clock", "自身没有时钟"),
    ],
)
def test_what_a_box_measures_of_itself_is_told_in_words(
    app: Flask, opened: Store, health: dict[str, Any], words: str, chinese: str
) -> None:
    with opened.transaction() as tx:
        tx.execute(
            "UPDATE nodes SET state = 'ready', seen_ms = ?, health = ? WHERE id = '3-box'",
            (NOW_MS, json.dumps(health)),
        )
    client = log_in(app)
    for page in ("/nodes", "/nodes/3-box"):
        assert words in client.get(page + "?lang=en").text
        assert chinese in client.get(page + "?lang=zh").text


def test_how_long_a_fault_was_unknown_is_shown(app: Flask, opened: Store) -> None:
    fault(opened, known_after_ms=7_240)
    client = log_in(app)
    assert "known after 7.2 s" in client.get("/faults").text
    assert "known after 7.2 s" in client.get("/nodes/3-box").text
    with opened.transaction() as tx:
        service.clear_fault(tx, "3-box", "bed 3")
    assert "<td>7.2 s</td>" in client.get("/faults").text
    assert "7.2 s" in client.get("/faults.csv").text
