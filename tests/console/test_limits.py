"""Log-in limits: no guessing from anywhere, no locking out of somebody who is known, proxies."""

import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from central.clock import FakeClock
from central.config import ConfigError
from central.console import limits, service
from central.console.app import create_app
from central.console.limits import LockedOutError, Origin
from central.console.login import DEVICE_COOKIE
from central.console.proxies import trusted
from central.store import Store
from tests.console.site import Site
from tests.visitor import PASSWORD, token_of

NURSE = Origin("10.0.3.1", "the station's own secret")
STRANGER = "10.9.9."


def attempt(db: Store, origin: Origin, password: str = "wrong", name: str = "li") -> str:
    try:
        return "in" if service.check_login(db, name, password, origin) else "wrong"
    except LockedOutError as error:
        return f"wait {error.wait_ms}"


def besiege(db: Store, clock: FakeClock, addresses: int) -> None:
    """Strangers try the name from many addresses for as long as each of them may at once."""
    for number in range(addresses):
        for _ in range(limits.FREE_BY_NAME + 2):
            attempt(db, Origin(f"{STRANGER}{number}", "made up"))


@pytest.mark.parametrize(
    "origin",
    [
        pytest.param(NURSE, id="her station"),
        pytest.param(Origin("10.0.3.77", NURSE.device), id="her station with another address"),
        pytest.param(Origin(NURSE.address), id="her address without the cookie"),
    ],
)
def test_no_stranger_locks_a_nurse_out_of_where_she_logged_in_before(
    app: Flask, db: Store, clock: FakeClock, origin: Origin
) -> None:
    assert attempt(db, NURSE, PASSWORD) == "in"
    besiege(db, clock, 20)
    assert attempt(db, Origin("10.0.5.5")).startswith("wait"), "strangers have to wait"
    assert attempt(db, origin, PASSWORD) == "in"


def test_a_stranger_behind_the_same_address_does_not_stop_her_device(app: Flask, db: Store) -> None:
    assert attempt(db, NURSE, PASSWORD) == "in"
    for number in range(limits.FREE_BY_ADDRESS + 1):
        attempt(db, Origin(NURSE.address), name=f"guess{number % 9}")
    assert attempt(db, Origin(NURSE.address), PASSWORD).startswith("wait")
    assert attempt(db, NURSE, PASSWORD) == "in"


def test_guessing_from_many_addresses_is_slowed_and_never_for_long(
    app: Flask, db: Store, clock: FakeClock
) -> None:
    tried = [attempt(db, Origin(f"{STRANGER}{number}")) for number in range(200)]
    assert tried.count("wrong") == limits.FREE_FROM_ANYWHERE + 1
    for number in range(20):
        clock.advance(limits.LONGEST_FROM_ANYWHERE_MS)
        assert attempt(db, Origin(f"10.8.0.{number}")) == "wrong"
    waits = attempt(db, Origin(f"{STRANGER}250"), PASSWORD)
    assert 0 < int(waits.removeprefix("wait ")) <= limits.LONGEST_FROM_ANYWHERE_MS
    clock.advance(limits.LONGEST_FROM_ANYWHERE_MS)
    assert attempt(db, Origin(f"{STRANGER}251"), PASSWORD) == "in"


def test_a_known_device_is_no_licence_to_guess(app: Flask, db: Store, clock: FakeClock) -> None:
    attempt(db, NURSE, PASSWORD)
    tried = [attempt(db, NURSE) for _ in range(limits.FREE_BY_NAME + 2)]
    assert tried[-1] == f"wait {limits.FIRST_DELAY_MS}"
    other = [attempt(db, NURSE, name="wang") for _ in range(limits.FREE_BY_NAME + 2)]
    assert other[-1].startswith("wait"), "known for one name only"


def test_a_new_password_makes_every_place_a_strangers(
    app: Flask, db: Store, clock: FakeClock
) -> None:
    attempt(db, NURSE, PASSWORD)
    besiege(db, clock, 20)
    with db.transaction() as tx:
        service.set_password(tx, "li", "another long one", "admin")
    left = db.read().all("SELECT subject FROM login_failures")
    assert [row["subject"] for row in left if "li" in row["subject"]] == []
    assert db.read().value("SELECT count(*) FROM known_places") == 0


def test_known_places_are_few_and_grow_old(app: Flask, db: Store, clock: FakeClock) -> None:
    for number in range(limits.KNOWN_MOST + 5):
        clock.advance(1)
        attempt(db, Origin(f"10.1.0.{number}"), PASSWORD)
    assert db.read().value("SELECT count(*) FROM known_places") == limits.KNOWN_MOST
    clock.advance(limits.KNOWN_FOR_MS + 1)
    attempt(db, NURSE, PASSWORD)
    assert db.read().value("SELECT count(*) FROM known_places") == 2


