"""E-mail about messages, to a mail server on a socket."""

import asyncio
import contextlib
import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from central.clock import FakeClock
from central.config import ConfigError
from central.directory import facilities
from central.directory import service as directories
from central.store import Store
from central.voicemail import mailing, model, service
from central.voicemail.mailing import Mail, Postman
from gateway.telephone.messages import Message, Spool

CONFIG = {"host": "127.0.0.1", "port": 25, "from": "wardline@example.org"}


class Server:
    """The least of SMTP. refusals: how many letters it puts off before it takes one."""

    def __init__(self, refusals: int = 0) -> None:
        self.refusals = refusals
        self.letters: list[EmailMessage] = []

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 test\r\n")
        while line := await reader.readline():
            command = line[:4].upper().strip()
            if command == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = await reader.readuntil(b"\r\n.\r\n")
                if self.refusals:
                    self.refusals -= 1
                    writer.write(b"451 later\r\n")
                    continue
                self.letters.append(email.message_from_bytes(raw[:-5], policy=email.policy.default))
            writer.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
            if command == b"QUIT":
                break
        writer.close()


@contextlib.asynccontextmanager
async def serving(server: Server) -> AsyncIterator[int]:
    listening = await asyncio.start_server(server.talk, "127.0.0.1", 0)
    async with listening:
        yield listening.sockets[0].getsockname()[1]


@pytest.fixture
def house(store: Store) -> Store:
    with store.transaction() as tx:
        directories.add_extension(tx, "8101", "Office\nBcc: x@y")
        directories.add_phone(tx, "001565000004", "8101", lang="en")
        facilities.set_mailbox(tx, "8101", "4711", mail="li@example.org")
        directories.add_extension(tx, "8102", "Lobby")
        facilities.set_mailbox(tx, "8102", "4711")
        service.take(tx, [Message("8101-1-0", "8101", "8003", 0, 12),
                          Message("8102-1-0", "8102", "8003", 0, 3)])  # fmt: skip
    return store


def to(port: int, **changed: Any) -> Mail:
    mail = mailing.from_config({"mail": {**CONFIG, "port": port, "tls": "none", **changed}})
    assert mail is not None
    return mail


async def test_a_message_is_told_of_once(house: Store, tmp_path: Path) -> None:
    server = Server()
    async with serving(server) as port:
        await Postman(house, to(port), Spool(tmp_path)).look()
        await Postman(house, to(port), Spool(tmp_path)).look()
    (letter,) = server.letters
    assert letter["To"] == "li@example.org"
    assert letter["Subject"] == "Voice message from 8003"
    assert letter["Bcc"] is None
    assert letter["Message-ID"] == "<8101-1-0@wardline>"
    text = letter.get_content()
    assert "12 s was left for extension 8101 (Office Bcc: x@y)" in text


async def test_the_sound_goes_along_where_that_is_wanted(house: Store, tmp_path: Path) -> None:
    server, spool = Server(), Spool(tmp_path)
    spool.path("8101-1-0").parent.mkdir(parents=True)
    spool.path("8101-1-0").write_bytes(b"RIFF sound")
    async with serving(server) as port:
        await Postman(house, to(port, attach=True), spool).look()
    (attached,) = server.letters[0].iter_attachments()
    assert attached.get_content_type() == "audio/wav"
    assert attached.get_content() == b"RIFF sound"


async def test_a_server_that_puts_off_or_is_away_is_asked_again(
    house: Store, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = Server(refusals=1)
    async with serving(server) as port:
        postman = Postman(house, to(port), Spool(tmp_path))
        await postman.look()
        await postman.look()
        assert not server.letters
        assert "451" in caplog.text
        clock.advance(60_000)
        await postman.look()
        assert len(server.letters) == 1


async def test_what_nobody_takes_is_given_up_and_said(
    house: Store, clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    postman = Postman(house, to(9), Spool(tmp_path))
    for _ in service.MAIL_AGAIN_MIN:
        await postman.look()
        clock.advance(service.DAY_MS)
    assert "given up" not in caplog.text
    await postman.look()
    assert "given up" in caplog.text
    assert model.to_mail(house.read()) is None


async def test_what_was_deleted_meanwhile_is_told_of_no_more(house: Store) -> None:
    with house.transaction() as tx:
        service.delete(tx, "8101-1-0", by="extension 8101")
    assert model.to_mail(house.read()) is None


@pytest.mark.parametrize(
    ("field", "value"),
    [("host", ""), ("from", 1), ("port", 0), ("port", "25"), ("tls", "ssl"), ("user", 1),
     ("attach", "yes")],
)  # fmt: skip
def test_a_wrong_setting_is_named(field: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=f"mail.{field}"):
        mailing.from_config({"mail": {**CONFIG, field: value}})


def test_no_mail_is_sent_where_none_is_configured() -> None:
    assert mailing.from_config({}) is None
    with pytest.raises(ConfigError, match="group of settings"):
        mailing.from_config({"mail": "yes"})
