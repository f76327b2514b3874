"""`./wardline bench hl7`: messages of the hospital system, stored and acknowledged over MLLP.

The sample messages (tests/data/hl7), each with a control id of its own, so that none is a repeat:

    bare    python-hl7's parser alone, in this process: nothing received, stored or answered
    ours    over real MLLP, several connections at a time: received, decoded, understood, on disk
            with its effect, and only then answered; the clients are in this process, too
    hl7apy  its MLLP server, with a handler that parses the message and builds an answer; it stores
            nothing, and wants a connection for each message

in turns, so that all meet the same machine. Before that, for a bounded time, messages with broken
frames and broken contents: how many were sent, how many connections were lost, how many answers
told of a mistake of ours, and how much memory the process had grown by at the end.
"""

import asyncio
import logging
import random
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import hl7
from hl7apy.core import Message
from hl7apy.mllp import AbstractErrorHandler, AbstractHandler, MLLPServer
from hl7apy.parser import parse_message

from central.clock import SystemClock
from central.hospital import service
from central.hospital.intake import intake
from central.store import Store
from central.wards import model as wards
from gateway.his import client
from gateway.his.client import NoAnswerError
from gateway.his.framing import frame
from gateway.his.listener import Listener
from gateway.his.message import parse
from provisioning.environment import ROOT
from tests.bench.figures import as_json, command_line, figures, table

SAMPLES = ROOT / "tests" / "data" / "hl7"
WHOLE = "ADT-A08-01.hl7"
HOST = "127.0.0.1"
ZONE = timezone(timedelta(hours=8))
WARD, BED = "3", "1"
CONNECTIONS = 8  # as many as one sender may have
NOISE = (
    *(bytes([each]) for each in b"\x0b\x1c\r\n|^~\\&\x00\xff"),
    b"\x81|", b"\\X", b"\\Xzz\\", b"MSH|", b"PID|", b"FT1|", b"-1e99", "乗亅".encode("gb18030"),
)  # fmt: skip
# The first part of the fuzz fills what is kept for good: caches, pages of the database.
WARM_SHARE = 0.4


def samples() -> list[str]:
    """The texts of the sample messages, with CR line ends."""
    texts = [path.read_text(encoding="utf-8-sig") for path in sorted(SAMPLES.glob("*.hl7"))]
    return [text.replace("\r\n", "\r").replace("\n", "\r") for text in texts]


def own(text: str, control_id: str) -> str:
    """The message under this control id."""
    line, _, rest = text.partition("\r")
    fields = line.split("|")
    fields[9] = control_id
    return "|".join(fields) + "\r" + rest


@asynccontextmanager
async def ward(folder: Path) -> AsyncIterator[int]:
    """The port of our listener, whose messages go into a database with one bed."""
    store = Store(folder / "wardline.db", SystemClock())
    with store.transaction() as tx:
        wards.add_ward(tx, WARD, "三病区", "Ward 3")
        wards.add_node(tx, "3-box", WARD, "bedside")
        wards.add_bed(tx, WARD, BED, "3-box")
        for text in samples():
            for event in parse(text.encode()).events:
                code = getattr(getattr(event, "location", None), "code", "")
                if code:
                    service.map_location(tx, event.sender, code, WARD, BED, "bench", ZONE)
    with closing(store):
        listener = Listener(intake(store, ZONE))
        try:
            yield await listener.start(HOST, 0)
        finally:
            await listener.close()


def bare(texts: list[str]) -> list[float]:
    """ms of each."""
    took = []
    for text in texts:
        began = time.perf_counter()
        hl7.parse(text)
        took.append((time.perf_counter() - began) * 1000)
    return took


async def ours(port: int, texts: list[str], connections: int) -> list[float]:
    """ms from sending to the answer. Raises NoAnswerError."""
    waiting = iter(texts)
    took: list[float] = []

    async def send_some() -> None:
        async with await client.connect(HOST, port) as connection:
            for text in waiting:
                began = time.perf_counter()
                answer = await connection.send(text.encode())
                took.append((time.perf_counter() - began) * 1000)
                if b"\rMSA|A" not in answer or b"MSA|AE" in answer:
                    raise NoAnswerError(answer.decode(errors="replace"))

    await asyncio.gather(*(send_some() for _ in range(connections)))
    return took


class _Answer(AbstractHandler):
    """What a receiver of hl7apy's would do at least."""

    def reply(self) -> str:
        parse_message(self.incoming_message, find_groups=False)
        answer = Message("ACK")
        answer.msa = "MSA|AA|X"
        return str(answer.to_mllp())


class _Refusal(AbstractErrorHandler):
    def reply(self) -> str:
        answer = Message("ACK")
        answer.msa = "MSA|AR|X"
        return str(answer.to_mllp())


async def theirs(texts: list[str]) -> list[float]:
    """ms from sending to the answer of hl7apy's server."""
    kinds = {text.partition("\r")[0].split("|")[8] for text in texts}
    handlers: dict[str, Any] = dict.fromkeys(kinds, (_Answer,))
    server = MLLPServer(HOST, 0, handlers | {"ERR": (_Refusal,)})
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    took = []
    try:
        for text in texts:
            began = time.perf_counter()
            await client.send(HOST, server.server_address[1], text.encode())
            took.append((time.perf_counter() - began) * 1000)
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()
    return took


