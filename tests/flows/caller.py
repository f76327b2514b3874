"""A telephone of our own: keys as RFC 4733 has them, and every packet that is heard, kept.

    async with Line(sip, "001565000003", "password") as line:
        call = await line.dial("9000")
        await call.hears(300)
        await call.press("1")
        await call.hang_up()

Softphones send keys in bursts, of which a busy machine loses some, and tell what they heard by a
file that grows now and then. Here keys come as a finger presses them, one after the other, and
nothing is measured by the wall clock: what the exchange says is counted in packets of 20 ms, and
while it says nothing it sends none.
"""

import asyncio
import contextlib
import hashlib
import math
import os
import re
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Self

from gateway.telephone.rtp import NotRtpError, parse
from tests.conftest import WAIT_S

HOST = "127.0.0.1"
FRAME_MS, FRAME_SAMPLES = 20, 160
ALAW, KEYS_PAYLOAD = 8, 101
# As a finger does it: five packets of 20 ms, the last of them sent three times, and a pause.
# Asterisk takes no key for one that is shorter than 80 ms, or within 45 ms of another.
KEY_FRAMES, END_PACKETS, PAUSE_FRAMES = 5, 3, 3
EVENTS = {key: number for number, key in enumerate("0123456789*#")}
VOLUME, END_BIT = 10, 0x80
HUM_HZ, HUM_LOUD = 500, 6000
ASK_AGAIN_S = 0.5
SDP = (
    "v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    "m=audio {port} RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n"
)


class CallRefusedError(Exception):
    """The call was not answered; `status` is SIP's."""

    error_id = "test-call-refused"

    def __init__(self, status: int) -> None:
        super().__init__(f"refused with {status}")
        self.status = status


class CallOverError(Exception):
    """The other end has hung up."""

    error_id = "test-call-over"


@dataclass(frozen=True)
class Heard:
    """One packet of voice: when it came (s of the loop's clock), its time stamp, its samples as
    A-law."""

    at_s: float
    timestamp: int
    payload: bytes

    @property
    def ms(self) -> int:
        return len(self.payload) * FRAME_MS // FRAME_SAMPLES

    @property
    def loudness(self) -> float:
        """Root mean square, of 16 bits."""
        return _loudness(self.payload)


@dataclass(frozen=True)
class Pressed:
    """A key: when its first packet and its first end packet were sent (s of the loop's clock), and
    how many packets of voice had been heard by then."""

    key: str
    began_s: float
    ended_s: float
    heard: int


def _linear(alaw: int) -> int:
    alaw ^= 0x55
    size = (alaw & 0x0F) << 4
    segment = (alaw & 0x70) >> 4
    size = size + 8 if segment == 0 else (size + 0x108) << (segment - 1)
    return size if alaw & 0x80 else -size


@lru_cache(maxsize=4096)  # tones repeat
def _loudness(payload: bytes) -> float:
    return math.sqrt(sum(_SQUARES[each] for each in payload) / max(1, len(payload)))


_SQUARES = [_linear(each) ** 2 for each in range(256)]
_NEAREST = {_linear(each): each for each in range(256)}


def _hum() -> bytes:
    """A frame of a tone whose periods fit into it."""
    samples = (int(HUM_LOUD * math.sin(math.tau * HUM_HZ * n / 8000)) for n in range(FRAME_SAMPLES))
    return bytes(_NEAREST[min(_NEAREST, key=lambda has: abs(has - each))] for each in samples)


class _Port:
    """A UDP port of ours. What has come is taken before it closes: after a moment without a
    processor much of a call may wait here, and its end overtakes that by another port."""

    def __init__(self, take: Callable[[bytes], None], port: int = 0) -> None:
        self._take = take
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind((HOST, port))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._read)
        self._is_closed = False

    @property
    def number(self) -> int:
        return int(self._socket.getsockname()[1])

    def send(self, data: bytes, port: int) -> None:
        # A packet may get lost on any way.
        with contextlib.suppress(OSError):
            self._socket.sendto(data, (HOST, port))

    def close(self) -> None:
        if not self._is_closed:
            self._read()
            self._is_closed = True
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _read(self) -> None:
        while not self._is_closed:
            try:
                data = self._socket.recv(65_536)
            except BlockingIOError:
                return
            except OSError:  # nobody is there where the last packet went
                continue
            self._take(data)


