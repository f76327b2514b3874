"""The patient's own page: who gets in, how it ends, and that nobody sees another's."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.console.sessions import PATIENTS_COOKIE
from central.exams import rooms
from central.exams import service as exams
from central.exams.rooms import Room
from central.fees import service as fees
from central.hospital.told import Told
from central.patients import accounts, cards, details, issuing
from central.portal import session as portal_session
from central.store import Store, Tx
from gateway.his.events import AccountEvent, Charge, ChargeEvent
from tests.patients.conftest import CARD, PIN, QIAN, WRONG, ZHAO, give, tell_of
from tests.visitor import console, hire, log_in, over_a_copy, store_of, token_of

ZONE = ZoneInfo("Asia/Shanghai")
TOLD = Told("his/1", "HIS/H", ZONE)
OTHERS_CARD, OTHERS_PIN = "620100025", "975310"


def charged(tx: Tx, patient: str, visit: str, day: datetime, *lines: tuple[str, str, int]) -> None:
    """lines: (id, text, fen)."""
    made = tuple(
        Charge(
            id=id, code=f"c-{id}", text=text, quantity_milli=2000, amount_fen=fen, unit_fen=None,
            service_at=day, original="", insured_fen=None, plan="", department="",
        )
        for id, text, fen in lines
    )  # fmt: skip
    event = ChargeEvent("m1", "HIS/H", patient, visit, made, day)
    fees.HOSPITAL[ChargeEvent](tx, event, TOLD)


def paid(tx: Tx, patient: str, visit: str, fen: int) -> None:
    event = AccountEvent("m2", "HIS/H", patient, visit, "A1", None, None, fen, False, None)
    accounts.take(tx, event, TOLD)


def fill(store: Store) -> None:
    """Two patients with a card each, their fees and deposits; one has an examination."""
    with store.transaction() as tx:
        tell_of(tx, ZHAO, "赵敏")
        tell_of(tx, QIAN, "钱多多", "1975-01-30")
        now = datetime.fromtimestamp(tx.now_ms / 1000, ZONE)
        for before in range(3):
            day = now - timedelta(days=before)
            ids = f"z{before}a", f"z{before}b"
            charged(tx, ZHAO, "V1", day, (ids[0], "头孢呋辛", 12_050), (ids[1], "护理费", 3_000))
        charged(tx, ZHAO, "V0", now - timedelta(days=90), ("old", "门诊检查", 7_700))
        paid(tx, ZHAO, "V1", 100_000)
        charged(tx, QIAN, "V9", now, ("q1", "别人的药", 99_900))
    give(store, ZHAO, CARD)
    give(store, QIAN, OTHERS_CARD, OTHERS_PIN)


def booked(store: Store, *patients: str, hours: int = 0) -> None:
    """One after the other (without any: somebody else, then the patient) in so many hours, in a
    room that people walk to for 8 minutes."""
    with store.transaction() as tx:
        room = Room("us", "超声室", "Ultrasound", usual_min=10, walk_min=8, walks={})
        rooms.put(tx, room, "sun")
        at_ms = tx.now_ms + hours * 3_600_000 if hours else None
        for each in patients or (QIAN, ZHAO):
            exams.book(tx, "us", each, "sun", at_ms=at_ms, zone=ZONE)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Path]]:
    """The application, and the database that each test begins with."""
    folder = tmp_path_factory.mktemp("console")
    with console(folder, FakeClock()) as made:
        hire(made, "sun", "registry")
        fill(store_of(made))
        store_of(made).close()
        yield made, store_of(made).path


@pytest.fixture
def app(made: tuple[Flask, Path], tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    with over_a_copy(*made, tmp_path, clock) as app:
        yield app


@pytest.fixture
def db(app: Flask) -> Store:
    return store_of(app)


@pytest.fixture
def visitor(app: Flask) -> FlaskClient:
    return app.test_client()


def enter(client: FlaskClient, card: str = CARD, pin: str = PIN) -> Any:
    token = token_of(client, "/my/login?lang=en")
    return client.post("/my/login", data={"card": card, "pin": pin, "csrf_token": token})


def inside(client: FlaskClient, path: str = "/my") -> bool:
    answer = client.get(path)
    if answer.status_code == 302:
        assert answer.headers["Location"].startswith("/my/login")
    return answer.status_code == 200


def test_card_and_pin_open_the_patients_own_fees(visitor: FlaskClient, db: Store) -> None:
    assert not inside(visitor)
    assert enter(visitor).headers["Location"] == "/my"
    page = visitor.get("/my").text
    assert "Hello, 赵敏" in page
    assert "¥451.50" in page, "to date"
    assert "¥150.50" in page, "today"
    assert "¥548.50" in page, "left of the deposit, all of it being paid by oneself"
    page = visitor.get("/my/fees").text
    assert page.count("头孢呋辛 × 2") == 3
    assert page.count('class="bar"') == 3
    assert "Estimate" in page
    assert "Outside insurance" in page
    rows = db.read().all("SELECT what, ref, detail FROM audit WHERE who = 'patient' ORDER BY id")
    assert [(row["what"], row["ref"]) for row in rows] == [
        ("portal.login", f"patient/{ZHAO}"), ("portal.read", f"patient/{ZHAO}"),
        ("portal.read", f"patient/{ZHAO}"),
    ]  # fmt: skip
    assert PIN not in json.dumps([dict(row) for row in rows])


def test_an_earlier_visit_is_chosen_and_no_address_reaches_another_patient(
    visitor: FlaskClient,
) -> None:
    enter(visitor)
    assert "门诊检查" in visitor.get("/my/fees?visit=1").text
    assert "头孢呋辛" in visitor.get("/my/fees?visit=0").text
    assert visitor.get("/my/fees?visit=2").status_code == 404
    assert visitor.get("/my/fees?visit=-1").status_code == 404
    for query in ("visit=V9", f"patient={QIAN}", f"card={OTHERS_CARD}", f"id={QIAN}&visit=0"):
        for path in ("/my", "/my/fees", "/my/places"):
            page = visitor.get(f"{path}?{query}").text
            assert "别人的药" not in page
            assert "999.00" not in page
            assert "钱多多" not in page
    for path in (f"/my/{QIAN}", f"/my/fees/{QIAN}", "/my/fees/V9", f"/my/{OTHERS_CARD}"):
        answer = visitor.get(path)
        assert answer.status_code == 404
        assert "To my first page" in answer.text, "of the patient's own pages, too"


def test_a_wrong_pin_a_lock_and_a_wait_are_told_apart(visitor: FlaskClient, app: Flask) -> None:
    for _ in range(cards.TRIES):
        answer = enter(visitor, pin=WRONG)
        assert answer.status_code == 401
        assert "wrong" in answer.text
        assert WRONG not in answer.text
    answer = enter(visitor)
    assert answer.status_code == 429
    assert "registry desk" in answer.text
    assert "This card is locked" in answer.text
    for each in range(cards.FREE_AT_PLACE):
        enter(visitor, card=f"7000{each}", pin=WRONG)
    answer = enter(visitor, card=OTHERS_CARD, pin=OTHERS_PIN)
    assert answer.status_code == 429
    assert "Wait 5 s" in answer.text
    assert not inside(visitor)


def test_staff_and_patients_do_not_open_each_others_pages(app: Flask, visitor: FlaskClient) -> None:
    staff = log_in(app, "sun")
    assert not inside(staff)
    enter(visitor)
    assert visitor.get("/me").headers["Location"].startswith("/login")
    assert visitor.get("/patients").status_code == 302
    # Both in one browser: each page knows whose it is.
    enter(staff)
    assert staff.get("/me").status_code == 200
    assert inside(staff)
    page = staff.get("/my").text
    assert "Sun" not in page
    assert "/patients" not in page
    staff.post("/my/logout", data={"csrf_token": token_of(staff, "/my")})
    assert staff.get("/me").status_code == 200
    assert not inside(staff)


def test_no_cookie_is_believed_in_the_place_of_the_other(app: Flask, visitor: FlaskClient) -> None:
    staff = log_in(app, "sun")
    enter(visitor)
    patients = visitor.get_cookie(PATIENTS_COOKIE, path="/my")
    staffs = staff.get_cookie("wardline")
    assert patients is not None
    assert staffs is not None
    assert patients.path == "/my"
    assert patients.http_only
    assert patients.expires is None, "it ends with the browser"
    thief = app.test_client()
    thief.set_cookie("wardline", patients.value)
    thief.set_cookie(PATIENTS_COOKIE, staffs.value, path="/my")
    assert thief.get("/me").status_code == 302
    assert not inside(thief)


def test_logging_out_ends_copies_of_the_cookie(app: Flask, visitor: FlaskClient, db: Store) -> None:
    enter(visitor)
    cookie = visitor.get_cookie(PATIENTS_COOKIE, path="/my")
    assert cookie is not None
    copy = app.test_client()
    copy.set_cookie(PATIENTS_COOKIE, cookie.value, path="/my")
    assert inside(copy)
    visitor.post("/my/logout", data={"csrf_token": token_of(visitor, "/my")})
    assert not inside(copy)
    assert not inside(visitor)
    assert db.read().value("SELECT count(*) FROM audit WHERE what = 'portal.logout'") == 1


@pytest.mark.parametrize(
    ("key", "age_s"),
    [("seen_s", portal_session.IDLE_S + 1), ("began_s", portal_session.LONGEST_S + 1)],
)
def test_a_page_left_alone_or_open_too_long_is_over_and_says_why(
    visitor: FlaskClient, key: str, age_s: int
) -> None:
    enter(visitor)
    with visitor.session_transaction("/my") as kept:
        kept[key] -= age_s
    answer = visitor.get("/my", follow_redirects=True)
    assert "You were logged out" in answer.text
    assert not inside(visitor)


def test_a_page_that_renews_itself_is_no_sign_of_life(visitor: FlaskClient) -> None:
    def seen_s() -> int:
        with visitor.session_transaction("/my") as kept:
            return int(kept["seen_s"])

    enter(visitor)
    with visitor.session_transaction("/my") as kept:
        kept["seen_s"] -= portal_session.REFRESH_S + 5
    before = seen_s()
    assert inside(visitor, "/my/places?again=1")
    assert seen_s() == before
    assert inside(visitor, "/my/places")
    assert seen_s() > before


def test_a_new_pin_and_a_lost_card_end_what_is_open(visitor: FlaskClient, db: Store) -> None:
    enter(visitor)
    made = issuing.make_pin(db, ZHAO, "864203")
    with db.transaction() as tx:
        issuing.set_pin(tx, ZHAO, made, by="sun")
    assert not inside(visitor)
    enter(visitor, pin="864203")
    assert inside(visitor)
    with db.transaction() as tx:
        issuing.lose(tx, ZHAO, by="sun")
    assert not inside(visitor)


def test_the_page_speaks_the_patients_language_unless_another_is_chosen(
    app: Flask, db: Store
) -> None:
    with db.transaction() as tx:
        details.change(
            tx, ZHAO, lang="zh", is_key_account=False, contacts=[], consents={}, by="sun"
        )
    visitor = app.test_client()
    token = token_of(visitor, "/my/login")
    visitor.post("/my/login", data={"card": CARD, "pin": PIN, "csrf_token": token},
                 headers={"Accept-Language": "en"})  # fmt: skip
    assert "您好,赵敏" in visitor.get("/my", headers={"Accept-Language": "en"}).text
    assert "Hello" in visitor.get("/my?lang=en").text
    assert "Hello" in visitor.get("/my").text


def test_a_place_in_the_queue_is_shown_with_its_room_and_no_other_names(
    visitor: FlaskClient, db: Store
) -> None:
    booked(db)
    enter(visitor)
    page = visitor.get("/my/places").text
    assert "Ultrasound" in page
    assert "Your number" in page
    assert "Before you" in page
    assert "钱多多" not in page


def test_of_an_examination_tomorrow_no_wait_is_told(visitor: FlaskClient, db: Store) -> None:
    booked(db, ZHAO, hours=24)
    enter(visitor)
    page = visitor.get("/my/places").text
    assert "Booked for" in page
    assert "Expected wait" not in page
    assert "Before you" not in page


def test_lost_pins_are_told_and_not_counted(visitor: FlaskClient, db: Store) -> None:
    db.path.with_name(cards.SECRET_FILE).unlink()
    for _ in range(cards.TRIES + 1):
        answer = enter(visitor)
        assert answer.status_code == 503
        assert "cannot be checked" in answer.text
