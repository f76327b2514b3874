"""Every page: who may see it, nothing from outside, nothing inline, both languages."""

import html
import re
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.audit import model as audit
from central.calls import service as calls
from central.console.app import CONTENT_SECURITY_POLICY
from central.faults import service as faults
from central.store import Store
from tests.console.busy import fill
from tests.console.conftest import USERS, log_in, token_of

AsUser = Callable[[str], FlaskClient]

# Pages of the console itself: who may see them besides the administrator.
NURSES = {"li", "wang", "zhao"}
PAGES = {
    "/board/3": NURSES | {"zhang"},
    "/beds?ward=3": NURSES | {"zhang"},
    "/beds/3/1": NURSES | {"zhang"},
    "/wards": {"wang", "zhao", "zhang"},
    "/health": {"zhang"},
    "/search?q=3-1": NURSES | {"zhang", "qian", "sun", "chen"},
    "/me": NURSES | {"zhang", "qian", "sun", "chen"},
    "/users": set(),
    "/screens": set(),
    "/audit?check=1": set(),
    "/audit.csv": set(),
}

LINK = re.compile(r'<a [^>]*href="(/[^"]*)"')
# What is downloaded, and the same page in the other language.
NO_PAGE = re.compile(r"[?&]lang=|\.csv|/static/")


@pytest.fixture
def busy(app: Flask, db: Store) -> Store:
    """Something to see on every page."""
    with db.transaction() as tx:
        for bed, type in (("1", "nurse"), ("2", "emergency"), ("3", "infusion")):
            calls.open_call(tx, "3", bed, type)
        calls.accept(tx, 1, "li", "board")
        faults.raise_fault(tx, ward="3", node="3-box", device="bed 4", code="silent")
        tx.execute(
            "INSERT INTO patients (id, name, sex, birth, updated_ms) VALUES"
            " ('p1', '<b>陈</b>小明', 'M', '1980-02-01', 0)"
        )
        tx.execute(
            "INSERT INTO stays (patient, visit, ward, bed, kind, admitted_ms)"
            " VALUES ('p1', 'v1', '3', '1', 'I', 0)"
        )
    return db


@pytest.mark.parametrize("name", USERS)
def test_a_page_is_for_its_roles(as_user: AsUser, busy: Store, name: str) -> None:
    user = as_user(name)
    expected = {path: 200 if name in who | {"admin"} else 403 for path, who in PAGES.items()}
    assert {path: user.get(path).status_code for path in PAGES} == expected


def everything(app: Flask) -> list[str]:
    """Every address without arguments that a GET may ask for, and the ones of ward 3."""
    paths = {
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and not rule.arguments and rule.endpoint != "board.stream"
    }
    return sorted(paths | {"/board/3", "/beds?ward=3", "/search?q=1", "/calls/1", "/nothing-here"})


@pytest.mark.parametrize("language", ["zh", "en"])
def test_no_page_takes_anything_from_outside_or_inline(
    as_user: AsUser, app: Flask, busy: Store, language: str
) -> None:
    client = as_user("admin")
    client.get(f"/me?lang={language}")
    looked_at = 0
    for path in everything(app):
        answer = client.get(path, follow_redirects=True, headers={"Accept": "text/html"})
        assert answer.status_code in (200, 400, 401, 403, 404), path
        assert answer.headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY, path
        if answer.mimetype != "text/html":
            continue
        looked_at += 1
        page = answer.text
        assert re.findall(r"""(?:src|href|action)=["'](?:https?:)?//(?!localhost)""", page) == [], (
            path
        )
        assert re.findall(r"<script(?![^>]*\ssrc=)[^>]*>", page) == [], path
        assert re.findall(r"<style|\sstyle=|\son\w+=", page) == [], path
        assert f'lang="{"zh-CN" if language == "zh" else "en"}"' in page, path
        # What everybody may read may be kept for a moment; it is the same for all.
        kept = "public, max-age=30" if path.startswith("/information") else "no-store"
        assert answer.headers["Cache-Control"] == kept, path
        assert answer.headers["X-Frame-Options"] == "DENY", path
        assert answer.headers["Referrer-Policy"] == "same-origin", path
    assert looked_at > 10


def test_no_static_file_asks_for_anything_outside(app: Flask) -> None:
    names = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    for blueprint in app.blueprints.values():
        if blueprint.name == "bootstrap" or blueprint.static_folder is None:
            continue
        for path in Path(blueprint.static_folder).rglob("*"):
            if path.suffix in (".js", ".css", ".svg", ".html"):
                found = set(re.findall(r"https?://[^\s\"')]+", path.read_text()))
                assert found <= names, path


def test_bootstrap_and_its_icons_are_served_from_here(as_user: AsUser) -> None:
    client = as_user("li")
    page = client.get("/beds").text
    local = {
        each.split("#")[0] for each in re.findall(r'(?:src|href)="(/[^"]*(?:static)[^"]*)"', page)
    }
    assert any("bootstrap.min.css" in each for each in local)
    assert any("bootstrap-icons.svg" in each for each in local)
    for each in local:
        with client.get(each) as answer:
            assert answer.status_code == 200, each