class Line:
    """Whoever calls the exchange whose SIP port is `sip`: the phone `user`, or with no password a
    line to the world at `port`. hums: its calls send a tone all the while, as a microphone does;
    else nothing but keys."""

    def __init__(
        self, sip: int, user: str, password: str = "", *, port: int = 0, hums: bool = True
    ) -> None:
        self.sip = sip
        self.user = user
        self.hums = hums
        self._password = password
        self._wanted_port = port
        self._port: _Port | None = None
        self._calls: dict[str, Call] = {}
        self._ports: list[_Port] = []

    async def __aenter__(self) -> Self:
        self._port = self.open_port(self._take, self._wanted_port)
        return self

    async def __aexit__(self, *_: object) -> None:
        for call in list(self._calls.values()):
            await call.hang_up()
        for port in self._ports:
            port.close()

    def open_port(self, take: Callable[[bytes], None], port: int = 0) -> _Port:
        opened = _Port(take, port)
        self._ports.append(opened)
        return opened

    async def dial(self, number: str) -> "Call":
        """The call, once it is answered. Raises CallRefusedError."""
        call = Call(self, number)
        self._calls[call.id] = call
        try:
            await call.begin()
        except BaseException:
            call.close()
            raise
        return call

    @property
    def port(self) -> int:
        assert self._port is not None
        return self._port.number

    def send(self, text: str) -> None:
        assert self._port is not None
        self._port.send(text.encode(), self.sip)

    def forget(self, call: "Call") -> None:
        self._calls.pop(call.id, None)

    def proof(self, challenge: str, method: str, uri: str) -> str:
        """The header that answers a challenge."""
        said = dict(re.findall(r'(\w+)="([^"]*)"', challenge))
        once, count = os.urandom(4).hex(), "00000001"
        who = _md5(f"{self.user}:{said['realm']}:{self._password}")
        middle = f"{said['nonce']}:{count}:{once}:auth:" if "qop" in said else f"{said['nonce']}:"
        response = _md5(f"{who}:{middle}{_md5(f'{method}:{uri}')}")
        more = f', qop=auth, nc={count}, cnonce="{once}"' if "qop" in said else ""
        return (
            f'Authorization: Digest username="{self.user}", realm="{said["realm"]}",'
            f' nonce="{said["nonce"]}", uri="{uri}", response="{response}", algorithm=MD5'
            f'{more}, opaque="{said.get("opaque", "")}"\r\n'
        )

    def _take(self, datagram: bytes) -> None:
        text = datagram.decode(errors="replace")
        id = _header(text, "Call-ID")
        if id in self._calls:
            self._calls[id].take(text)
        elif not text.startswith(("SIP/2.0", "ACK")):
            self.send(_answer(text))  # of a call that is over here


