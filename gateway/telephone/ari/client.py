"""The connection to the exchange: kept up for ever, one reader, nobody waited for."""

import asyncio
import contextlib
import itertools
import json
import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

import aiohttp

from gateway.telephone.ari import protocol
from gateway.telephone.ari.account import Account, ensure_suitable
from gateway.telephone.ari.errors import (
    ExchangeAwayError,
    ExchangeError,
    NoAnswerError,
    OutcomeUnknownError,
    ReplacedError,
    UnsuitableExchangeError,
    WrongPasswordError,
)
from gateway.telephone.ari.events import WANTED, Event, Subject
from gateway.telephone.ari.lanes import Handed, Lanes, Snapshot
from gateway.telephone.ari.reading import Lane

log = logging.getLogger("wardline.telephone")

CONNECT_TIMEOUT_S = 5.0
ANSWER_TIMEOUT_S = 5.0
# A connection that is dead without a word is known after one and a half of these.
HEARTBEAT_S = 10.0
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0, 5.0)
# Asterisk has 100 for everybody.
MOST_CONNECTIONS = 50
MOST_MESSAGE_BYTES = 16 * 1024 * 1024
_OURS = "wardline-"


class Ari:
    """Our application on one exchange.

    on_arrival: told of each channel that comes into the application without our having asked for
    it, with its lane; the first event says how it came. on_other: told of events that are about no
    channel or bridge. Neither may block.
    """

    def __init__(
        self,
        account: Account,
        on_arrival: Callable[[Lane], None],
        on_other: Callable[[Event], None] = lambda event: None,
    ) -> None:
        self._account = account
        self._on_arrival = on_arrival
        self._on_other = on_other
        self._session: aiohttp.ClientSession | None = None
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._waiting: dict[str, asyncio.Future[protocol.Answer]] = {}
        self._numbers = itertools.count(1)
        self._core = Lanes()
        self._lanes: dict[Subject, Lane] = {}
        self.ready = asyncio.Event()
        # Why there is no connection, until there is one.
        self.trouble: ExchangeError | None = None
        self._told = ""

    # --- what callers use ---

    @property
    def host(self) -> str:
        return urlsplit(self._account.url).hostname or ""

    def open(self, subject: Subject) -> Lane:
        """The lane of a channel or bridge that is about to be asked for under this id."""
        self._core.open(subject)
        return self._lanes.setdefault(subject, Lane(subject))

    def close(self, subject: Subject) -> None:
        """Nobody reads this lane any more."""
        self._core.close(subject)
        self._end(subject)

    async def request(
        self,
        method: str,
        *path: str,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """Ask for something and return its answer. path: its parts, such as "channels", id.
        Raises ExchangeError's kinds: away, refused, gone, no answer, outcome unknown."""
        uri = _uri(path)
        asked = f"{method} {uri}"
        if self._socket is None:
            raise self._away(asked)
        id = str(next(self._numbers))
        answered = self._waiting[id] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                await self._socket.send_str(protocol.request(id, method, uri, query, body))
                answer = await answered
        except TimeoutError:
            raise NoAnswerError(f"{asked}: no answer within {ANSWER_TIMEOUT_S} s") from None
        except ConnectionError as error:
            raise OutcomeUnknownError(f"{asked}: the connection broke") from error
        finally:
            self._waiting.pop(id, None)
        return answer.result(asked)

    async def request_aside(
        self, method: str, *path: str, query: Mapping[str, Any], timeout_s: float
    ) -> None:
        """As `request`, for what may take its time. Asterisk deals with the requests of a
        connection one after the other: one that waits in it, such as for the end of what a channel
        is being played, would hold up all others."""
        asked = f"{method} {_uri(path)}"
        if self._session is None:
            raise self._away(asked)
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(
                    method, f"{self._account.url}/{_uri(path)}", params=protocol.texts(query)
                ) as answer,
            ):
                await answer.read()
        except TimeoutError:
            raise NoAnswerError(f"{asked}: no answer within {timeout_s} s") from None
        except (OSError, aiohttp.ClientError) as error:
            raise OutcomeUnknownError(f"{asked}: the connection broke") from error
        protocol.Answer("", answer.status, answer.reason or "", None).result(asked)

    def _away(self, asked: str) -> ExchangeAwayError:
        return ExchangeAwayError(f"{asked}: no connection to {self._account.url}")

    async def run(self) -> None:
        """Stay connected until cancelled."""
        failures = 0
        while True:
            try:
                await self._connected()
            except ExchangeError as error:
                self.trouble = error
            failures = 0 if self.ready.is_set() else failures + 1
            if isinstance(self.trouble, ReplacedError):
                failures = len(BACK_OFF_S)  # two that throw each other off shall do so slowly
            self._lost()
            self._tell()
            await asyncio.sleep(BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)])

    def _tell(self) -> None:
        """Say once what is wrong, not at each attempt."""
        if str(self.trouble) != self._told:
            self._told = str(self.trouble)
            log.error("%s (%s); trying again", self.trouble, self._account.url)

    # --- the connection ---

    async def _connected(self) -> None:
        """Connect, and read until the connection ends. Raises ExchangeError's kinds."""
        timeout = aiohttp.ClientTimeout(total=None, connect=CONNECT_TIMEOUT_S)
        session = aiohttp.ClientSession(
            headers=self._account.headers,
            timeout=timeout,
            connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS),
        )
        try:
            async with session:
                async with asyncio.timeout(CONNECT_TIMEOUT_S):
                    await self._ensure_suitable(session)
                    socket = await session.ws_connect(
                        f"{self._account.url}/events",
                        params={"app": self._account.app, "subscribeAll": "false"},
                        heartbeat=HEARTBEAT_S,
                        max_msg_size=MOST_MESSAGE_BYTES,
                    )
                self._session = session
                try:
                    async with socket:
                        await self._converse(socket)
                finally:
                    self._session = None  # a closed one is no away that callers know
        except (OSError, aiohttp.ClientError, TimeoutError) as error:
            raise ExchangeAwayError(f"the exchange does not answer: {error!r}") from error

    async def _ensure_suitable(self, session: aiohttp.ClientSession) -> None:
        async with session.get(f"{self._account.url}/asterisk/info") as answer:
            if answer.status in (401, 403):
                raise WrongPasswordError(
                    f"the exchange refuses the account {self._account.user}: check its password"
                )
            try:
                version = str(json.loads(await answer.text())["system"]["version"])
            except (ValueError, KeyError, TypeError):
                raise UnsuitableExchangeError(
                    f"no Asterisk with ARI answers there (HTTP {answer.status})"
                ) from None
        ensure_suitable(version)

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._core.connected()
        settling = asyncio.create_task(self._settle(socket))
        try:
            async for message in socket:
                if message.type == aiohttp.WSMsgType.TEXT:
                    self._take(message.data)
        finally:
            self._socket = None  # whoever asks from now on is told that it is away
            settling.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await settling
        if self.trouble is None:
            self.trouble = ExchangeAwayError("the connection to the exchange broke")

    async def _settle(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """After connecting: choose the events, and bring every lane in line."""
        app = self._account.app
        self.trouble = None
        try:
            wanted = {"allowed": [{"type": each} for each in WANTED]}
            await self.request("PUT", "applications", app, "eventFilter", body=wanted)
            ours = (await self.request("GET", "applications", app))["channel_ids"]
            channels = await self.request("GET", "channels")
            bridges = await self.request("GET", "bridges")
            there = Snapshot(
                {each["id"]: each for each in channels},
                {each["id"]: each for each in bridges},
                ours,
            )
        except (ExchangeError, LookupError, TypeError) as error:
            if isinstance(error, ExchangeError):
                self.trouble = error
            else:
                self.trouble = UnsuitableExchangeError(f"no ARI as we know it: {error!r}")
            await socket.close()
            return
        self._hand(self._core.reconcile(there))
        log.info("connected to the exchange %s", self._account.url)
        self._told = ""
        self.ready.set()

    def _lost(self) -> None:
        self._session = self._socket = None
        self.ready.clear()
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(ConnectionResetError("the connection broke"))

    # --- what comes ---

    def _take(self, text: str) -> None:
        try:
            came = protocol.received(text)
        except protocol.NotUnderstoodError as error:
            log.error("a message of the exchange is passed over: %s", error)
            return
        if isinstance(came, protocol.Answer):
            answered = self._waiting.get(came.request)
            if answered is not None and not answered.done():
                answered.set_result(came)
        elif came.type == "ApplicationReplaced":
            raise ReplacedError(f"another program has connected as {self._account.app}")
        elif came.subjects:
            self._hand(self._core.take(came))
        else:
            self._on_other(came)

    def _hand(self, handed: Handed) -> None:
        for subject in handed.arrived:
            self._lanes[subject] = Lane(subject)
        for subject, event in handed.delivered:
            self._lanes[subject].put(event)
        for subject in handed.arrived:
            try:
                self._on_arrival(self._lanes[subject])
            except Exception:  # a mistake about one call shall not end the others
                log.exception("nobody takes %s", subject)
        for subject in handed.ended:
            self._end(subject)

    def _end(self, subject: Subject) -> None:
        lane = self._lanes.pop(subject, None)
        if lane is not None:
            lane.put(None)


def _uri(path: Sequence[str]) -> str:
    return "/".join(quote(part, safe=";:@") for part in path)


def new_id(what: str) -> str:
    """An id for a channel, bridge or playback that we are about to ask for."""
    return f"{_OURS}{what}-{uuid.uuid4().hex}"


def is_of_ours(id: str) -> bool:
    """Whether we, or an earlier run, asked for it: callers have ids of the exchange's own."""
    return id.startswith(_OURS)