def test_the_chinese_and_the_english_page_differ_and_the_choice_is_kept(
    as_user: AsUser, app: Flask
) -> None:
    client = as_user("li")
    assert "Nobody is calling." in client.get("/board/3").text
    assert "目前没有呼叫。" in client.get("/board/3?lang=zh").text
    assert "目前没有呼叫。" in client.get("/board/3").text
    elsewhere = app.test_client()
    log_in(elsewhere, "li")
    assert "目前没有呼叫。" in elsewhere.get("/board/3").text


def test_a_nurse_sees_her_ward_and_those_that_hand_over_to_it(as_user: AsUser, db: Store) -> None:
    client = as_user("li")
    assert client.get("/board/5").status_code == 403
    assert client.get("/beds?ward=5").status_code == 403
    with db.transaction() as tx:
        tx.execute("UPDATE wards SET neighbour = '3' WHERE id = '5'")
    assert client.get("/board/5").status_code == 200
    assert client.get("/board/9").status_code == 404


def test_names_are_escaped_and_looks_are_in_the_audit(as_user: AsUser, busy: Store) -> None:
    page = as_user("li").get("/beds?ward=3").text
    assert "&lt;b&gt;陈&lt;/b&gt;小明" in page
    assert "<b>陈" not in page
    read = busy.read().one("SELECT * FROM audit WHERE what = 'patient.read'")
    assert read is not None
    assert (read["who"], read["ref"]) == ("li", "beds/3")


def test_an_engineer_sees_no_patient(as_user: AsUser, busy: Store) -> None:
    client = as_user("zhang")
    assert "小明" not in client.get("/beds?ward=3").text
    assert "Nothing found" in client.get("/search?q=小明").text


def test_search_finds_beds_patients_nodes_and_calls(as_user: AsUser, busy: Store) -> None:
    client = as_user("li")
    assert "/beds/3/1" in client.get("/search?q=3-1").text
    assert "小明" in client.get("/search?q=小明").text.split("</header>")[1]
    assert "/nodes/3-box" in client.get("/search?q=3-box").text
    assert "/calls/2" in client.get("/search?q=2").text
    assert "Nothing found" in client.get("/search?q=5-box").text, "another ward's box"


def test_all_wards_are_shown_worst_first(as_user: AsUser, busy: Store) -> None:
    with busy.transaction() as tx:
        calls.open_call(tx, "5", "1", "nurse")
    page = as_user("zhao").get("/wards").text
    assert re.findall(r'data-ward="(\d)"', page) == ["3", "5"]
    with busy.transaction() as tx:
        calls.attend(tx, "3", "2", tx.now_ms, "presence")
        calls.attend(tx, "3", "3", tx.now_ms, "presence")
    assert re.findall(r'data-ward="(\d)"', as_user("zhao").get("/wards").text) == ["5", "3"]


@pytest.mark.parametrize(
    ("path", "status"), [("/nothing", 404), ("/users", 403), ("/board/9", 404)]
)
def test_errors_are_said_in_plain_words(as_user: AsUser, path: str, status: int) -> None:
    client = as_user("li")
    page = client.get(path, headers={"Accept": "text/html"})
    assert page.status_code == status
    assert f"http-{status}" in page.text
    script = client.get(path, headers={"Accept": "application/json"})
    assert script.status_code == status
    assert script.get_json()["error_id"] == f"http-{status}"


