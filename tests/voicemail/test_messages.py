"""The spool of messages, the rows about them, and who may open a mailbox."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.clock import FakeClock
from central.directory import facilities
from central.directory import model as directory
from central.directory import service as directories
from central.store import Store
from central.voicemail import model, service
from central.voicemail.collecting import Collector
from gateway.telephone.messages import Message, MessageWrongError, Spool, read

TEXT = """;
; Message Information file
;
[message]
origmailbox=8101
callerid="Station" <8003>
origtime=1795904187
msg_id={id}
duration=12
"""


@pytest.fixture
def house(store: Store) -> Store:
    with store.transaction() as tx:
        directories.add_extension(tx, "8101", "Office")
        facilities.set_mailbox(tx, "8101", "4711")
    return store


def leave(folder: Path, place: int, id: str = "1795904187-00000000") -> Path:
    """As Asterisk does: the sound, then the text."""
    inbox = folder / "spool" / "voicemail" / "house" / "8101" / "INBOX"
    inbox.mkdir(parents=True, exist_ok=True)
    (inbox / f"msg{place:04}.wav").write_bytes(f"sound of {id}".encode())
    text = inbox / f"msg{place:04}.txt"
    text.write_text(TEXT.format(id=id))
    return text


def test_what_asterisk_wrote_is_read() -> None:
    assert read("8101", TEXT.format(id="17-0a")) == Message(
        "8101-17-0a", "8101", "8003", 1_795_904_187_000, 12
    )
    for shown, caller in (("8003", "8003"), ('"x" <+8613900000000>', "8613900000000"),
                          ("Unknown", ""), ('"8003', ""), ('"<1>" <sip:x>', "")):  # fmt: skip
        text = TEXT.replace('"Station" <8003>', shown).format(id="17-0a")
        assert read("8101", text).caller == caller


@given(st.text() | st.text().map(lambda each: TEXT.format(id=each)))
def test_any_other_text_is_no_message_or_a_plain_one(text: str) -> None:
    try:
        message = read("8101", text)
    except MessageWrongError:
        return
    assert message.id.removeprefix("8101-").replace("-", "").isalnum()
    assert "/" not in message.id
    assert not message.caller or message.caller.isdecimal()


async def test_a_message_is_stored_once_and_put_away_once_it_was_heard(
    house: Store, tmp_path: Path
) -> None:
    spool = Spool(tmp_path)
    collector = Collector(house, spool)
    await collector.look()
    text = leave(tmp_path, 0)
    await collector.look()
    await collector.look()
    (row,) = model.of(house.read(), "8101")
    assert (row["caller"], row["duration_s"], row["heard_ms"]) == ("8003", 12, None)
    assert text.exists()
    with house.transaction() as tx:
        service.heard(tx, row["id"])
    await Collector(house, Spool(tmp_path)).look()
    assert not text.exists()
    assert not text.with_suffix(".wav").exists()
    assert spool.path(row["id"]).read_bytes() == b"sound of 1795904187-00000000"
    # Asterisk gives the name again, to another message.
    leave(tmp_path, 0, "1795904199-00000001")
    await collector.look()
    heard = {each["id"]: each["heard_ms"] is not None for each in model.of(house.read(), "8101")}
    assert heard == {row["id"]: True, "8101-1795904199-00000001": False}


async def test_a_deleted_message_is_gone_from_the_disk_and_does_not_come_back(
    house: Store, tmp_path: Path
) -> None:
    spool = Spool(tmp_path)
    collector = Collector(house, spool)
    text = leave(tmp_path, 0)
    await collector.look()
    (row,) = model.of(house.read(), "8101")
    with house.transaction() as tx:
        service.delete(tx, row["id"], by="extension 8101")
    await collector.look()
    assert not text.exists()
    assert not spool.path(row["id"]).exists()
    assert model.of(house.read(), "8101") == []
    assert house.read().value("SELECT count(*) FROM audit WHERE what = 'message.delete'") == 1


async def test_what_is_torn_or_strange_in_the_spool_stops_nothing(
    house: Store, tmp_path: Path
) -> None:
    leave(tmp_path, 0).write_text("[message]\nmsg_id=../../etc\n")
    leave(tmp_path, 1, "2-0").with_suffix(".wav").unlink()
    leave(tmp_path, 2, "3-0").write_bytes(b"\xff" * 70_000)
    leave(tmp_path, 3, "4-0")
    await Collector(house, Spool(tmp_path)).look()
    assert [row["id"] for row in model.of(house.read(), "8101")] == ["8101-4-0"]


def test_wrong_pins_block_a_mailbox_for_a_while_over_a_restart(
    house: Store, clock: FakeClock
) -> None:
    def may_try() -> bool:
        with house.transaction() as tx:
            return service.try_pin(tx, "8101")

    assert [may_try() for _ in range(service.MOST_WRONG + 2)] == [True] * 5 + [False] * 2
    assert house.read().value("SELECT count(*) FROM audit WHERE what = 'mailbox.blocked'") == 1
    clock.advance(service.BLOCK_MS)
    assert may_try()
    with house.transaction() as tx:
        service.opened(tx, "8101", by="extension 8101")
    box = directory.mailbox(house.read(), "8101")
    assert box is not None
    assert (box["wrong"], box["blocked_ms"]) == (0, 0)
    assert not service.try_pin(house.read(), "8003"), "there is no such mailbox"


def test_what_was_heard_long_ago_is_let_go(house: Store, clock: FakeClock) -> None:
    with house.transaction() as tx:
        service.take(tx, [Message(f"8101-{n}-0", "8101", "", 0, 3) for n in (1, 2)])
        service.heard(tx, "8101-1-0")
    clock.advance(service.KEEP_MS + 1)
    with house.transaction() as tx:
        service.tidy(tx)
    assert [row["id"] for row in model.of(house.read(), "8101")] == ["8101-2-0"]
    assert model.to_purge(house.read()) == ["8101-1-0"]
