"""The requests of ARI that we make, by name. Every one raises ExchangeError's kinds."""

import asyncio
import contextlib
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from gateway.telephone.ari import events
from gateway.telephone.ari.client import Ari, new_id
from gateway.telephone.ari.errors import ExchangeError, RefusedError, UnreachableError
from gateway.telephone.ari.reading import Lane
from gateway.telephone.exchange import HANDS_FREE_HEADERS, TAKE_BACK, TAKE_BACK_S
from gateway.telephone.media import lasts_s

RING_S = 60
# Nothing that is played is longer.
MOST_PROMPT_S = 120.0
# How often a call that is ours is said to be so, within the time that the exchange waits: one may
# come late.
SAID_WITHIN = 4
# Of that time, what may be left at the end of what is played.
MOST_LEFT = 2
# What Asterisk answers when it finds no way to the one to be rung.
NO_SUCH_PHONE = 500
# Of what begins in this very moment Asterisk tells before anything can be done with it: a sound
# (`playback_stop` in its res_stasis_playback.c) and a channel that comes to us (Stasis is its
# application in the dialplan before `stasis_app_exec` has it; a snapshot may show that).
SOUND_BEGINS = (500,)
CHANNEL_COMES = (409, 422)
# How often it is asked again, and after how long.
AGAIN, AGAIN_S = 25, 0.02
_ANSWER_BY_ITSELF = {
    f"PJSIP_HEADER(add,{name})": value for name, value in HANDS_FREE_HEADERS.items()
}


@dataclass
class Hold:
    """A call that the exchange leaves to us for `seconds` each time we say so. Who has the turn
    says what belongs together. until_s: (steady) as long as it was last said; due: it is to be said
    again at once; changed: one of the two has."""

    seconds: float
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    until_s: float = 0.0
    due: bool = False

    def said(self, seconds: float) -> None:
        """It is ours for so long."""
        self.until_s, self.due = time.monotonic() + seconds, False
        self.changed.set()

    def is_due(self) -> None:
        self.due = True
        self.changed.set()

    def suffices(self, seconds: float) -> bool:
        """Whether what was said last does for something that takes so long, and should we die
        over that, not for too long: what is played is often broken off."""
        left_s = self.until_s - time.monotonic() - seconds
        return self.seconds / SAID_WITHIN <= left_s <= MOST_LEFT * self.seconds


