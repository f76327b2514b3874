"""The exchange as the bridge runs it: connected, told of the directory, ringing and answering."""

import asyncio
from collections.abc import Awaitable, Callable

from central.bridge.together import together
from central.call_records import reading as call_records
from central.capabilities import Rules, modules
from central.directory import model, standing
from central.directory.checks import CHANGED as DIRECTORY_CHANGED
from central.directory.keeping import Keeper
from central.recordings import keeping as recordings
from central.store import Store
from central.telephone.desk import Desk, Reception, handlers
from central.telephone.ringing import NoRinger, Ringer
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
from gateway.telephone.exchange import APP
from gateway.telephone.guard import Guard, never
from gateway.telephone.guarding import Guarding
from gateway.telephone.live import Live
from gateway.telephone.messages import Spool
from gateway.telephone.prompts import Prompts


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
        self._folder = folder
        self.ari = Ari(Account(exchange.ari_url, APP, exchange.ari_password, APP), self._arrived)
        self._actions = Actions(self.ari)
        self._watching = Watching(store, self.ari, folder, timezone=exchange.timezone)
        self._sounds = Prompts(speech, folder / "sounds")
        self._prompts = Speaking(self._sounds, self._watching)
        trunks = model.directory(store.read()).trunks
        self._guarding = Guarding(
            folder,
            self._actions,
            Guard(never(each.host for each in trunks)),
            self._watching.guessing,
        )
        self._keeper = Keeper(store, Live(folder, exchange, self._actions), self.ari)
        self._ringer = Ringer(store, rules.ringings, self._actions, self._prompts, self.ari.ready)
        spool = Spool(folder)
        self._collector = Collector(store, spool)
        self._postman = None if mail is None else Postman(store, mail, spool)
        self._reception: Reception | None = None

    async def run(self, publish: Callable[..., Awaitable[None]]) -> None:
        """Until cancelled; then nothing rings any more. publish: to the nodes."""
        desk = Desk(self._store, self._actions, self._prompts, publish)
        self._reception = Reception(desk, handlers(modules("phone")))
        # It ends last: until then telephones are still being hung up.
        connection = asyncio.create_task(self.ari.run())
        try:
            await together(
                self._ringer.run(),
                self._keeper.run(),
                self._guarding.run(),
                self._watching.run(),
                call_records.run(self._store, self._folder, self.ari),
                recordings.run(self._store, self._folder),
                standing.speak(self._sounds),
                self._collector.run(),
                *([] if self._postman is None else [self._postman.run()]),
                _as_long_as(connection),
            )
        finally:
            await self._reception.close()
            connection.cancel()
            await asyncio.gather(connection, return_exceptions=True)

    def look(self, changed: set[str]) -> None:
        """What stands in the database has changed, by the names of nudges."""
        if DIRECTORY_CHANGED in changed:
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


async def _as_long_as(task: "asyncio.Task[None]") -> None:
    await asyncio.shield(task)
