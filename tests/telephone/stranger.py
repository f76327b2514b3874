"""Somebody who speaks SIP by hand, from an address of his choice, and does not behave."""

import hashlib
import os
import re
import socket
from types import TracebackType

ANSWER_TIMEOUT_S = 5.0
MOST_BYTES = 65_536


class Stranger:
    """At `address` of loopback, asking the exchange whose SIP port is `sip`, over UDP or TCP."""

    def __init__(self, sip: int, address: str = "127.0.0.2", *, tcp: bool = False) -> None:
        self._sip = sip
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        self._transport = "TCP" if tcp else "UDP"
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind((address, 0))
        self._socket.connect(("127.0.0.1", sip))
        self._socket.settimeout(ANSWER_TIMEOUT_S)
        self._at = f"{address}:{self._socket.getsockname()[1]}"
        self._buffer = b""

    def __enter__(self) -> "Stranger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(self, method: str, user: str, more: str = "", *, dialled: str = "") -> str:
        """Send one request, and read what is answered to it; "" when nothing is."""
        id = os.urandom(6).hex()
        to = f"sip:{dialled}@127.0.0.1:{self._sip}" if dialled else f"sip:127.0.0.1:{self._sip}"
        text = (
            f"{method} {to} SIP/2.0\r\n"
            f"Via: SIP/2.0/{self._transport} {self._at};branch=z9hG4bK{id};rport\r\n"
            f"From: <sip:{user}@127.0.0.1>;tag={id}\r\n"
            f"To: <sip:{dialled or user}@127.0.0.1>\r\nCall-ID: {id}\r\n"
            f"CSeq: 1 {method}\r\nContact: <sip:{id}@{self._at}>\r\nMax-Forwards: 70\r\n"
            f"{more}"
        )
        if "Content-Length" not in more:
            text += "Content-Length: 0\r\n\r\n"
        self._socket.send(text.encode())
        while True:
            try:
                answer = self._message()
            except TimeoutError:
                return ""
            if (
                f"Call-ID: {id}" in answer
                and answer.startswith("SIP/2.0 ")
                and (not answer.startswith("SIP/2.0 1"))
            ):
                return answer

    def _message(self) -> str:
        """The next one. Over TCP one after the other is cut off by its length."""
        while True:
            head, gap, rest = self._buffer.partition(b"\r\n\r\n")
            length = re.search(rb"Content-Length: *(\d+)", head)
            if gap and length and len(rest) >= int(length[1]):
                body, self._buffer = rest[: int(length[1])], rest[int(length[1]) :]
                return (head + gap + body).decode()
            came = self._socket.recv(MOST_BYTES)
            if not came:
                raise TimeoutError
            self._buffer = came if self._transport == "UDP" else self._buffer + came

    def log_in(self, user: str, password: str, method: str = "REGISTER") -> int:
        """Register as `user`; the status it ends with, 0 when nobody answers."""
        asked = self.ask(method, user)
        nonce = re.search('nonce="([^"]+)"', asked)
        if nonce is None:
            return status(asked)
        return status(self.ask(method, user, self.authorization(user, password, nonce[1], method)))

    def authorization(self, user: str, password: str, nonce: str, method: str = "REGISTER") -> str:
        """The header that answers a challenge."""
        uri = f"sip:127.0.0.1:{self._sip}"
        first, second = _md5(f"{user}:wardline:{password}"), _md5(f"{method}:{uri}")
        return (
            f'Authorization: Digest username="{user}", realm="wardline", nonce="{nonce}",'
            f' uri="{uri}", response="{_md5(f"{first}:{nonce}:{second}")}", algorithm=MD5\r\n'
        )


def status(answer: str) -> int:
    return int(answer.split(" ", 2)[1]) if answer else 0


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
