"""A console over two wards, with one user of each role."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.console import service as people
from central.console.app import create_app
from central.console.context import Console
from central.store import Store, Tx
from central.wards import model as wards
from tests.visitor import PASSWORD, token_of

# Log-in name: role, ward.
USERS = {
    "li": ("nurse", "3"),
    "wang": ("head_nurse", "3"),
    "zhao": ("duty_manager", None),
    "zhang": ("engineer", None),
    "qian": ("telephone_admin", None),
    "sun": ("registry", None),
    "chen": ("technician", None),
    "admin": ("admin", None),
}


def build(tx: Tx) -> None:
    """Two wards of four beds, their boxes in contact, and everybody of USERS."""
    for ward, name_zh, name_en in (("3", "三病区", "Ward 3"), ("5", "五病区", "Ward 5")):
        wards.add_ward(tx, ward, name_zh, name_en)
        wards.add_node(tx, f"{ward}-box", ward, "bedside")
        wards.add_node(tx, f"{ward}-station", ward, "station")
        for bed in ("1", "2", "3", "4"):
            wards.add_bed(tx, ward, bed, f"{ward}-box")
    tx.execute("UPDATE nodes SET state = 'ready'")
    for name, (role, ward) in USERS.items():
        people.add_user(tx, name, name.title(), role, PASSWORD, ward=ward, lang="en")


@pytest.fixture
def config(tmp_path: Path, clock: FakeClock) -> dict[str, Any]:
    return {
        "database": str(tmp_path / "wardline.db"),
        "broker": None,
        "clock": clock,
        "timezone": "Asia/Shanghai",
        "web": {"host": "127.0.0.1", "port": 0, "secret_file": str(tmp_path / "secret")},
        "virtual": None,
    }


@pytest.fixture
def app(config: dict[str, Any]) -> Iterator[Flask]:
    made = create_app(config)
    console: Console = made.extensions["wardline"]
    with console.store.transaction() as tx:
        build(tx)
    yield made
    console.close()


@pytest.fixture
def site(tmp_path: Path, broker: int) -> Iterator[Any]:
    """A console under gunicorn, with a real broker; a tests.console.site.Site."""
    from tests.console.site import Site

    made = Site(tmp_path, broker)
    yield made
    made.close()


@pytest.fixture
def db(app: Flask) -> Store:
    store: Store = app.extensions["wardline"].store
    return store


def log_in(client: FlaskClient, name: str, password: str = PASSWORD, **other: str) -> Any:
    data = {"name": name, "password": password, "csrf_token": token_of(client), **other}
    return client.post("/login", data=data)


@pytest.fixture
def as_user(app: Flask) -> Callable[[str], FlaskClient]:
    """A client of its own, logged in under a name."""

    def make(name: str) -> FlaskClient:
        client = app.test_client()
        assert log_in(client, name).status_code == 302
        return client

    return make
