"""What a phone is given to log in: shown on purpose, written down, fetched by a softphone."""

import re
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import pytest
import segno
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from central.clock import FakeClock
from central.directory import model
from central.softphones import setup
from central.store import Store
from tests.console.busy import fill_directory
from tests.console.conftest import token_of

DEVICE, OTHER = "0015650a1b2c", "0015650a1b2d"
PAGE = f"/directory/phones/{DEVICE}/log-in"
NAMESPACE = "{http://www.linphone.org/xsds/lpconfig.xsd}"


@pytest.fixture
def config(config: dict[str, Any]) -> dict[str, Any]:
    ports = {"sip": 5062, "ari": 8088, "rtp": 10_000, "rtp_count": 10}
    return config | {"exchange": {"address": "10.1.2.3", "ports": ports}}


@pytest.fixture
def client(as_user: Callable[[str], FlaskClient], db: Store) -> FlaskClient:
    with db.transaction() as tx:
        fill_directory(tx)
    return as_user("qian")


def secret_of(db: Store, device: str = DEVICE) -> str:
    row = model.phone(db.read(), device)
    assert row is not None
    return str(row["password"])


def revealed(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """The page with the password, and the address that its code holds."""
    drawn: list[str] = []
    draw = setup.picture

    def noted(address: str) -> str:
        drawn.append(address)
        return draw(address)

    monkeypatch.setattr(setup, "picture", noted)
    page = client.post(f"{PAGE}?lang=en", data={"csrf_token": token_of(client, PAGE)}).text
    (address,) = drawn
    return page, address


def done(db: Store) -> list[tuple[str, str, str]]:
    rows = db.read().all("SELECT who, what, ref FROM audit WHERE what LIKE 'phone.%' ORDER BY id")
    return [(row["who"], row["what"], row["ref"]) for row in rows if row["who"] != "system"]


def test_the_password_is_shown_when_asked_for_and_that_is_written_down(
    client: FlaskClient, db: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = client.get(PAGE).text
    assert "10.1.2.3" in before
    assert "5062" in before
    assert DEVICE in before
    assert secret_of(db) not in before
    assert "data:image" not in before
    assert done(db) == []
    page, address = revealed(client, monkeypatch)
    assert secret_of(db) in page
    assert 'src="data:image/svg+xml' in page
    assert secret_of(db) not in address
    assert done(db) == [("qian", "phone.reveal", f"phone/{DEVICE}")]


def test_a_softphone_fetches_its_settings_without_anybodys_log_in(
    client: FlaskClient, app: Flask, db: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _page, address = revealed(client, monkeypatch)
    answer = app.test_client().get(address)
    assert answer.mimetype == "application/xml"
    assert answer.headers["Cache-Control"] == "no-store"
    found = {
        (section.get("name"), entry.get("name")): entry.text
        for section in ElementTree.fromstring(answer.data)
        for entry in section
    }
    assert found["proxy_0", "reg_proxy"] == "<sip:10.1.2.3:5062;transport=udp>"
    assert found["proxy_0", "reg_identity"] == (f'"8003 三病区护士站" <sip:{DEVICE}@10.1.2.3:5062>')
    assert found["auth_info_0", "username"] == DEVICE
    assert found["auth_info_0", "passwd"] == secret_of(db)
    assert found["misc", "transient_provisioning"] == "1"
    assert done(db)[-1] == ("softphone", "phone.setup", f"phone/{DEVICE}")


def test_a_new_password_makes_what_was_seen_of_no_use(
    client: FlaskClient, app: Flask, db: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _page, address = revealed(client, monkeypatch)
    before = secret_of(db)
    form = {"csrf_token": token_of(client, PAGE)}
    answer = client.post(f"/directory/phones/{DEVICE}/password", data=form)
    assert answer.headers["Location"] == PAGE
    assert secret_of(db) != before
    assert app.test_client().get(address).status_code == 403
    assert done(db)[-1] == ("qian", "phone.password", f"phone/{DEVICE}")


def test_a_code_is_of_no_use_later_elsewhere_or_bent(
    client: FlaskClient, app: Flask, db: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    _page, address = revealed(client, monkeypatch)
    stranger = app.test_client()
    path, _, token = address.rpartition("/")
    assert stranger.get(f"{path}/{token[:-1]}").status_code == 403
    assert (
        stranger.get(f"{path}/{setup.token('another secret', DEVICE, secret_of(db))}").status_code
        == 403
    )
    with db.transaction() as tx:
        tx.execute("DELETE FROM phones WHERE device = ?", (DEVICE,))
    assert stranger.get(address).status_code == 403
    other = setup.token(app.config["SECRET_KEY"], OTHER, secret_of(db, OTHER))
    monkeypatch.setattr(setup, "LASTS_S", -1)
    assert stranger.get(f"{path}/{other}").status_code == 403
    monkeypatch.setattr(setup, "LASTS_S", 600)
    assert stranger.get(f"{path}/{other}").status_code == 200


def test_without_an_exchange_the_page_says_so_and_shows_no_code(
    tmp_path: Any, clock: FakeClock, client: FlaskClient, app: Flask, db: Store
) -> None:
    del app.extensions["wardline"].config["exchange"]
    page = client.post(f"{PAGE}?lang=en", data={"csrf_token": token_of(client, PAGE)}).text
    assert "No exchange is configured yet" in page
    assert "data:image" not in page
    assert secret_of(db) in page
    assert client.get("/directory/phones/ffffffffffff/log-in").status_code == 404


def test_the_picture_is_a_code_of_the_address_and_nothing_foreign() -> None:
    address = "http://10.1.2.3:8080/softphone/" + "x" * 90
    drawn = setup.picture(address)
    assert drawn.startswith("data:image/svg+xml")
    assert "stroke%3D%27%23000%27" in drawn
    assert "fill%3D%27%23fff%27" in drawn
    # As many rows as a code of this content has, and its quiet margin.
    side = (segno.make(address, micro=False, error="m").symbol_size(border=4)[0]) * 5
    assert re.search(rf"width%3D%27{side}%27", drawn)


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_name_or_password_cannot_become_another_setting(name: str, password: str) -> None:
    printable = "".join(each for each in password if each.isprintable())
    made = setup.document(setup.LogIn("h", 5060, DEVICE, printable, name, "wardline"))
    sections = list(ElementTree.fromstring(made))
    assert [each.get("name") for each in sections] == ["misc", "sip", "proxy_0", "auth_info_0"]
    found = {entry.get("name"): entry.text or "" for each in sections for entry in each}
    assert found["passwd"] == printable
    assert found["reg_identity"].endswith(f'" <sip:{DEVICE}@h:5060>')
    assert found["reg_identity"].count('"') == 2
    assert {section.tag for section in sections} == {f"{NAMESPACE}section"}


def test_a_phone_that_must_encrypt_is_told_so() -> None:
    made = setup.LogIn("h", 5061, DEVICE, "x", "n", "wardline", encrypts=True)
    text = setup.document(made).decode()
    assert "transport=tls" in text
    assert ">srtp<" in text
