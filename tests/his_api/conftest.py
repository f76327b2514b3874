"""A system of the hospital that sends facts to the console."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from central.clock import FakeClock
from central.his_api import service
from central.store import Store
from gateway.his.http.document import BASE
from tests.visitor import console, store_of

Send = Callable[..., Any]


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock, store: Store) -> Iterator[Flask]:
    """`store`: makes the database by a copy, which is quick."""
    with console(tmp_path, clock) as made:
        yield made


@pytest.fixture
def db(app: Flask) -> Store:
    return store_of(app)


@pytest.fixture
def key(db: Store) -> str:
    with db.transaction() as tx:
        return service.make_key(tx, "HIS", "zhang")


@pytest.fixture
def send(app: Flask, key: str) -> Send:
    """send(kind, body, number, **headers) as a system that reads English."""

    def sender(kind: str, body: Any, number: str = "n1", **headers: Any) -> Any:
        given = {
            "Authorization": f"Bearer {key}",
            "Idempotency-Key": number,
            "Content-Type": "application/json",
            "Accept-Language": "en",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        left = {name: value for name, value in given.items() if value is not None}
        return app.test_client().post(f"{BASE}/{kind}", data=raw, headers=left)

    return sender