def test_the_secret_of_a_device_is_given_at_a_log_in_and_kept_as_a_hash(
    app: Flask, db: Store
) -> None:
    client = app.test_client()
    data = {"name": "li", "password": "wrong", "csrf_token": token_of(client)}
    client.post("/login", data=data)
    assert client.get_cookie(DEVICE_COOKIE) is None
    client.post("/login", data=data | {"password": PASSWORD})
    cookie = client.get_cookie(DEVICE_COOKIE)
    assert cookie is not None
    assert cookie.http_only
    assert len(cookie.value) >= 32
    places = [row["place"] for row in db.read().all("SELECT place FROM known_places")]
    assert not any(cookie.value in each for each in places)
    client.post("/logout", data={"csrf_token": token_of(client, "/me")})
    client.post("/login", data=data | {"password": PASSWORD, "csrf_token": token_of(client)})
    again = client.get_cookie(DEVICE_COOKIE)
    assert again is not None
    assert again.value == cookie.value, "log-out does not make a stranger of it"


# --- behind a proxy ---


def seen_from(config: dict[str, Any], web: dict[str, Any], peer: str, said: str | None) -> str:
    """The address that a log-in counts for."""
    made = create_app(config | {"web": config["web"] | web})
    try:
        client = made.test_client()
        token = token_of(client)
        headers = {"X-Forwarded-For": said} if said is not None else {}
        client.post("/login", data={"name": "x", "password": "x", "csrf_token": token},
                    headers=headers, environ_base={"REMOTE_ADDR": peer})  # fmt: skip
        row = (
            made.extensions["wardline"]
            .store.read()
            .one("SELECT ref FROM audit WHERE what = 'login.refused'")
        )
        assert row is not None
        return str(row["ref"]).removeprefix("address/")
    finally:
        made.extensions["wardline"].close()


PROXY = "10.0.0.2"
ONE, TWO = {"proxies": [PROXY]}, {"proxies": [PROXY], "proxy_hops": 2}


@pytest.mark.parametrize(
    ("web", "peer", "said", "counted"),
    [
        pytest.param({}, PROXY, "1.1.1.1", PROXY, id="off by default"),
        pytest.param(ONE, PROXY, "1.1.1.1", "1.1.1.1", id="the proxy's word"),
        pytest.param(ONE, PROXY, "6.6.6.6, 1.1.1.1", "1.1.1.1", id="not the visitor's own"),
        pytest.param(ONE, "10.0.0.9", "6.6.6.6", "10.0.0.9", id="past the proxy"),
        pytest.param(TWO, PROXY, "6.6.6.6, 1.1.1.1, 10.0.0.3", "1.1.1.1", id="two proxies"),
        pytest.param(TWO, PROXY, "1.1.1.1", PROXY, id="fewer than configured"),
        pytest.param(ONE, PROXY, None, PROXY, id="it says nothing"),
        pytest.param(ONE, PROXY, '"6.6.6.6, 1.1.1.1', PROXY, id="an open quotation mark"),
        pytest.param(ONE, PROXY, "1.1.1.1, unknown", PROXY, id="no address"),
        pytest.param(ONE, PROXY, "2001:DB8::0:1", "2001:db8::1", id="one spelling"),
    ],
)
def test_an_attempt_counts_for_the_visitor(
    config: dict[str, Any], web: dict[str, Any], peer: str, said: str | None, counted: str
) -> None:
    assert seen_from(config, web, peer, said) == counted


@pytest.mark.parametrize(
    "web",
    [{"proxies": "10.0.0.2"}, {"proxies": ["proxy.local"]}, {"proxies": [PROXY], "proxy_hops": 0},
     {"proxies": [PROXY], "proxy_hops": True}, {"proxies": [5]}],
)  # fmt: skip
def test_a_wrong_configuration_says_so_at_the_start(web: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"web\.prox"):
        trusted(web)


def test_a_running_console_believes_its_proxy(tmp_path: Path, broker: int) -> None:
    site = Site(tmp_path, broker, proxies=["127.0.0.1"])
    try:
        base = f"http://127.0.0.1:{site.port}/login"
        visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        with visitor.open(base) as page:
            token = page.read().decode().split('name="csrf-token" content="')[1].split('"')[0]
        form = urllib.parse.urlencode({"name": "li", "password": "wrong", "csrf_token": token})
        said = {"X-Forwarded-For": "6.6.6.6, 10.0.7.7"}
        with pytest.raises(urllib.error.HTTPError) as refused:
            visitor.open(urllib.request.Request(base, form.encode(), said))
        assert refused.value.code == 401
        refused.value.close()
        seen = site.store.read().value("SELECT ref FROM audit WHERE what = 'login.refused'")
        assert seen == "address/10.0.7.7"
    finally:
        site.close()
