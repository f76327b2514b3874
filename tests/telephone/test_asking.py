"""One question to the exchange over plain HTTP: who only looks may only look."""

import socket
import threading
from collections.abc import Iterator

import pytest

from gateway.telephone.ari.account import Account
from gateway.telephone.ari.asking import ask
from gateway.telephone.ari.errors import (
    ExchangeAwayError,
    ExchangeError,
    NoAnswerError,
    RefusedError,
    UnsuitableExchangeError,
    WrongPasswordError,
)
from gateway.telephone.exchange import CONSOLE
from tests.conftest import free_port
from tests.telephone.conftest import STATION
from tests.telephone.running import ONLY_LOOKS, RunningExchange

WAIT_S = 10.0


def test_the_consoles_account_sees_and_does_nothing(exchange: RunningExchange) -> None:
    account = Account(exchange.settings.ari_url, CONSOLE, ONLY_LOOKS)
    assert ask(account, "channels", WAIT_S) == []
    assert STATION in {each["resource"] for each in ask(account, "endpoints", WAIT_S)}
    # As anything that would change the exchange: here a call.
    path = f"channels?endpoint=PJSIP/{STATION}&app=wardline"
    assert exchange.ari(path, "POST", ONLY_LOOKS, user=CONSOLE)[0] == 403
    with pytest.raises(WrongPasswordError):
        ask(Account(exchange.settings.ari_url, CONSOLE, "guessed"), "channels", WAIT_S)
    with pytest.raises(RefusedError):
        ask(account, "nothing-of-this-name", WAIT_S)


class Odd:
    """Something that answers a connection with `said`, or with silence."""

    def __init__(self, said: bytes | None) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}/ari"
        self._said = said
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._server.accept()
        self._open.append(connection)
        connection.recv(4096)
        if self._said is not None:
            connection.sendall(self._said)
            connection.close()

    def close(self) -> None:
        self._thread.join()
        for each in (*self._open, self._server):
            each.close()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: "


@pytest.fixture
def odd(request: pytest.FixtureRequest) -> Iterator[Odd]:
    made = Odd(request.param)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("odd", "kind"),
    [
        (None, NoAnswerError),
        (b"", ExchangeAwayError),
        (b"SIP/2.0 200 OK\r\n\r\n", ExchangeAwayError),
        (HEAD + b"5\r\n\r\n[{}", UnsuitableExchangeError),
        (HEAD + b"6\r\n\r\n<html>", UnsuitableExchangeError),
        (HEAD + b"2\r\n\r\n\xff\xfe", UnsuitableExchangeError),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", RefusedError),
    ],
    indirect=["odd"],
)
def test_what_is_no_exchange_is_told_apart(odd: Odd, kind: type[ExchangeError]) -> None:
    # However late something comes, only silence is no answer.
    timeout_s = 0.3 if kind is NoAnswerError else WAIT_S
    with pytest.raises(kind):
        ask(Account(odd.url, CONSOLE, "x"), "channels", timeout_s)


def test_where_nobody_listens_it_is_away() -> None:
    with pytest.raises(ExchangeAwayError):
        ask(Account(f"http://127.0.0.1:{free_port()}/ari", CONSOLE, "x"), "channels", WAIT_S)