def test_a_mistake_is_numbered_and_tells_no_inside(
    as_user: AsUser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("secret inside")

    client = as_user("zhao")
    monkeypatch.setattr("central.console.overview.wards_at_a_glance", broken)
    answer = client.get("/wards")
    assert answer.status_code == 500
    assert "secret inside" not in answer.text
    number = re.findall(r"<code>([0-9a-f]{8})</code>", answer.text)
    assert number
    assert number[0] in caplog.text


@pytest.fixture
def locked(app: Flask, db: Store, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Call it: from then on another process holds the database."""
    holder = sqlite3.connect(db.path, isolation_level=None, check_same_thread=False)

    def lock() -> None:
        db.connection().execute("PRAGMA busy_timeout = 0")
        holder.execute("BEGIN IMMEDIATE")

    yield lock
    holder.close()


def test_a_locked_database_is_said_and_the_form_keeps_what_was_typed(
    as_user: AsUser, locked: Callable[[], None]
) -> None:
    client = as_user("admin")
    token = token_of(client, "/users")
    locked()
    data = {"name": "new.nurse", "display": "新护士", "role": "nurse", "ward": "3"}
    answer = client.post("/users", data=data | {"password": "long enough!", "csrf_token": token})
    assert answer.status_code == 503
    assert "database is locked" in answer.text
    assert 'value="new.nurse"' in answer.text
    assert 'value="新护士"' in answer.text


def test_a_locked_database_is_said_to_scripts_and_pages_are_still_shown(
    as_user: AsUser, locked: Callable[[], None]
) -> None:
    client = as_user("li")
    token = token_of(client, "/board/3")
    locked()
    answer = client.post("/board/3/repeat", json={}, headers={"X-CSRFToken": token})
    assert answer.status_code == 503
    assert answer.get_json()["error_id"] == "store-unavailable"
    assert client.get("/board/3").status_code == 200
    assert client.get("/beds").status_code == 200


def test_users_are_added_disabled_and_given_passwords(
    as_user: AsUser, app: Flask, db: Store
) -> None:
    client = as_user("admin")
    token = token_of(client, "/users")
    new = {"name": "Gao", "display": "Gao", "role": "nurse", "ward": "5", "lang": "zh"}
    data = new | {"password": "long enough!", "csrf_token": token}
    assert client.post("/users", data=data).status_code == 302
    assert log_in(app.test_client(), "gao", "long enough!").status_code == 302
    again = client.post("/users", data=data)
    assert again.status_code == 400
    assert "already a user gao" in again.text
    data = {"password": "even longer now", "csrf_token": token}
    assert client.post("/users/gao/password", data=data).status_code == 302
    assert log_in(app.test_client(), "gao", "even longer now").status_code == 302
    assert client.post("/users/gao/disable", data={"csrf_token": token}).status_code == 302
    assert log_in(app.test_client(), "gao", "even longer now").status_code == 401
    assert client.post("/users/gao/enable", data={"csrf_token": token}).status_code == 302
    assert log_in(app.test_client(), "gao", "even longer now").status_code == 302
    assert client.post("/users/admin/disable", data={"csrf_token": token}).status_code == 400


def test_the_audit_page_says_when_it_was_changed_from_outside(as_user: AsUser, db: Store) -> None:
    client = as_user("admin")
    assert "the audit is whole" in client.get("/audit?check=1").text
    with db.transaction() as tx:
        tx.execute("DROP TRIGGER audit_no_update")
        tx.execute("UPDATE audit SET who = 'someone' WHERE id = 2")
    assert "Entry 2 of" in client.get("/audit?check=1").text


def test_the_audit_is_filtered_and_harmless_to_a_spreadsheet(as_user: AsUser, db: Store) -> None:
    with db.transaction() as tx:
        audit.append(tx, "=cmd()", "call.accept", "call/1")
    client = as_user("admin")
    table = client.get("/audit.csv?what=call.").text
    assert "'=cmd()" in table
    assert "user.add" not in table
    assert client.get("/audit?who=%25").text.count("<tr>") == 0
    last = db.read().one("SELECT * FROM audit ORDER BY id DESC LIMIT 1")
    assert last is not None
    assert last["what"] == "audit.export"


def test_the_navigation_shows_the_tasks_of_the_role(as_user: AsUser) -> None:
    nurse = as_user("li").get("/beds").text
    assert 'href="/users"' not in nurse
    assert re.search(r'href="/beds" class="here"', nurse)
    assert 'href="/users"' in as_user("admin").get("/beds").text
    assert 'href="/virtual"' not in nurse, "there is no virtual ward outside the demo"


def test_a_bed_has_its_own_page_with_its_last_calls(as_user: AsUser, busy: Store) -> None:
    nurse = as_user("li")
    page = nurse.get("/beds/3/1").text
    assert "Ward 3 · Bed 1" in page
    assert "小明" in page
    assert 'href="/calls/1"' in page
    assert "Nobody has called from here yet." in nurse.get("/beds/3/4").text
    assert nurse.get("/beds/3/99").status_code == 404
    engineer = as_user("zhang").get("/beds/3/1").text
    assert "小明" not in engineer
    assert 'href="/calls/1"' not in engineer


@pytest.mark.parametrize("name", sorted(NURSES | {"zhang"}))
def test_no_page_leads_where_its_reader_may_not_go(as_user: AsUser, db: Store, name: str) -> None:
    with db.transaction() as tx:
        fill(tx)
    client = as_user(name)
    to_visit, known, closed = ["/me"], {"/me"}, []
    kinds: Counter[str] = Counter()
    while to_visit:
        page = to_visit.pop()
        answer = client.get(page, follow_redirects=True)
        if answer.status_code != 200:
            closed.append(page)
        for link in LINK.findall(answer.text if answer.mimetype == "text/html" else ""):
            path = html.unescape(link).partition("#")[0]
            # Three of a kind are enough.
            kind = re.sub(r"\w*\d\w*", "1", path)
            if path not in known and not NO_PAGE.search(path) and kinds[kind] < 3:
                kinds[kind] += 1
                known.add(path)
                to_visit.append(path)
    assert closed == []
    assert len(known) > 3
