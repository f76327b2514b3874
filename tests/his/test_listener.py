"""The listener over a real socket."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.his import client
from gateway.his.client import Connection, NoAnswerError
from gateway.his.framing import MAX_MESSAGE_BYTES, frame
from gateway.his.listener import BadPeerError, Listener, Peers
from gateway.his.message import parse
from tests.his.conftest import SAMPLES, Ward, message, stay_of

GOOD = message(control_id="GOOD").encode()


def serve(ward: Ward, story: Callable[[int], Awaitable[Any]], **options: Any) -> Any:
    async def run() -> Any:
        listener = Listener(ward, **options)
        port = await listener.start("127.0.0.1", 0)
        try:
            async with asyncio.timeout(30):
                return await story(port)
        finally:
            await listener.close()

    return asyncio.run(run())


async def lives(connection: Connection) -> None:
    assert b"MSA|AA|GOOD" in await connection.send(GOOD)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.name)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_every_sample_is_answered_also_with_chinese_in_it(
    ward: Ward, path: Path, encoding: str
) -> None:
    text = path.read_text(encoding="utf-8-sig")
    assert "EVERYMAN" in text or "DUCK" in text or "PROSOLV" in text or "Doe" in text
    for name in ("EVERYMAN", "DUCK", "PROSOLV^SAMPLE", "Doe"):
        text = text.replace(name, "乗亅")
    samples = (path.read_bytes(), text.encode(encoding), text.replace("\n", "\r").encode(encoding))

    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            for raw in samples:
                answer = await connection.send(raw)
                control_id = ward.taken[-1][2].header.control_id  # type: ignore[union-attr]
                code = b"AA" if ward.taken[-1][2].events else b"AR"
                assert b"MSA|" + code + b"|" + control_id.encode() in answer
            await lives(connection)

    serve(ward, story)
    assert [raw for _, raw, _ in ward.taken[:-1]] == list(samples)
    for _, _, parsed in ward.taken[1:-1]:
        assert parsed.encoding == encoding
        for event in parsed.events:
            assert getattr(event, "name", "乗亅").startswith("乗亅")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"MSH|^~\\&|no start\x1c\r", b"AR"),
        (b"\x0b\x1c\r", b"AR"),
        (b"\x0bMSH|^~\\&|A|B|||20261124||ADT^A01|X9|P|2.5\x1cmore\x1c\r", b"AR|X9"),
        (frame(b"\x80\xff\xfe"), b"AR"),
        (frame(message(charset="UNICODE UTF-8", control_id="X9").encode("gb18030")), b"AR|X9"),
        (frame(message(control_id="").encode()), b"AR"),
        (frame(message("A99", control_id="X9").encode()), b"AR|X9"),
        (frame(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), b"AR"),
    ],
)
def test_bad_input_is_answered_and_kept_and_the_connection_lives(
    ward: Ward, data: bytes, code: bytes
) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            await connection.write(data)
            answer = await connection.answer()
            assert b"MSA|" + code in answer
            assert b"\rERR|" in answer
            await lives(connection)

    serve(ward, story)
    assert len(ward.taken) == 2
    assert ward.taken[0][1] == data.removeprefix(b"\x0b").removesuffix(b"\x1c\r")


def test_ten_megabytes_are_refused_and_the_connection_lives(ward: Ward) -> None:
    raw = message(control_id="BIG").encode() + b"OBX|" + b"x" * 10_000_000

    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            answer = await connection.send(raw)
            assert b"MSA|AR|BIG" in answer
            assert str(MAX_MESSAGE_BYTES).encode() in answer
            await lives(connection)

    serve(ward, story)
    assert raw.startswith(ward.taken[0][1])


def test_more_than_64_kilobytes_are_taken(ward: Ward) -> None:
    """asyncio's and python-hl7's readers stop at 64 KB unless told otherwise."""
    raw = message().encode() + b"OBX|" + b"x" * 1_000_000

    async def story(port: int) -> None:
        assert b"MSA|AA|C1" in await client.send("127.0.0.1", port, raw)

    serve(ward, story)
    assert ward.taken[0][1] == raw


def test_a_cut_frame_is_answered_before_the_next(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            await connection.write(b"\x0bMSH|^~\\&|A|B|||1||ADT^A01|CUT|P|2.5\r" + frame(GOOD))
            assert b"MSA|AR|CUT" in await connection.answer()
            assert b"MSA|AA|GOOD" in await connection.answer()

    serve(ward, story)


def test_a_frame_that_never_ends_is_answered_when_its_sender_falls_silent(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            await connection.write(b"\x0bMSH|^~\\&|A|B|||1||ADT^A01|CUT|P|2.5\r")
            assert b"MSA|AR|CUT" in await connection.answer()
            await lives(connection)

    serve(ward, story, frame_timeout_s=0.05)


def test_a_silent_connection_is_closed(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            with pytest.raises(NoAnswerError):
                await connection.answer()

    serve(ward, story, idle_timeout_s=0.05)


def test_messages_sent_in_one_go_are_answered_in_order(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            ids = [f"N{n}" for n in range(20)]
            await connection.write(
                b"".join(frame(message(control_id=each).encode()) for each in ids)
            )
            for each in ids:
                assert f"MSA|AA|{each}\r".encode() in await connection.answer()

    serve(ward, story)


def test_a_mistake_in_taking_is_answered_ae_and_the_connection_lives(
    ward: Ward, caplog: pytest.LogCaptureFixture
) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            ward.failing = RuntimeError("boom")
            answer = await connection.send(GOOD)
            assert b"MSA|AE|GOOD" in answer
            assert b"ERR|" in answer
            ward.failing = None
            await lives(connection)

    serve(ward, story)
    assert "boom" in caplog.text


def test_no_more_connections_than_allowed(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as first:
            await lives(first)
            with pytest.raises((NoAnswerError, ConnectionError)):
                await client.send("127.0.0.1", port, GOOD)
            await lives(first)

    serve(ward, story, max_connections=1)


def test_the_encoding_set_for_a_peer_is_used(ward: Ward) -> None:
    ward.encodings["127.0.0.1"] = "big5"
    raw = message(name="陳", location="3E").replace("总院", "H").encode("big5")

    async def story(port: int) -> None:
        await client.send("127.0.0.1", port, raw)

    serve(ward, story)
    assert stay_of(ward.taken[0][2]).name == "陳"


def test_a_sender_that_wants_no_answer_gets_none(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            await connection.write(frame(message(msh="|||NE|NE").encode()))
            await lives(connection)

    serve(ward, story)
    assert len(ward.taken) == 2


def test_closing_finishes_what_is_being_stored() -> None:
    class Slow(Ward):
        def __init__(self) -> None:
            super().__init__()
            self.begun = asyncio.Event()
            self.go_on = asyncio.Event()

        async def take(self, peer: str, raw: bytes, parsed: Any) -> bytes | None:
            self.begun.set()
            await self.go_on.wait()
            return await super().take(peer, raw, parsed)

    async def run() -> Slow:
        slow = Slow()
        listener = Listener(slow)
        port = await listener.start("127.0.0.1", 0)
        async with await client.connect("127.0.0.1", port) as connection:
            await connection.write(frame(GOOD))
            await slow.begun.wait()
            closing = asyncio.create_task(listener.close())
            await asyncio.sleep(0)
            slow.go_on.set()
            await closing
        return slow

    assert len(asyncio.run(run()).taken) == 1


def test_the_client_says_when_nobody_listens(ward: Ward) -> None:
    async def story(port: int) -> int:
        return port

    closed_port = serve(ward, story)
    with pytest.raises(OSError, match="Connect call failed"):
        asyncio.run(client.send("127.0.0.1", closed_port, GOOD))


def test_parsing_a_sample_keeps_its_bytes_out_of_the_answer(ward: Ward) -> None:
    """An answer names the message and nothing of the patient."""

    async def story(port: int) -> bytes:
        return await client.send("127.0.0.1", port, GOOD)

    answer = serve(ward, story)
    assert "张".encode() not in answer
    assert parse(GOOD).events


def test_only_configured_peers_and_this_machine_are_heard() -> None:
    peers = Peers(["10.1.2.3", "10.7.0.0/16", "fd00::/8"])
    for address in ("127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3", "10.7.9.9", "fd00::5"):
        assert peers.may_send(address)
    for address in ("10.1.2.4", "192.168.1.1", "::ffff:10.1.2.4", "fe80::1", "unknown"):
        assert not peers.may_send(address)
    with pytest.raises(BadPeerError, match="nonsense"):
        Peers(["nonsense"])


def test_a_stranger_is_not_heard(ward: Ward) -> None:
    class Nobody(Peers):
        def may_send(self, peer: str) -> bool:
            return False

    async def story(port: int) -> None:
        with pytest.raises((NoAnswerError, ConnectionError)):
            await client.send("127.0.0.1", port, GOOD)

    serve(ward, story, peers=Nobody())
    assert ward.taken == []


def test_one_peer_does_not_take_every_place(ward: Ward) -> None:
    async def story(port: int) -> None:
        held = [
            await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0))
            for _ in range(12)
        ]
        assert b"MSA|AA|GOOD" in await client.send("127.0.0.1", port, GOOD)
        for _, writer in held:
            writer.close()

    serve(ward, story, max_connections=12)


def test_a_frame_that_drips_for_ever_is_ended(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            await connection.write(b"\x0bMSH|^~\\&|A|B|||1||ADT^A01|DRIP|P|2.5\r")

            async def drip() -> None:
                while True:
                    await connection.write(b"x")
                    await asyncio.sleep(0.01)

            dripping = asyncio.create_task(drip())
            assert b"MSA|AR|DRIP" in await connection.answer()
            dripping.cancel()

    serve(ward, story, frame_longest_s=0.3)


def test_a_flood_of_starts_is_one_start(ward: Ward) -> None:
    async def story(port: int) -> None:
        async with await client.connect("127.0.0.1", port) as connection:
            await connection.write(b"\x0b" * 50_000)
            await lives(connection)

    serve(ward, story)
    assert len(ward.taken) == 1
