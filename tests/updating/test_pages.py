"""The engineer's page of versions."""

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from central.store import Store
from central.updates import model, service
from tests.console.conftest import app, as_user, config, db, token_of

__all__ = ["app", "as_user", "config", "db"]

AsUser = Callable[[str], FlaskClient]


def post(client: FlaskClient, path: str, **form: str) -> Any:
    return client.post(path, data={"csrf_token": token_of(client, "/updates"), **form})


@pytest.fixture
def client(as_user: AsUser, db: Store) -> FlaskClient:
    """An engineer; four boxes that take versions, and one version to take."""
    with db.transaction() as tx:
        tx.execute("UPDATE nodes SET firmware = '1.3.0', updatable = 1")
        service.published(tx, "1.4.0", "Lamps blink anew", "admin")
    return as_user("zhang")


def test_a_version_is_begun_stopped_let_go_on_and_ended(client: FlaskClient, db: Store) -> None:
    assert "Lamps blink anew" in client.get("/updates").text
    done = post(client, "/updates/start", version="1.4.0", canary="3-box", soak="10")
    assert done.status_code == 302
    row = model.open_rollout(db.read())
    assert row is not None
    assert (row["soak_ms"], row["made_by"]) == (600_000, "zhang")
    page = client.get("/updates").text
    assert 'data-rollout="running"' in page
    for path, state in (("stop", "stopped"), ("resume", "running")):
        assert post(client, f"/updates/{path}").status_code == 302
        assert f'data-rollout="{state}"' in client.get("/updates").text
    assert post(client, "/updates/end").status_code == 302
    assert post(client, "/updates/end").status_code == 404
    assert "ended early" in client.get("/updates").text


def test_what_is_wrong_is_said_at_its_field(client: FlaskClient, db: Store) -> None:
    wrong = post(client, "/updates/start", version="1.4.0", canary="3-box", soak="x")
    assert wrong.status_code == 400
    assert "14 days" in wrong.text
    assert model.open_rollout(db.read()) is None


def test_what_a_box_waits_for_and_why_it_gave_up_stand_on_the_page(
    client: FlaskClient, db: Store
) -> None:
    health = '{"update": {"version": "1.4.0", "step": "waiting", "held_by": ["calling at bed 2"]}}'
    with db.transaction() as tx:
        tx.execute("UPDATE nodes SET health = ? WHERE id = '3-box'", (health,))
        tx.insert(
            "update_failures", node="5-box", ward="5", version="1.4.0", at_ms=1, why="no lamp",
            log="Traceback <b>",
        )  # fmt: skip
    page = client.get("/updates").text
    assert "waits until it disturbs nobody" in page
    assert "calling at bed 2" in page
    log = client.get("/updates/failures/1").text
    assert "no lamp" in log
    assert "Traceback &lt;b&gt;" in log
    assert client.get("/updates/failures/2").status_code == 404
