"""The console without a browser: an application over a test's database, and people who log in."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from central.clock import Clock
from central.console import service as people
from central.console.app import create_app
from central.console.context import Console
from central.patients.cards import SECRET_FILE
from central.store import Store

PASSWORD = "a long password"


@contextmanager
def console(folder: Path, clock: Clock, **changes: Any) -> Iterator[Flask]:
    """The console as configured in a hospital in Shanghai, over `folder`/wardline.db."""
    made = create_app(
        {
            "database": str(folder / "wardline.db"),
            "broker": None,
            "clock": clock,
            "timezone": "Asia/Shanghai",
            "web": {"host": "127.0.0.1", "port": 0, "secret_file": str(folder / "secret")},
        }
        | changes
    )
    try:
        yield made
    finally:
        made.extensions["wardline"].close()


@contextmanager
def over_a_copy(app: Flask, of: Path, folder: Path, clock: Clock) -> Iterator[Flask]:
    """The application over a copy in `folder` of a database that is closed, with the secret beside
    it: one for many tests, since making an application takes most of what they take."""
    for each in (of, of.with_name(SECRET_FILE)):
        shutil.copyfile(each, folder / each.name)
    console: Console = app.extensions["wardline"]
    before, console.store = console.store, Store(folder / of.name, clock)
    try:
        yield app
    finally:
        console.store.close()
        console.store = before


def store_of(app: Flask) -> Store:
    store: Store = app.extensions["wardline"].store
    return store


def hire(app: Flask, name: str, role: str, ward: str | None = None) -> None:
    """Give somebody an account, who reads English."""
    with store_of(app).transaction() as tx:
        people.add_user(tx, name, name.title(), role, PASSWORD, ward=ward, lang="en")


def token_of(client: FlaskClient, path: str = "/login") -> str:
    """The CSRF token of a page."""
    text = client.get(path, headers={"Accept": "text/html"}).text
    return text.split('name="csrf-token" content="')[1].split('"')[0]


def log_in(app: Flask, name: str) -> FlaskClient:
    """A visitor of its own, logged in under a name."""
    client = app.test_client()
    given = {"name": name, "password": PASSWORD, "csrf_token": token_of(client)}
    assert client.post("/login", data=given).status_code == 302
    return client