# --- what is broken ---


def broken(chance: random.Random, raw: bytes) -> bytes:
    """The message as a bad line or a bad program would send it, framed, or nearly."""
    data = bytearray(raw)
    for _ in range(chance.randint(1, 12)):
        at = chance.randrange(len(data) + 1)
        data[at : at + chance.choice((0, 0, 1, 3, 40))] = chance.choice(NOISE) * chance.choice(
            (1, 1, 1, 2, 200)
        )
    if chance.random() < 0.1:
        data = data[: chance.randrange(len(data))]
    framed = frame(bytes(data))
    begin, end = chance.choice(((0, None), (0, None), (0, None), (1, None), (0, -1), (0, -2)))
    return framed[begin:end]


async def fuzz(port: int, seconds: float, seed: int) -> dict[str, Any]:
    """Send what is broken for so long, at least one, each followed by a whole message, whose
    answer must come over the same connection."""
    chance = random.Random(seed)
    texts = [text.encode() for text in samples()]
    whole = (SAMPLES / WHOLE).read_text().replace("\n", "\r")
    sent = lost = mistakes = 0
    ends_s, warm_kb = time.monotonic() + seconds, 0
    connection = await client.connect(HOST, port)
    while (left_s := ends_s - time.monotonic()) > 0 or not sent:
        if not warm_kb and left_s < seconds * (1 - WARM_SHARE):
            warm_kb = resident_kb()
        sent += 1
        known = f"fuzz{sent}"
        try:
            await connection.write(
                broken(chance, chance.choice(texts)) + frame(own(whole, known).encode())
            )
            while True:
                answer = await connection.answer()
                mistakes += b"MSA|AE" in answer
                if f"|{known}".encode() in answer:
                    break
        except (NoAnswerError, ConnectionError, TimeoutError):
            lost += 1
            await connection.close()
            connection = await client.connect(HOST, port)
    await connection.close()
    return {
        "broken_messages": sent,
        "connections_lost": lost,
        "mistakes_of_ours": mistakes,
        "memory_grown_mb": round((resident_kb() - warm_kb) / 1024, 1),
    }


def resident_kb() -> int:
    """Memory of this process."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


async def measure(
    folder: Path,
    messages: int,
    others: int,
    connections: int,
    rounds: int,
    fuzz_s: float,
    seed: int,
    say: Callable[[str], None],
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """(figures by stage, facts of the run). Raises NoAnswerError."""
    texts = samples()
    took: dict[str, list[float]] = {"bare": [], "ours": [], "hl7apy": []}
    wall_s = dict.fromkeys(took, 0.0)
    async with ward(folder) as port:
        # First, since memory that another parser has given back would hide what grows.
        say(f"{fuzz_s:g} s of broken messages, seed {seed}")
        # Each refused one would be logged.
        logging.disable(logging.ERROR)
        found = await fuzz(port, fuzz_s, seed)
        logging.disable(logging.NOTSET)
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}: {messages} messages, {others} to hl7apy")
            batch = [own(texts[n % len(texts)], f"r{turn}n{n}") for n in range(messages)]
            began = time.perf_counter()
            took["bare"] += bare(batch)
            wall_s["bare"] += time.perf_counter() - began
            began = time.perf_counter()
            took["ours"] += await ours(port, batch, connections)
            wall_s["ours"] += time.perf_counter() - began
            began = time.perf_counter()
            took["hl7apy"] += await theirs(batch[:others])
            wall_s["hl7apy"] += time.perf_counter() - began
    rate = {name: len(took[name]) / wall_s[name] for name in took}
    facts = {
        **{f"{name}_per_s": round(rate[name], 1) for name in rate},
        "ours_of_bare": round(rate["ours"] / rate["bare"], 2),
        **found,
    }
    return {
        "python-hl7's parser alone": figures(took["bare"]),
        "ours, sent to acknowledged, on disk": figures(took["ours"]),
        "hl7apy's MLLP server, sent to answered": figures(took["hl7apy"]),
    }, facts


def main() -> int:
    parser = command_line("hl7", __doc__)
    parser.add_argument("--messages", type=int, default=540, help="in each round (540)")
    parser.add_argument(
        "--others", type=int, default=27, help="of these to hl7apy, which is slow (27)"
    )
    parser.add_argument(
        "--connections", type=int, default=CONNECTIONS, help=f"at a time ({CONNECTIONS})"
    )
    parser.add_argument("--rounds", type=int, default=3, help="in turns (3)")
    parser.add_argument("--fuzz-s", type=float, default=30, help="seconds of broken messages (30)")
    parser.add_argument("--seed", type=int, default=1, help="of what is broken (1)")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as place:
        stages, facts = asyncio.run(
            measure(
                Path(place), given.messages, given.others, given.connections, given.rounds,
                given.fuzz_s, given.seed, say,
            )
        )  # fmt: skip
    print(table(stages))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<46}{value:>8}")
    arguments = {key: getattr(given, key) for key in ("messages", "connections", "rounds", "seed")}
    print(as_json("hl7", stages, **arguments, **facts), flush=True)
    bad = facts["connections_lost"] or facts["mistakes_of_ours"]
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