class Call:
    """One call: what was heard in it, packet by packet."""

    def __init__(self, line: Line, number: str) -> None:
        self.id = os.urandom(8).hex()
        self.heard: list[Heard] = []
        self.pressed: list[Pressed] = []
        self.over = asyncio.Event()
        self._line = line
        self._tag = os.urandom(4).hex()
        self._uri = f"sip:{number}@{HOST}:{line.sip}"
        self._there = self._uri
        self._to = f"<sip:{number}@{HOST}>"
        self._turn = 0
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._ack = ""
        self._is_taken = False
        self._voice = _Voice(self, line)

    # --- what tests do ---

    async def press(self, keys: str) -> None:
        """One after the other; returns when the last has been let go of. Raises CallOverError."""
        for key in keys:
            if self.over.is_set():
                raise CallOverError(f"nobody hears {key}: the exchange has hung up")
            await self._voice.press(key)

    async def hears(self, ms: int, since: int = 0) -> None:
        """Returns once it has been spoken to for so long, after the first `since` packets."""
        try:
            async with asyncio.timeout(WAIT_S + ms / 1000):
                while self.heard_ms(since) < ms:
                    self._voice.came.clear()
                    await self._voice.came.wait()
        except TimeoutError:
            over = ", and it is over" if self.over.is_set() else ""
            told = f"{self._uri}: heard {self.heard_ms(since)} of {ms} ms{over}"
            raise TimeoutError(told) from None

    def heard_ms(self, since: int = 0) -> int:
        return sum(each.ms for each in self.heard[since:])

    def loudness(self, since: int = 0) -> float:
        """Root mean square of what was heard."""
        squares = [each.loudness**2 for each in self.heard[since:]]
        return math.sqrt(sum(squares) / max(1, len(squares)))

    async def hung_up(self) -> None:
        """Returns once the exchange has ended it."""
        async with asyncio.timeout(WAIT_S):
            await self.over.wait()

    async def hang_up(self) -> None:
        if not self.over.is_set():
            self.over.set()
            await self._ask("BYE")
        self.close()

    def close(self) -> None:
        self.over.set()
        self._voice.close()
        self._line.forget(self)

    # --- SIP ---

    async def is_followed(self) -> None:
        """Returns once the exchange, which may have been without a processor for a moment, has
        followed so far: keys that it finds all at once have no pause between them. A question that
        changes nothing is answered by then, or the call is over."""
        asked = asyncio.create_task(self._ask("UPDATE"))
        over = asyncio.create_task(self.over.wait())
        try:
            await asyncio.wait({asked, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in (asked, over):
                each.cancel()
            await asyncio.gather(asked, over, return_exceptions=True)

    async def begin(self) -> None:
        self._voice.open()
        answer = await self._ask("INVITE")
        if _status(answer) == 401:
            self._send_ack(answer)
            proof = self._line.proof(_header(answer, "WWW-Authenticate"), "INVITE", self._uri)
            answer = await self._ask("INVITE", proof)
        status = _status(answer)
        self._to = _header(answer, "To")
        if status >= 300:
            self._send_ack(answer)
            raise CallRefusedError(status)
        self._there = re.findall(r"<(.*?)>", _header(answer, "Contact"))[0]
        found = re.findall(r"^m=audio (\d+)", answer, re.MULTILINE)
        self._is_taken = True
        self._send_ack(answer)
        self._voice.begin(int(found[0]))

    def take(self, text: str) -> None:
        if text.startswith("SIP/2.0"):
            if _status(text) == 200 and self._ack and "INVITE" in _header(text, "CSeq"):
                self._line.send(self._ack)  # it did not come the first time
            else:
                self._answers.put_nowait(text)
        elif text.startswith("BYE"):
            self._line.send(_answer(text))
            self.close()
        elif text.startswith("INVITE"):
            self._line.send(_answer(text, self._contact(), self._voice.sdp()))
        elif not text.startswith("ACK"):
            self._line.send(_answer(text))

    async def _ask(self, method: str, more: str = "") -> str:
        """The last answer to a request of ours, which is sent again until there is one."""
        self._turn += 1
        body = self._voice.sdp() if method == "INVITE" else ""
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = (
            self._head(method, self._turn) + more + self._contact() + kind
            + f"Content-Length: {len(body)}\r\n\r\n{body}"
        )  # fmt: skip
        heard_of = False
        async with asyncio.timeout(WAIT_S):
            while True:
                if not heard_of:
                    self._line.send(text)
                try:
                    async with asyncio.timeout(None if heard_of else ASK_AGAIN_S):
                        answer = await self._answers.get()
                except TimeoutError:
                    continue
                if _header(answer, "CSeq") == f"{self._turn} {method}":
                    heard_of = True
                    if _status(answer) >= 200:
                        return answer

    def _send_ack(self, answer: str) -> None:
        to = _header(answer, "To")
        text = self._head("ACK", self._turn, to) + "Content-Length: 0\r\n\r\n"
        if _status(answer) == 200:
            self._ack = text
        self._line.send(text)

    def _head(self, method: str, turn: int, to: str = "") -> str:
        # The answer that refuses is acknowledged within the same transaction.
        same = method == "INVITE" or (method == "ACK" and not self._is_taken)
        branch = f"z9hG4bK{self.id}{turn}" + ("" if same else method)
        return (
            f"{method} {self._there} SIP/2.0\r\nVia: SIP/2.0/UDP {HOST}:{self._line.port}"
            f";branch={branch};rport\r\nFrom: <sip:{self._line.user}@{HOST}>;tag={self._tag}\r\n"
            f"To: {to or self._to}\r\nCall-ID: {self.id}\r\nCSeq: {turn} {method}\r\n"
            "Max-Forwards: 70\r\n"
        )

    def _contact(self) -> str:
        return f"Contact: <sip:{self._line.user}@{HOST}:{self._line.port}>\r\n"


@dataclass
class _Voice:
    """The packets of one call, both ways. Ours leave 20 ms apart or later, never in bursts."""

    call: Call
    line: Line
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _port: _Port | None = None
    _there: int = 0
    _sending: "asyncio.Task[None] | None" = None
    _keys: "deque[tuple[str, asyncio.Event]]" = field(default_factory=deque)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _sequence: int = 1
    _timestamp: int = 0
    _source: int = field(default_factory=lambda: int.from_bytes(os.urandom(4)))

    def open(self) -> None:
        self._port = self.line.open_port(self._take)

    def sdp(self) -> str:
        assert self._port is not None
        return SDP.format(host=HOST, port=self._port.number)

    def begin(self, there: int) -> None:
        self._there = there
        self._sending = asyncio.create_task(self._send())

    async def press(self, key: str) -> None:
        done = asyncio.Event()
        self._keys.append((key, done))
        self._wake.set()
        await done.wait()

    def close(self) -> None:
        if self._sending is not None:
            self._sending.cancel()
        for _, done in self._keys:
            done.set()
        if self._port is not None:
            self._port.close()

    def _take(self, datagram: bytes) -> None:
        try:
            packet = parse(datagram)
        except NotRtpError:
            return
        if packet.payload_type == ALAW:
            now_s = asyncio.get_running_loop().time()
            self.call.heard.append(Heard(now_s, packet.timestamp, packet.payload))
            self.came.set()

    async def _send(self) -> None:
        while True:
            if self._keys:
                key, done = self._keys[0]
                await self._key(key)
                self._keys.popleft()
                done.set()
            elif self.line.hums:
                await self._frame(ALAW, _HUM)
            else:
                self._wake.clear()
                await self._wake.wait()

    async def _key(self, key: str) -> None:
        loop, start = asyncio.get_running_loop(), self._timestamp
        began_s = loop.time()
        for number in range(1, KEY_FRAMES + END_PACKETS):
            length = min(number, KEY_FRAMES) * FRAME_SAMPLES
            ends = number >= KEY_FRAMES
            if number == KEY_FRAMES:
                heard = len(self.call.heard)
                self.call.pressed.append(Pressed(key, began_s, loop.time(), heard))
            what = struct.pack(">BBH", EVENTS[key], VOLUME | (END_BIT if ends else 0), length)
            await self._frame(KEYS_PAYLOAD, what, start, marked=number == 1)
        await self.call.is_followed()
        for _ in range(PAUSE_FRAMES):
            await self._frame(ALAW, _HUM if self.line.hums else _SILENCE)

    async def _frame(
        self, kind: int, payload: bytes, timestamp: int | None = None, *, marked: bool = False
    ) -> None:
        assert self._port is not None
        stamp = self._timestamp if timestamp is None else timestamp
        head = struct.pack(
            ">BBHII", 0x80, kind | (0x80 if marked else 0), self._sequence & 0xFFFF,
            stamp & 0xFFFFFFFF, self._source,
        )  # fmt: skip
        self._port.send(head + payload, self._there)
        self._sequence += 1
        self._timestamp += FRAME_SAMPLES
        await asyncio.sleep(FRAME_MS / 1000)


_HUM = _hum()
_SILENCE = bytes([_NEAREST[min(_NEAREST, key=abs)]]) * FRAME_SAMPLES


def _header(text: str, name: str) -> str:
    found = re.search(rf"^{name}: *(.*?)\r?$", text, re.MULTILINE | re.IGNORECASE)
    return found[1] if found else ""


def _status(answer: str) -> int:
    return int(answer.split(" ", 2)[1])


def _answer(request: str, more: str = "", body: str = "") -> str:
    """That all is well."""
    kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq): .*?$", request.replace("\r", ""), re.M)
    kind = "Content-Type: application/sdp\r\n" if body else ""
    lines = "".join(f"{each}\r\n" for each in ("SIP/2.0 200 OK", *kept))
    return f"{lines}{more}{kind}Content-Length: {len(body)}\r\n\r\n{body}"


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
