"""The registry desk's pages: what a clerk does, what is written down, and what two clerks may not
do to each other."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.hospital.told import Told
from central.patients import accounts, cards, details, model
from central.patients.cards import Caller
from central.patients.details import Contact
from central.store import Store
from gateway.his.events import AccountEvent
from tests.patients.conftest import CARD, PIN, QIAN, WRONG, ZHAO, give, tell_of
from tests.visitor import console, hire, log_in, over_a_copy, store_of, token_of

HOME = Caller("address/198.51.100.7")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Flask, Path]]:
    """The application, and the database that each test begins with."""
    folder = tmp_path_factory.mktemp("console")
    with console(folder, FakeClock()) as made:
        hire(made, "sun", "registry")
        store = store_of(made)
        with store.transaction() as tx:
            tell_of(tx, ZHAO, "赵敏")
            tell_of(tx, QIAN, "钱多多", "1975-01-30")
        give(store, ZHAO, CARD)
        store.close()
        yield made, store.path


@pytest.fixture
def app(made: tuple[Flask, Path], tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    with over_a_copy(*made, tmp_path, clock) as app:
        yield app


@pytest.fixture
def db(app: Flask) -> Store:
    return store_of(app)


@pytest.fixture
def sun(app: Flask) -> FlaskClient:
    return log_in(app, "sun")


def send(client: FlaskClient, path: str, **typed: object) -> tuple[int, str]:
    """The status and the page after it."""
    form = {"csrf_token": token_of(client, "/me"), **typed}
    answer = client.post(path, data=form, follow_redirects=True)
    return answer.status_code, answer.text


def seen(client: FlaskClient, patient: str) -> str:
    found = re.search(r'name="seen" value="(\w+)"', client.get(f"/patients/{patient}").text)
    assert found is not None
    return found[1]


def audited(db: Store) -> list[tuple[str, str, str]]:
    rows = db.read().all("SELECT who, what, ref FROM audit WHERE who = 'sun' ORDER BY id")
    return [(row["who"], row["what"], row["ref"]) for row in rows]


def test_a_clerk_begins_with_the_patients_and_finds_one(sun: FlaskClient, db: Store) -> None:
    assert sun.get("/").headers["Location"] == "/patients"
    for words in ("赵", ZHAO, CARD, ZHAO.lower()):
        page = sun.get("/patients", query_string={"q": words}).text
        assert f'href="/patients/{ZHAO}"' in page, words
        assert QIAN not in page
    assert "Nobody found" in sun.get("/patients?q=%25").text
    assert "赵敏" in sun.get("/search?q=赵").text
    sun.get(f"/patients/{ZHAO}")
    assert audited(db)[-2:] == [
        ("sun", "patient.search", ""), ("sun", "patient.read", f"patient/{ZHAO}"),
    ]  # fmt: skip


def test_a_card_is_given_out_replaced_and_lost(sun: FlaskClient, db: Store) -> None:
    assert send(sun, f"/patients/{QIAN}/card", number="12")[0] == 400
    assert "6201-0002" in send(sun, f"/patients/{QIAN}/card", number="6201-0002 x")[1]
    assert send(sun, f"/patients/{QIAN}/card", number="6201 0002")[0] == 200
    form = {"number": "62010003", "replace": "1"}
    assert send(sun, f"/patients/{QIAN}/card", **form)[0] == 200
    status, page = send(sun, f"/patients/{QIAN}/card/lost")
    assert status == 200
    assert "No valid card." in page
    assert send(sun, f"/patients/{QIAN}/card/lost")[0] == 400
    states = {row["number"]: row["state"] for row in model.cards_of(db.read(), QIAN)}
    assert states == {"62010002": "replaced", "62010003": "lost"}
    done = [what for _, what, ref in audited(db) if ref == f"patient/{QIAN}"]
    assert [each for each in done if each != "patient.read"] == [
        "card.issue", "card.replace", "card.lost",
    ]  # fmt: skip


def test_a_pin_is_typed_twice_or_drawn_and_shown_once(sun: FlaskClient, db: Store) -> None:
    path = f"/patients/{ZHAO}/card/pin"
    status, page = send(sun, path, pin="975310", again="975311")
    assert (status, "Both must be the same" in page) == (400, True)
    status, page = send(sun, path, pin="123456", again="123456")
    assert (status, "easily guessed" in page) == (400, True)
    assert "123456" not in page.replace("such as 123456", "")
    assert send(sun, path, pin="975310", again="975310")[0] == 200
    assert cards.check(db, CARD, "975310", HOME) == ZHAO
    status, page = send(sun, path, draw="1")
    drawn = re.search(r"data-pin>(\d{6})<", page)
    assert drawn is not None
    assert cards.check(db, CARD, drawn[1], HOME) == ZHAO
    assert drawn[1] not in sun.get(f"/patients/{ZHAO}").text
    everything = json.dumps([dict(row) for row in db.read().all("SELECT * FROM audit")])
    assert drawn[1] not in everything
    assert "975310" not in everything


def test_a_locked_card_is_unlocked_at_the_desk(sun: FlaskClient, db: Store) -> None:
    assert send(sun, f"/patients/{ZHAO}/card/unlock")[0] == 400
    for _ in range(cards.TRIES):
        cards.check(db, CARD, WRONG, HOME)
    assert "Locked after five wrong PINs" in sun.get(f"/patients/{ZHAO}").text
    assert send(sun, f"/patients/{ZHAO}/card/unlock")[0] == 200
    assert cards.check(db, CARD, PIN, HOME) == ZHAO
    assert ("sun", "card.unlock", f"patient/{ZHAO}") in audited(db)


def kept(**changes: object) -> dict[str, object]:
    return {
        "lang": "en", "is_key_account": "1", "relation": ["family", "employer", "family"],
        "contact": ["赵父", "纺织厂", ""], "phone": ["139 0000-1111", "62345678", ""],
        "follow_up": "yes", "fee_calls": "no", "messages": "",
    } | changes  # fmt: skip


def test_contacts_language_consent_and_key_account_are_kept(sun: FlaskClient, db: Store) -> None:
    path = f"/patients/{ZHAO}"
    assert send(sun, path, seen=seen(sun, ZHAO), **kept())[0] == 200
    tx = db.read()
    assert details.present(tx, ZHAO) == {
        "lang": "en", "is_key_account": True,
        "contacts": [["family", "赵父", "13900001111"], ["employer", "纺织厂", "62345678"]],
        "follow_up": "yes", "fee_calls": "no", "messages": "",
    }  # fmt: skip
    assert details.agreed(tx, ZHAO, "follow_up")
    assert not details.agreed(tx, ZHAO, "fee_calls")
    row = model.consents(tx, ZHAO)["follow_up"]
    assert (row["by"], row["at_ms"]) == ("sun", tx.now_ms)
    last = tx.one("SELECT what, detail FROM audit ORDER BY id DESC LIMIT 1 OFFSET 1")
    assert last is not None
    assert last["what"] == "patient.change"
    assert "13900001111" not in last["detail"]


def test_an_answer_can_be_changed_and_not_unsaid(sun: FlaskClient, db: Store) -> None:
    path = f"/patients/{ZHAO}"
    for answer in ("yes", "", "no", "no"):
        assert send(sun, path, seen=seen(sun, ZHAO), **kept(follow_up=answer))[0] == 200
    rows = db.read().all("SELECT is_given FROM consents WHERE kind = 'follow_up' ORDER BY id")
    assert [row["is_given"] for row in rows] == [1, 0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"phone": ["12", "62345678", ""]}, "3 to 16 digits"),
        ({"contact": ["", "纺织厂", ""]}, "1 to 40 characters"),
        ({"relation": ["boss", "employer", "family"]}, "Choose one of the list"),
        ({"lang": "fr"}, "Choose one of the list"),
        ({"follow_up": "perhaps"}, "Choose one of the list"),
    ],
)
def test_what_is_wrong_is_named_and_what_was_typed_stays(
    sun: FlaskClient, db: Store, changes: dict[str, object], words: str
) -> None:
    status, page = send(sun, f"/patients/{ZHAO}", seen=seen(sun, ZHAO), **kept(**changes))
    assert status == 400
    assert words in page
    assert "纺织厂" in page
    assert model.contacts(db.read(), ZHAO) == []


def test_nothing_is_saved_over_what_somebody_else_changed(sun: FlaskClient, db: Store) -> None:
    mark = seen(sun, ZHAO)
    with db.transaction() as tx:
        details.change(
            tx, ZHAO, lang="zh", is_key_account=False,
            contacts=[Contact("family", "赵母", "13900002222")], consents={}, by="zhou",
        )  # fmt: skip
    status, page = send(sun, f"/patients/{ZHAO}", seen=mark, **kept())
    assert status == 409
    assert "somebody else changed it meanwhile" in page
    assert "赵母" in page
    assert [row["name"] for row in model.contacts(db.read(), ZHAO)] == ["赵母"]
    assert send(sun, f"/patients/{ZHAO}", seen=seen(sun, ZHAO), **kept())[0] == 200


def test_a_patient_nobody_has_told_of_is_added(sun: FlaskClient, db: Store) -> None:
    form = {"id": "W-1", "name": "孙 一", "sex": "M", "birth": "1990-02-03"}
    for wrong in ({"id": "no spaces"}, {"id": ZHAO}, {"name": " "}, {"birth": "3.2.1990"}):
        assert send(sun, "/patients/new", **(form | wrong))[0] == 400
    assert send(sun, "/patients/new", **form)[0] == 200
    row = model.patient(db.read(), "W-1")
    assert row is not None
    assert (row["name"], row["birth"]) == ("孙 一", "1990-02-03")
    assert ("sun", "patient.add", "patient/W-1") in audited(db)
    assert sun.get("/patients/W-2").status_code == 404


def test_the_account_is_that_of_the_newest_visit(sun: FlaskClient, db: Store) -> None:
    assert "told of no account" in sun.get(f"/patients/{ZHAO}").text
    event = AccountEvent("m1", "HIS/H", ZHAO, "V7", "A1", None, 12_345, 100_000, False, None)
    with db.transaction() as tx:
        accounts.take(tx, event, Told("his/1", "HIS/H"))
    page = sun.get(f"/patients/{ZHAO}").text
    assert "¥1,000.00" in page
    assert "¥123.45" in page