class Actions:
    """What our application does on an exchange. media: "sound:/path/without/suffix" or
    "sound:http://...", "tone:ring", "digits:12"."""

    def __init__(self, ari: Ari, app: str = "wardline") -> None:
        self._ari = ari
        self._app = app
        # By channel; see holding.py.
        self.holds: dict[str, Hold] = {}

    @property
    def host(self) -> str:
        """Where the exchange is."""
        return self._ari.host

    # --- channels ---

    async def ring(
        self,
        endpoint: str,
        *,
        args: Sequence[str] = (),
        caller: str = "",
        ring_s: int = RING_S,
        hands_free: bool = False,
    ) -> Lane:
        """Ring `endpoint` ("PJSIP/0015650a1b2c"); its lane. hands_free: the phone shall answer by
        itself. Once it is answered it arrives with StasisStart; if it is not, ChannelDestroyed says
        why by its cause. Should it ring although this raised, for the line was cut, it arrives as
        a channel that nobody asked for. Raises UnreachableError, too."""
        subject = events.channel(new_id("ring"))
        lane = self._ari.open(subject)
        try:
            await self._ari.request(
                "POST",
                "channels",
                query={
                    "endpoint": endpoint,
                    "app": self._app,
                    "appArgs": ",".join(args) or None,
                    "channelId": subject.id,
                    # A local channel has two ends, and each needs its name.
                    "otherChannelId": f"{subject.id}-2" if endpoint.startswith("Local/") else None,
                    "callerId": caller or None,
                    "timeout": ring_s,
                },
                body={"variables": _ANSWER_BY_ITSELF if hands_free else {}},
            )
        except RefusedError as error:
            self._ari.close(subject)
            if error.status != NO_SUCH_PHONE:
                raise
            raise UnreachableError(f"{endpoint} cannot be rung: it is not there", 500) from error
        except BaseException:
            # Nobody waits for it any more, but the question may be on its way: it shall not ring.
            self._ari.close(subject)
            with contextlib.suppress(ExchangeError):
                await self.hang_up(subject.id)
            raise
        return lane

    async def send_voice(self, host: str, port: int) -> tuple[Lane, int]:
        """A channel that sends what it hears to a UDP port of ours, as RTP with mu-law; its lane,
        and the port of the exchange that it comes from. It arrives with StasisStart."""
        subject = events.channel(new_id("send"))
        lane = self._ari.open(subject)
        try:
            made = await self._ari.request(
                "POST",
                "channels",
                "externalMedia",
                query={
                    "app": self._app,
                    "channelId": subject.id,
                    "external_host": f"{host}:{port}",
                    "format": "ulaw",
                },
            )
        except BaseException:
            self._ari.close(subject)
            with contextlib.suppress(ExchangeError):
                await self.hang_up(subject.id)
            raise
        return lane, int(made["channelvars"]["UNICASTRTP_LOCAL_PORT"])

    async def whisper(self, channel: str) -> Lane:
        """A channel whose voice is heard at the telephone of `channel`, into whatever it hears. It
        arrives with StasisStart. Raises GoneError, when that call is over."""
        subject = events.channel(new_id("whisper"))
        lane = self._ari.open(subject)
        try:
            await self._ari.request(
                "POST",
                "channels",
                channel,
                "snoop",
                subject.id,
                query={"app": self._app, "spy": "none", "whisper": "out"},
            )
        except BaseException:
            self._ari.close(subject)
            with contextlib.suppress(ExchangeError):
                await self.hang_up(subject.id)
            raise
        return lane

    async def answer(self, channel: str) -> None:
        """Before anything is played: afterwards, see `join`."""
        await self._ari.request("POST", "channels", channel, "answer")

    async def hang_up(self, channel: str, reason: str = "normal") -> None:
        await self._ari.request("DELETE", "channels", channel, query={"reason": reason})

    async def keep(self, channel: str, seconds: float = TAKE_BACK_S) -> None:
        """We still have this call: the exchange may take it back after `seconds`, 0 is never."""
        # While the channel is played to, this waits for the end, and holds up nobody else.
        query = {"variable": TAKE_BACK, "value": seconds}
        await self._ari.request_aside(
            "POST", "channels", channel, "variable", query=query, timeout_s=MOST_PROMPT_S
        )

    async def give_back(self, channel: str) -> None:
        """The exchange goes on with it as if we were away."""
        await self._ari.request("POST", "channels", channel, "continue")

    async def go_on(
        self, channel: str, context: str, number: str, variables: Mapping[str, str] | None = None
    ) -> None:
        """The exchange goes on with it at `number` of its dial plan; it is no more ours."""
        hold = self.holds.get(channel)
        if hold is not None:
            async with hold.turn:
                await self.keep(channel, 0)
                hold.said(math.inf)
        for name, value in (variables or {}).items():
            told = {"variable": name, "value": value}
            await self._ari.request("POST", "channels", channel, "variable", query=told)
        query = {"context": context, "extension": number, "priority": 1}
        await self._ari.request("POST", "channels", channel, "continue", query=query)

    async def press(self, channel: str, digits: str) -> None:
        """Let the other end hear keys."""
        await self._ari.request("POST", "channels", channel, "dtmf", query={"dtmf": digits})

    async def play(self, channel: str, *media: str, lang: str | None = None) -> str:
        """Play one after the other; the id of the playback, which PlaybackFinished names."""
        hold = self.holds.get(channel)
        if hold is None:
            return await self._play(channel, media, lang)
        known_s = lasts_s(media)
        async with hold.turn:
            if known_s is not None:
                if hold.suffices(known_s):
                    hold.due = False
                else:
                    # To the end of it and as long as ever: nothing need be said meanwhile.
                    await self.keep(channel, known_s + hold.seconds)
                    hold.said(known_s + hold.seconds)
                return await self._play(channel, media, lang)
            await self.keep(channel, MOST_PROMPT_S)
            hold.said(MOST_PROMPT_S)
            playback = await self._play(channel, media, lang)
            hold.is_due()
        return playback

    def is_silent(self, channel: str) -> None:
        """What was being played was broken off, and nothing follows."""
        if channel in self.holds:
            self.holds[channel].is_due()

    async def _play(self, channel: str, media: Sequence[str], lang: str | None) -> str:
        playback = new_id("play")
        query = {"media": ",".join(media), "lang": lang}
        path = ("channels", channel, "play", playback)
        await self._insist(CHANNEL_COMES, "POST", *path, query=query)
        return playback

    async def stop_playing(self, playback: str) -> None:
        await self._insist(SOUND_BEGINS, "DELETE", "playbacks", playback)

    async def _insist(
        self, begins: Sequence[int], method: str, *path: str, query: Mapping[str, Any] | None = None
    ) -> None:
        """Ask, and again a few times while the answer is one of `begins`."""
        for left in reversed(range(AGAIN)):
            try:
                await self._ari.request(method, *path, query=query)
                return
            except RefusedError as error:
                if error.status not in begins or not left:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def hold_music(self, channel: str) -> None:
        """What is heard by who is kept waiting, until `end_hold_music`."""
        await self._ari.request("POST", "channels", channel, "moh")

    async def end_hold_music(self, channel: str) -> None:
        await self._ari.request("DELETE", "channels", channel, "moh")

    # --- bridges ---

    async def bridge(self, kind: str = "mixing,dtmf_events") -> Lane:
        """A new bridge; its lane."""
        subject = events.bridge(new_id("bridge"))
        lane = self._ari.open(subject)
        try:
            await self._ari.request("POST", "bridges", subject.id, query={"type": kind})
        except BaseException:
            self._ari.close(subject)
            raise
        return lane

    async def join(self, bridge: str, *channels: str, listening: bool = False) -> None:
        """listening: the others do not hear them. First stop what a channel is being played: the
        exchange would answer none of our requests before the end of it."""
        query = {"channel": ",".join(channels), "mute": listening}
        await self._insist(CHANNEL_COMES, "POST", "bridges", bridge, "addChannel", query=query)

    async def part(self, bridge: str, *channels: str) -> None:
        await self._ari.request(
            "POST", "bridges", bridge, "removeChannel", query={"channel": ",".join(channels)}
        )

    async def end_bridge(self, bridge: str) -> None:
        await self._ari.request("DELETE", "bridges", bridge)

    # --- recordings ---

    async def listen_in(self, channel: str) -> Lane:
        """A channel that hears both ends of `channel`; its lane. It arrives with StasisStart."""
        subject = events.channel(new_id("listen"))
        lane = self._ari.open(subject)
        try:
            await self._ari.request(
                "POST", "channels", channel, "snoop", subject.id,
                query={"spy": "both", "whisper": "none", "app": self._app},
            )  # fmt: skip
        except BaseException:
            self._ari.close(subject)
            raise
        return lane

    async def record(self, channel: str, name: str) -> None:
        """Write what comes from `channel` into "`name`.wav" until it is hung up."""
        query = {"name": name, "format": "wav"}
        await self._insist(CHANNEL_COMES, "POST", "channels", channel, "record", query=query)

    async def take(self, channel: str, name: str, *, most_s: float, silence_s: float) -> None:
        """Sound a tone on `channel` and write what is said there into "`name`.wav" until
        `stop_recording`, silence_s of silence, most_s, or it is hung up; then comes
        RecordingFinished."""
        query = {
            "name": name, "format": "wav", "beep": True, "maxDurationSeconds": round(most_s),
            "maxSilenceSeconds": round(silence_s),
        }  # fmt: skip
        hold = self.holds.get(channel)
        if hold is None:
            await self._ari.request("POST", "channels", channel, "record", query=query)
            return
        async with hold.turn:
            # As with what is played: nothing else is done with the channel until it is over.
            await self.keep(channel, most_s + MOST_PROMPT_S)
            hold.said(most_s + MOST_PROMPT_S)
            await self._ari.request("POST", "channels", channel, "record", query=query)
            hold.is_due()

    async def stop_recording(self, name: str) -> None:
        """It ends, and what was said stays."""
        await self._ari.request("POST", "recordings", "live", name, "stop")

    async def delete_recording(self, name: str) -> None:
        """One that is over."""
        await self._ari.request("DELETE", "recordings", "stored", name)

    async def mute_recording(self, name: str) -> None:
        await self._ari.request("POST", "recordings", "live", name, "mute")

    async def unmute_recording(self, name: str) -> None:
        await self._ari.request("DELETE", "recordings", "live", name, "mute")

    # --- the exchange ---

    async def channels(self) -> list[dict[str, Any]]:
        return await self._ari.request("GET", "channels")

    async def endpoints(self) -> list[dict[str, Any]]:
        """Every phone known, its "state" and the channels it has."""
        return await self._ari.request("GET", "endpoints", "PJSIP")

    async def started_ms(self) -> int:
        """When the exchange was started, in real ms."""
        told = await self._ari.request("GET", "asterisk", "info", query={"only": "status"})
        moment = datetime.strptime(told["status"]["startup_time"], "%Y-%m-%dT%H:%M:%S.%f%z")
        return int(moment.timestamp() * 1000)

    async def rotate_log(self, name: str) -> None:
        """Let Asterisk begin its log `name` ("security") anew; what was there gets the ending
        ".0"."""
        await self._ari.request("PUT", "asterisk", "logging", name, "rotate")

    async def reread(self, *modules: str) -> None:
        """Let Asterisk read the configuration of `modules` ("res_pjsip", "pbx_config") anew."""
        for each in modules:
            await self._ari.request("PUT", "asterisk", "modules", f"{each}.so")
