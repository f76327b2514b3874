"""The page of one's own messages: of nobody else's, with seek, each listening audited."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from central.clock import FakeClock
from central.directory import changing, facilities
from central.directory import service as directories
from central.store import Store
from central.voicemail import model, service
from gateway.telephone.messages import Message, Spool
from tests.visitor import console, hire, log_in, store_of, token_of

SOUND = b"RIFF and what was said"
MINE, OTHERS = "8101-17-0", "8102-18-0"
PORTS = {"sip": 5060, "ari": 8088, "rtp": 20_000, "rtp_count": 200}


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    """A message for zhao, who has an extension, and one for another extension."""
    folder = tmp_path / "exchange"
    exchange = {
        "folder": str(folder), "address": "127.0.0.1", "password": "x", "ports": PORTS,
    }  # fmt: skip
    with console(tmp_path, clock, exchange=exchange) as made:
        for name, role in (("zhao", "duty_manager"), ("admin", "admin")):
            hire(made, name, role)
        with store_of(made).transaction() as tx:
            person = directories.add_person(tx, "Zhao")
            changing.change_person(tx, person, "Zhao", ward=None, user="zhao", by="admin")
            directories.add_extension(tx, "8101", "Office", person=person)
            directories.add_extension(tx, "8102", "Lobby")
            for number in ("8101", "8102"):
                facilities.set_mailbox(tx, number, "4711")
            service.take(tx, [Message(MINE, "8101", "8003", tx.now_ms, 12),
                              Message(OTHERS, "8102", "", tx.now_ms, 3)])  # fmt: skip
        spool = Spool(folder)
        spool.path(MINE).parent.mkdir(parents=True)
        for id in (MINE, OTHERS):
            spool.path(id).write_bytes(SOUND)
        yield made


@pytest.fixture
def messages(app: Flask) -> Store:
    return store_of(app)


def played(store: Store) -> int:
    return int(store.read().value("SELECT count(*) FROM audit WHERE what = 'message.play'"))


def test_a_message_is_heard_from_any_place_and_counts_as_heard(app: Flask, messages: Store) -> None:
    client = log_in(app, "zhao")
    page = client.get("/messages").text
    assert "8101 Office" in page
    assert "8102" not in page
    assert f"/messages/{MINE}/sound" in page
    with client.get(f"/messages/{MINE}/sound", headers={"Range": "bytes=5-7"}) as answer:
        assert (answer.status_code, answer.data) == (206, SOUND[5:8])
    assert played(messages) == 0
    with client.get(f"/messages/{MINE}/sound", headers={"Range": "bytes=0-"}) as answer:
        assert (answer.status_code, answer.data) == (206, SOUND)
    assert played(messages) == 1
    row = model.one(messages.read(), MINE)
    assert row is not None
    assert row["heard_ms"] is not None


def test_another_ones_message_is_as_if_it_were_not_there(app: Flask, messages: Store) -> None:
    for name, message in (("zhao", OTHERS), ("admin", MINE)):
        client = log_in(app, name)
        token = {"csrf_token": token_of(client, "/me")}
        assert client.get(f"/messages/{message}/sound").status_code == 404
        assert client.post(f"/messages/{message}/delete", data=token).status_code == 404
    assert played(messages) == 0
    assert model.one(messages.read(), OTHERS) is not None


def test_the_page_is_offered_to_who_has_a_mailbox(app: Flask) -> None:
    assert 'href="/messages"' in log_in(app, "zhao").get("/me").text
    without = log_in(app, "admin")
    assert 'href="/messages"' not in without.get("/me").text
    assert "You have no mailbox." in without.get("/messages").text


def test_a_message_is_deleted(app: Flask, messages: Store) -> None:
    client = log_in(app, "zhao")
    token = {"csrf_token": token_of(client, "/messages")}
    answer = client.post(f"/messages/{MINE}/delete", data=token, follow_redirects=True)
    assert "The message is deleted." in answer.text
    assert "There are no messages." in answer.text
    assert model.one(messages.read(), MINE) is None
    assert client.get(f"/messages/{MINE}/sound").status_code == 404
