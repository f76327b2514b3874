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

    def __init__(
        self, sip: int, address: str = "127.0.0.2", *, tcp: bool = False,
        answer_s: float = ANSWER_TIMEOUT_S,
    ) -> None:  # fmt: skip
        self._sip = sip
        kind = socket.SOCK_STREAM if tcp else socket.SOCK_DGRAM
        self._transport = "TCP" if tcp else "UDP"
        self._socket = socket.socket(socket.AF_INET, kind)
        self._socket.bind((address, 0))
        self._socket.connect(("127.0.0.1", sip))
        self._socket.settimeout(answer_s)
        self._at = f"{address}:{self._socket.getsockname()[1]}"
        self._buffer = b""
        self._last = self._to = ""

    def __enter__(self) -> "Stranger":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def send(
        self, method: str, user: str, more: str = "", *, dialled: str = "", display: str = "",
    ) -> str:  # fmt: skip
        """Send one request; its Call-ID. more: further headers, or those of a body and the body."""
        id = os.urandom(6).hex()
        to = f"sip:{dialled}@127.0.0.1:{self._sip}" if dialled else f"sip:127.0.0.1:{self._sip}"
        name = f'"{display}" ' if display else ""
        self._last = (
            f"Via: SIP/2.0/{self._transport} {self._at};branch=z9hG4bK{id};rport\r\n"
            f"From: {name}<sip:{user}@127.0.0.1>;tag={id}\r\n"
            f"To: <sip:{dialled or user}@127.0.0.1>\r\nCall-ID: {id}\r\n"
        )
        self._to = to
        text = (
            f"{method} {to} SIP/2.0\r\n{self._last}CSeq: 1 {method}\r\n"
            f"Contact: <sip:{id}@{self._at}>\r\nMax-Forwards: 70\r\n{more}"
        )
        if "Content-Length" not in more:
            text += "Content-Length: 0\r\n\r\n"
        self._socket.send(text.encode())
        return id

    def cancel(self) -> None:
        """Give up the last call that was sent."""
        text = f"CANCEL {self._to} SIP/2.0\r\n{self._last}CSeq: 1 CANCEL\r\nMax-Forwards: 70\r\n"
        self._socket.send(f"{text}Content-Length: 0\r\n\r\n".encode())

    def ask(self, method: str, user: str, more: str = "", *, dialled: str = "") -> str:
        """Send one request, and read what is answered to it; "" when nothing is."""
        return self.answer(self.send(method, user, more, dialled=dialled))

    def answer(self, id: str) -> str:
        """The last answer to a request; "" when there is none."""
        while True:
            try:
                answer = self.message()
            except TimeoutError:
                return ""
            if (
                f"Call-ID: {id}" in answer
                and answer.startswith("SIP/2.0 ")
                and (not answer.startswith("SIP/2.0 1"))
            ):
                return answer

    def called(self) -> str:
        """The next call that comes here. Raises TimeoutError."""
        while not (came := self.message()).startswith("INVITE"):
            pass
        return came

    def refuse(self, invite: str, said: str = "486 Busy Here", more: str = "") -> None:
        """Say that it is busy here, or something else, with further headers."""
        lines = [f"SIP/2.0 {said}", *_kept(invite), f"{more}Content-Length: 0", "", ""]
        self._socket.send("\r\n".join(lines).encode())

    def ring(self, invite: str) -> None:
        """Say that it rings here."""
        self.refuse(invite, "180 Ringing")

    def accept(self, invite: str, payload: int) -> None:
        """Answer it, with the voice coding `payload` (8 is alaw, 18 is G.729)."""
        sdp = (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
            f"m=audio 20000 RTP/AVP {payload}\r\n"
        )
        lines = ["SIP/2.0 200 OK", *_kept(invite), f"Contact: <sip:here@{self._at}>",
                 "Content-Type: application/sdp", f"Content-Length: {len(sdp)}", ""]  # fmt: skip
        self._socket.send("\r\n".join([*lines, sdp]).encode())

    def within(self, accepted: str, method: str, number: int, more: str = "") -> None:
        """Send one more request in the call that `accepted` has answered."""
        text = accepted.replace("\r", "")
        kept = re.findall(r"^(?:From|To|Call-ID): .*$", text, re.MULTILINE)
        (there,) = re.findall(r"^Contact: <(.*?)>", text, re.MULTILINE)
        lines = [
            f"{method} {there} SIP/2.0",
            f"Via: SIP/2.0/{self._transport} {self._at};branch=z9hG4bK{os.urandom(6).hex()};rport",
            *kept, f"CSeq: {number} {method}", f"Contact: <sip:here@{self._at}>",
            "Max-Forwards: 70", f"{more}Content-Length: 0", "", "",
        ]  # fmt: skip
        self._socket.send("\r\n".join(lines).encode())

    def answered_within(self, number: int, method: str) -> int:
        """The last status of such a request."""
        while True:
            came = self.message()
            if f"CSeq: {number} {method}" in came and not came.startswith("SIP/2.0 1"):
                return status(came)

    def message(self) -> str:
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

    def log_in(
        self, user: str, password: str, method: str = "REGISTER", *, dialled: str = "",
        more: str = "", body: str = "",
    ) -> int:  # fmt: skip
        """Register as `user`, or ask for something else; the status it ends with, 0 when nobody
        answers."""
        asked = self.answer(self.send(method, user, more + body, dialled=dialled))
        nonce = re.search('nonce="([^"]+)"', asked)
        if nonce is None:
            return status(asked)
        proof = self.authorization(user, password, nonce[1], method, dialled)
        id = self.send(method, user, proof + more + body, dialled=dialled)
        return status(self.answer(id))

    def log_in_and_ring(self, user: str, password: str, dialled: str, body: str) -> None:
        """Begin a call that is not waited for."""
        nonce = re.search('nonce="([^"]+)"', self.ask("INVITE", user, body, dialled=dialled))
        assert nonce is not None
        proof = self.authorization(user, password, nonce[1], "INVITE", dialled)
        self.send("INVITE", user, proof + body, dialled=dialled)

    def authorization(
        self, user: str, password: str, nonce: str, method: str = "REGISTER", dialled: str = ""
    ) -> str:
        """The header that answers a challenge."""
        uri = f"sip:{dialled}@127.0.0.1:{self._sip}" if dialled else f"sip:127.0.0.1:{self._sip}"
        first, second = _md5(f"{user}:wardline:{password}"), _md5(f"{method}:{uri}")
        return (
            f'Authorization: Digest username="{user}", realm="wardline", nonce="{nonce}",'
            f' uri="{uri}", response="{_md5(f"{first}:{nonce}:{second}")}", algorithm=MD5\r\n'
        )


def _kept(invite: str) -> list[str]:
    """What an answer repeats of a request."""
    text = invite.replace("\r", "")
    kept = re.findall(r"^(?:Via|From|To|Call-ID|CSeq): .*$", text, re.MULTILINE)
    return [f"{each};tag=here" if each.startswith("To:") else each for each in kept]


def status(answer: str) -> int:
    return int(answer.split(" ", 2)[1]) if answer else 0


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()
