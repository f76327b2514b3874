"""The exchange as the bridge runs it: connected, told of the directory, ringing and answering."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

from central.bridge.together import together
from central.call_records import reading as call_records
from central.capabilities import Rules, modules
from central.directory import standing
from central.directory.checks import CHANGED as DIRECTORY_CHANGED
from central.directory.keeping import Keeper
from central.flows import apology
from central.prompts import collecting as prompts
from central.recordings import keeping as recordings
from central.store import Store
from central.telephone.desk import Desk, Reception, handlers
from central.telephone.lockouts import Unlocking
from central.telephone.ringing import NoRinger, Ringer, Saying
from central.telephone.service import RINGINGS_CHANGED
from central.telephone.settings import Settings
from central.telephone.watching import Speaking, Watching
from central.voicemail.collecting import Collector
from central.voicemail.mailing import Mail, Postman
from gateway.speech.library import SpeechLibrary
from gateway.telephone.ari.account import Account
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.client import Ari
from gateway.telephone.ari.reading import Lane
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import APP, Exchange
from gateway.telephone.files.recording import BY_APPLICATION
from gateway.telephone.guard import Guard, never
from gateway.telephone.guarding import Guarding
from gateway.telephone.live import Live
from gateway.telephone.messages import Spool
from gateway.telephone.prompts import Prompts, Served

log = logging.getLogger("wardline.telephone")

# After a mistake; it would be made again at once.
AGAIN_S = 5.0


class Telephone:
    """One exchange at work for one store."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        rules: Rules,
        speech: SpeechLibrary,
        mail: Mail | None = None,
    ) -> None:
        exchange, folder = settings.exchange, settings.folder
        self._store = store
        self.ari = Ari(Account(exchange.ari_url, APP, exchange.ari_password, APP), self._arrived)
        self._actions = Actions(self.ari)
        self._watching = Watching(store, self.ari, folder, timezone=exchange.timezone)
        self._keeper: Keeper | None = None
        self._works: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self._recordings = None if folder is None else folder / BY_APPLICATION
        self._prompts: Saying
        if folder is None:
            self._prompts = Speaking(Served(speech), self._watching)
        else:
            self._prompts = self._with_folder(folder, exchange, speech, mail)
        self._ringer = Ringer(store, rules.ringings, self._actions, self._prompts, self.ari.ready)
        self._reception: Reception | None = None

    def _with_folder(
        self, folder: Path, exchange: Exchange, speech: SpeechLibrary, mail: Mail | None
    ) -> Saying:
        """All that we do by the files of an exchange of our own; how it is given words."""
        store, sounds, spool = self._store, Prompts(speech, folder / "sounds"), Spool(folder)
        guard = Guard()

        def told(directory: Directory) -> None:
            guard.exempt = never(each.host for each in directory.trunks)

        self._keeper = Keeper(store, Live(folder, exchange, self._actions), self.ari, told)
        guarding = Guarding(folder, self._actions, guard, self._watching.guessing)
        self._works = [
            self._keeper.run,
            guarding.run,
            Unlocking(store, guarding).run,
            partial(call_records.run, store, folder, self.ari),
            partial(recordings.run, store, folder),
            partial(standing.speak, sounds),
            Collector(store, spool).run,
            partial(apology.prepare, sounds),
            partial(prompts.run, store, folder),
        ]
        if mail is not None:
            self._works.append(Postman(store, mail, spool).run)
        return Speaking(sounds, self._watching)

    async def run(self, publish: Callable[..., Awaitable[None]]) -> None:
        """Until cancelled; then nothing rings any more. publish: to the nodes."""
        desk = Desk(self._store, self._actions, self._prompts, publish, self._recordings)
        self._reception = Reception(desk, handlers(modules("phone")))
        # It ends last: until then telephones are still being hung up.
        connection = asyncio.create_task(self.ari.run())
        try:
            await together(
                self._ringer.run(),
                *(_kept_up(each) for each in (self._watching.run, *self._works)),
                _as_long_as(connection),
            )
        finally:
            await self._reception.close()
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)

    def look(self, changed: set[str]) -> None:
        """What stands in the database has changed, by the names of nudges."""
        if DIRECTORY_CHANGED in changed and self._keeper is not None:
            self._keeper.look()
        if RINGINGS_CHANGED in changed:
            self._ringer.look()

    def _arrived(self, lane: Lane) -> None:
        if self._reception is not None:
            self._reception.arrived(lane)


class NoTelephone:
    """Where no exchange is configured."""

    def __init__(self, store: Store, rules: Rules) -> None:
        self._ringer = NoRinger(store, rules.ringings)

    async def run(self, publish: Callable[..., Awaitable[None]]) -> None:
        """Until cancelled."""
        await self._ringer.run()

    def look(self, changed: set[str]) -> None:
        """What stands in the database has changed, by the names of nudges."""
        if RINGINGS_CHANGED in changed:
            self._ringer.look()


async def _kept_up(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """What goes wrong in a work beside the ringing ends none of the rest: it begins anew."""
    while True:
        try:
            await work()
            return
        except Exception:
            log.exception("a work beside the telephones failed; it begins anew")
        await asyncio.sleep(AGAIN_S)


async def _as_long_as(task: "asyncio.Task[None]") -> None:
    await asyncio.shield(task)
