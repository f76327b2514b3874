"""An engineer at the page of interfaces."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.store import Store
from tests.polling.conftest import CHARGES, STAYS
from tests.visitor import console, hire, log_in, store_of


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock, store: Store) -> Iterator[Flask]:
    polls = [{"name": "VIEW", "url": "sqlite:///his.db", "feeds": [STAYS, CHARGES]}]
    mllp = {"host": "0.0.0.0", "port": 2575, "peers": ["10.1.2.0/24"]}
    with console(tmp_path, clock, polls=polls, mllp=mllp) as made:
        yield made


@pytest.fixture
def db(app: Flask) -> Store:
    return store_of(app)


@pytest.fixture
def engineer(app: Flask) -> FlaskClient:
    hire(app, "zhang", "engineer")
    return log_in(app, "zhang")
