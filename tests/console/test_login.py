"""Who gets in, who does not, for how long."""

import dataclasses
import threading
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.audit import model as audit
from central.clock import FakeClock
from central.console import limits, login, service
from central.console.app import create_app
from central.console.limits import Origin
from central.errors import FieldError
from central.store import Store
from tests.console.conftest import PASSWORD, log_in, token_of

AsUser = Callable[[str], FlaskClient]


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("li", "/board/3"),
        ("wang", "/wards"),
        ("zhao", "/wards"),
        ("zhang", "/faults"),
        ("admin", "/health"),
    ],
)
def test_each_role_has_its_first_screen(as_user: AsUser, name: str, first: str) -> None:
    assert as_user(name).get("/").location == first


def test_a_name_is_taken_whatever_its_case(app: Flask) -> None:
    assert log_in(app.test_client(), " Li ").status_code == 302


def test_a_wrong_password_keeps_the_name_and_says_what_to_do(app: Flask) -> None:
    answer = log_in(app.test_client(), "li", "wrong")
    assert answer.status_code == 401
    assert 'value="li"' in answer.text
    assert "wrong" not in answer.text.split("<form")[1]


def test_an_unknown_name_is_answered_like_a_wrong_password(app: Flask) -> None:
    client = app.test_client()
    unknown = log_in(client, "nobody", "wrong").text
    known = log_in(client, "li", "wrong").text
    assert unknown.split('role="alert">')[1][:40] == known.split('role="alert">')[1][:40]


def test_failures_delay_the_name_longer_and_longer(app: Flask, clock: FakeClock) -> None:
    client = app.test_client()
    for _ in range(limits.FREE_BY_NAME + 1):
        assert log_in(client, "li", "wrong").status_code == 401
    assert log_in(client, "li").status_code == 429, "even the right password has to wait"
    clock.advance(limits.FIRST_DELAY_MS)
    assert log_in(client, "li", "wrong").status_code == 401
    clock.advance(limits.FIRST_DELAY_MS)
    assert log_in(client, "li").status_code == 429
    clock.advance(limits.FIRST_DELAY_MS)
    assert log_in(client, "li").status_code == 302


def test_a_success_forgives_the_name(app: Flask, db: Store) -> None:
    client = app.test_client()
    for _ in range(limits.FREE_BY_NAME):
        log_in(client, "li", "wrong")
    assert log_in(client, "li").status_code == 302
    assert db.read().value("SELECT count(*) FROM login_failures WHERE subject LIKE '%:li@%'") == 0


def test_one_address_cannot_try_many_names(app: Flask, clock: FakeClock) -> None:
    client = app.test_client()
    for number in range(limits.FREE_BY_ADDRESS + 1):
        log_in(client, f"guess{number}", "wrong")
    assert log_in(client, "li").status_code == 429
    clock.advance(limits.FIRST_DELAY_MS)
    assert log_in(client, "li").status_code == 302


def test_many_right_log_ins_of_one_address_cost_nothing(app: Flask) -> None:
    for _ in range(limits.FREE_BY_ADDRESS + 5):
        assert log_in(app.test_client(), "li").status_code == 302


def test_a_restart_forgives_nobody(app: Flask, config: dict[str, Any]) -> None:
    client = app.test_client()
    for _ in range(limits.FREE_BY_NAME + 1):
        log_in(client, "li", "wrong")
    again = create_app(config)
    try:
        assert log_in(again.test_client(), "li").status_code == 429
    finally:
        again.extensions["wardline"].close()


