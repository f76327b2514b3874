"""What callers left: kept once, heard with an audit, marked as done; the page in both languages."""

from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.errors import FieldError
from central.flows.offers import Asking
from central.left_messages import model, offers, service
from central.patients import details
from central.recordings import model as recordings
from central.recordings import service as recorded
from central.store import Store
from gateway.telephone.files.recording import BY_APPLICATION
from tests.console.conftest import token_of
from tests.recordings import test_pages
from tests.recordings.test_pages import AsUser
from tests.recordings.test_pages import db as db

SAID = "message-1-1764408000.7"


@pytest.fixture
def config(tmp_path: Path, clock: FakeClock) -> dict[str, Any]:
    return test_pages.config.__wrapped__(tmp_path, clock)  # type: ignore[attr-defined,no-any-return]


def left(db: Store, patient: str | None = "P1", number: str | None = None) -> int:
    with db.transaction() as tx:
        if patient and not details.present(tx, patient):
            details.register(tx, patient, "李梅", "F", "1970-01-01", by="desk")
        asking = Asking("zh", patient, number, caller="13900000000")
        assert offers.keep(tx, asking, {"recording": SAID}).outcome == "ok"
        assert offers.keep(tx, asking, {"recording": SAID}).outcome == "ok"
        (row,) = model.open_ones(tx)
    return int(row["id"])


def taken_up(db: Store, folder: Path) -> int:
    path = folder / BY_APPLICATION / f"{SAID}.wav"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"R" * 16_044)
    with db.transaction() as tx:
        id = recorded.found(
            tx, file=path.name, folder=BY_APPLICATION, rule=recordings.BY_APPLICATION,
            channel="1764408000.7", started_ms=tx.clock.real_ms(), length_ms=1000, bytes=16_044,
        )  # fmt: skip
    assert id is not None
    return id


def post(client: FlaskClient, address: str) -> int:
    data = {"csrf_token": token_of(client, "/left-messages")}
    return client.post(address, data=data).status_code


def audited(db: Store, *what: str) -> list[tuple[str, str, str]]:
    marks = ", ".join("?" * len(what))
    rows = db.read().all(
        f"SELECT who, what, ref FROM audit WHERE what IN ({marks}) ORDER BY id", what
    )
    return [tuple(row) for row in rows]


def test_it_waits_until_somebody_has_heard_and_seen_to_it(
    db: Store, as_user: AsUser, tmp_path: Path
) -> None:
    id = left(db)
    clerk = as_user("sun")
    sound = f"/left-messages/{id}/sound.wav"
    page = clerk.get("/left-messages?lang=en").text
    assert "13900000000" in page
    assert "李梅" in page
    assert "The call is not over yet" in page
    assert clerk.get(sound).status_code == 404
    recording = taken_up(db, tmp_path)
    assert sound in clerk.get("/left-messages").text
    with clerk.get(sound) as heard:
        assert (heard.status_code, len(heard.data)) == (200, 16_044)
    assert post(clerk, f"/left-messages/{id}/done") == 302
    assert model.open_ones(db.read()) == []
    assert sound in clerk.get("/left-messages").text
    assert post(clerk, f"/left-messages/{id}/reopen") == 302
    assert len(model.open_ones(db.read())) == 1
    assert audited(db, "left_message.leave", "recording.listen", "left_message.done",
                   "left_message.reopen") == [
        ("patient", "left_message.leave", "patient/P1"),
        ("sun", "recording.listen", f"recording/{recording}"),
        ("sun", "left_message.done", f"left_message/{id}"),
        ("sun", "left_message.reopen", f"left_message/{id}"),
    ]  # fmt: skip
    assert as_user("li").get(sound).status_code == 403


def test_its_sound_goes_with_the_days_of_recordings_and_the_page_says_so(
    db: Store, as_user: AsUser, tmp_path: Path
) -> None:
    id = left(db, patient=None, number="8003")
    recording = taken_up(db, tmp_path)
    row = recordings.one(db.read(), recording)
    assert row is not None
    with db.transaction() as tx:
        recorded.deleted(tx, row)
    page = as_user("zhao").get("/left-messages?lang=en").text
    assert "Deleted on" in page
    assert f"/left-messages/{id}/sound.wav" not in page
    assert audited(db, "left_message.leave") == [("extension 8003", "left_message.leave", "")]


def test_two_at_the_desk_mark_it_once(db: Store, as_user: AsUser) -> None:
    id = left(db)
    for name in ("sun", "zhao"):
        post(as_user(name), f"/left-messages/{id}/done")
    assert audited(db, "left_message.done") == [("sun", "left_message.done", f"left_message/{id}")]
    assert post(as_user("sun"), "/left-messages/99/done") == 404


@pytest.mark.parametrize("name", ["", "rule-1-1.1", "message-1-../../x", "message-x-1.1"])
def test_a_menu_cannot_leave_what_is_no_message(store: Store, name: str) -> None:
    with pytest.raises(FieldError), store.transaction() as tx:
        service.leave(tx, name, lang="zh")
    assert model.open_ones(store.read()) == []