def test_attempts_at_once_are_counted_before_the_password_is_looked_at(
    db: Store, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []

    class Slow:
        def verify(self, hash: str, password: str) -> bool:
            count = db.read().value(
                "SELECT count FROM login_failures WHERE subject = 'own:li@10.0.0.1'"
            )
            counted.append(count)
            return True

        def check_needs_rehash(self, hash: str) -> bool:
            return False

    monkeypatch.setattr(service, "_HASHER", Slow())
    service.check_login(db, "li", "anything", Origin("10.0.0.1"))
    assert counted == [1]


def test_a_form_without_its_token_is_refused(app: Flask) -> None:
    answer = app.test_client().post("/login", data={"name": "li", "password": PASSWORD})
    assert answer.status_code == 400
    assert "form-too-old" in answer.text


def test_a_disabled_user_is_out_at_once(as_user: AsUser, app: Flask, db: Store) -> None:
    client = as_user("li")
    with db.transaction() as tx:
        service.set_disabled(tx, "li", True, "admin")
    assert client.get("/board/3").status_code == 302
    assert log_in(app.test_client(), "li").status_code == 401


def test_a_new_password_ends_the_other_sessions(as_user: AsUser, db: Store) -> None:
    here, elsewhere = as_user("li"), as_user("li")
    answer = here.post(
        "/me",
        data={
            "old": PASSWORD,
            "password": "another long one",
            "csrf_token": token_of(here, "/me"),
        },
    )
    assert answer.status_code == 302
    assert here.get("/me").status_code == 200
    assert elsewhere.get("/me").status_code == 302


def test_a_short_new_password_is_refused_with_words(as_user: AsUser) -> None:
    client = as_user("li")
    data = {"old": PASSWORD, "password": "short", "csrf_token": token_of(client, "/me")}
    answer = client.post("/me", data=data)
    assert answer.status_code == 400
    assert "at least 10 characters" in answer.text


@pytest.mark.parametrize(
    ("key", "too_long"), [("seen_s", login.IDLE_S + 1), ("began_s", login.LONGEST_S + 1)]
)
def test_a_session_ends(as_user: AsUser, key: str, too_long: int) -> None:
    client = as_user("li")
    with client.session_transaction() as session:
        session[key] -= too_long
    assert client.get("/board/3").status_code == 302


def test_use_keeps_a_session(as_user: AsUser) -> None:
    client = as_user("li")
    with client.session_transaction() as session:
        session["seen_s"] -= login.IDLE_S - 10
        before = session["seen_s"]
    assert client.get("/board/3/alive").status_code == 200
    with client.session_transaction() as session:
        assert session["seen_s"] > before


def test_a_script_is_told_401_and_a_page_is_led_to_the_log_in(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/board/3/alive", headers={"Accept": "application/json"}).status_code == 401
    page = client.get("/beds?ward=3", headers={"Accept": "text/html"})
    assert page.location == "/login?next=/beds?ward%3D3"


def test_after_the_log_in_one_is_where_one_wanted_to_go(app: Flask) -> None:
    assert log_in(app.test_client(), "li", next="/beds?ward=3").location == "/beds?ward=3"


@pytest.mark.parametrize(
    "target",
    ["http://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""],
)
def test_no_link_leads_away_from_the_console(app: Flask, target: str) -> None:
    assert log_in(app.test_client(), "li", next=target).location == "/"


def test_log_in_refusal_and_log_out_are_in_the_audit(app: Flask, db: Store) -> None:
    client = app.test_client()
    log_in(client, "li", "wrong")
    log_in(client, "li")
    client.post("/logout", data={"csrf_token": token_of(client, "/me")})
    assert client.get("/me").status_code == 302
    rows = db.read().all("SELECT who, what FROM audit WHERE who = 'li' ORDER BY id")
    assert [row["what"] for row in rows] == ["login.refused", "login", "logout"]
    assert audit.first_broken(db.read()) is None


def test_passwords_are_kept_as_argon2_hashes(db: Store, app: Flask) -> None:
    assert db.read().value("SELECT password_hash FROM users").startswith("$argon2id$")


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("name", {"name": "Wang Li"}),
        ("name", {"name": "li"}),
        ("display", {"display": " "}),
        ("role", {"role": "king"}),
        ("ward", {"ward": None}),
        ("ward", {"ward": "9"}),
        ("password", {"password": "short"}),
    ],
)
def test_a_wrong_new_user_is_refused_by_field(
    db: Store, app: Flask, field: str, values: dict[str, Any]
) -> None:
    new = {"name": "new", "display": "New", "role": "nurse", "password": PASSWORD, "ward": "3"}
    with db.transaction() as tx, pytest.raises(FieldError) as caught:
        service.add_user(tx, **(new | values))
    assert caught.value.field == field


def test_the_last_administrator_cannot_be_disabled(db: Store, app: Flask) -> None:
    with db.transaction() as tx, pytest.raises(FieldError):
        service.set_disabled(tx, "admin", True, "admin")


def test_a_copy_of_the_cookie_opens_nothing_after_log_out(as_user: AsUser, app: Flask) -> None:
    client, thief = as_user("li"), app.test_client()
    cookie = client.get_cookie("wardline")
    assert cookie is not None
    thief.set_cookie("wardline", cookie.value)
    assert thief.get("/me").status_code == 200
    client.post("/logout", data={"csrf_token": token_of(client, "/me")})
    assert thief.get("/me").status_code == 302


@pytest.mark.parametrize("how", ["password", "log out", "too long"])
def test_an_open_stream_ends_with_its_session(as_user: AsUser, db: Store, how: str) -> None:
    client = as_user("li")
    with client.session_transaction() as session:
        began_s = session["began_s"]
    with client:
        client.get("/me")
        held = login.ticket()
        assert login.still(held)
        if how == "password":
            with db.transaction() as tx:
                service.set_password(tx, "li", "another long one", "admin")
        elif how == "log out":
            client.post("/logout", data={"csrf_token": token_of(client, "/me")})
        else:
            held = dataclasses.replace(held, began_s=began_s - login.LONGEST_S - 1)
        assert not login.still(held)


def test_made_up_names_leave_nothing_behind(app: Flask, db: Store, clock: FakeClock) -> None:
    client = app.test_client()
    log_in(client, "x" * 100_000, "wrong")
    longest = "SELECT max(length(subject)) FROM login_failures"
    assert db.read().value(longest) < 100
    clock.advance(limits.FORGET_AFTER_MS + 1)
    log_in(client, "li")
    assert db.read().value("SELECT count(*) FROM login_failures WHERE subject LIKE '%x%'") == 0


def test_few_passwords_are_hashed_at_once(
    db: Store, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, running, most, together = threading.Lock(), [0], [0], threading.Event()

    class Slow:
        def verify(self, hash: str, password: str) -> bool:
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
                if running[0] == 2:
                    together.set()
            together.wait(20)
            threading.Event().wait(0.02)  # time for a third one, if it were let in
            with lock:
                running[0] -= 1
            return True

    monkeypatch.setattr(service, "_HASHER", Slow())
    attempts = [
        threading.Thread(target=service.check_login, args=(db, "li", "x", Origin(f"10.0.0.{n}")))
        for n in range(4)
    ]
    for each in attempts:
        each.start()
    for each in attempts:
        each.join()
    assert most[0] == 2
