"""What is changed in the directory is in force on the running exchange, without a restart."""

import asyncio
import errno
from collections.abc import Iterator
from pathlib import Path

import pytest

from central.directory import facilities, model, service
from central.directory.keeping import Keeper
from central.store import Row, Store, Tx
from gateway.telephone.ari.errors import ExchangeAwayError
from gateway.telephone.live import Live
from tests.bench.proxy import Proxy
from tests.bench.waiting import until
from tests.telephone.hospital import at_work, opened
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import WAIT_S, World

pytestmark = pytest.mark.long


def build(tx: Tx) -> None:
    service.add_extension(tx, "8003", "Station")
    service.add_extension(tx, "8101", "Office")
    service.add_phone(tx, "001565000003", "8003")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with opened(tmp_path_factory.mktemp("store"), build) as store:
        yield store


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, store: Store
) -> Iterator[RunningExchange]:
    with at_work(tmp_path_factory.mktemp("exchange"), store) as running:
        yield running


class Hospital:
    """Its directory, its exchange, and the phones that are plugged in."""

    def __init__(self, folder: Path, store: Store, exchange: RunningExchange, world: World) -> None:
        self._folder = folder
        self._store = store
        self._sip = exchange.settings.ports.sip
        self.live = Live(exchange.folder, exchange.settings, world.actions)

    async def apply(self) -> tuple[str, ...]:
        return await self.live.apply(model.directory(self._store.read()))

    def plugged_in(self, row: Row) -> Baresip:
        folder = self._folder / row["device"]
        return Baresip(folder, row["device"], row["password"], self._sip)

    def station(self) -> Baresip:
        row = model.phone(self._store.read(), "001565000003")
        assert row is not None
        return self.plugged_in(row)


async def test_a_phone_is_added_in_the_middle_of_a_call_and_rings_and_is_removed(
    exchange: RunningExchange, store: Store, tmp_path: Path
) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        hospital = Hospital(tmp_path, store, exchange, world)
        async with hospital.station() as station:
            await station.registered()
            with store.transaction() as tx:
                office = service.add_phone(tx, "00-15-65-00-00-04", "8101")
            assert {"pjsip.conf", "extensions.conf"} <= set(await hospital.apply())
            assert await hospital.apply() == ()
            async with hospital.plugged_in(office) as fresh:
                await fresh.registered()
                await station.dial("8101")
                await fresh.event("CALL_INCOMING")
                await fresh.do("accept")
                await station.event("CALL_ESTABLISHED")
                with store.transaction() as tx:
                    third = service.add_phone(tx, "001565000005", "8101")
                assert await hospital.apply() == ("pjsip.conf", "extensions.conf")
                async with hospital.plugged_in(third) as other:
                    await other.registered()
                # The call has not noticed.
                await asyncio.gather(station.hears(300), fresh.hears(300))
                await station.do("hangup")
                await fresh.event("CALL_CLOSED")
            with store.transaction() as tx:
                service.remove_phone(tx, office["device"])
                service.remove_phone(tx, third["device"])
            await hospital.apply()
            async with Baresip(
                tmp_path / "again", office["device"], office["password"],
                exchange.settings.ports.sip,
            ) as removed:  # fmt: skip
                assert "401" in (await removed.event("REGISTER_FAIL"))["param"]
            await station.dial("8101")
            await station.event("CALL_CLOSED")


async def test_the_keeper_brings_each_change_and_what_was_changed_in_between(
    exchange: RunningExchange, store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    proxy = Proxy(exchange.settings.ports.ari)
    await proxy.start()
    async with World(f"http://127.0.0.1:{proxy.port}/ari") as world:
        await world.ready()
        hospital = Hospital(tmp_path, store, exchange, world)
        keeper = Keeper(store, hospital.live, world.ari)
        running = asyncio.create_task(keeper.run())
        try:
            with store.transaction() as tx:
                first = service.add_phone(tx, "001565000007", "8101")
            keeper.look()
            await known(exchange, first["device"])
            proxy.cut()
            await world.trouble(ExchangeAwayError)
            with store.transaction() as tx:
                second = service.add_phone(tx, "001565000008", "8101")
            keeper.look()
            proxy.mend()
            await known(exchange, second["device"])
            # A row that no rule would have let in: the last good directory stays in force.
            with store.transaction() as tx:
                tx.insert("extensions", number="81a1", label="Odd", ring_s=60)
                third = service.add_phone(tx, "001565000009", "8101")
            keeper.look()
            async with asyncio.timeout(WAIT_S):
                await until(lambda: "cannot be brought to the exchange" in caplog.text, 0.01)
            assert exchange.ari(f"endpoints/PJSIP/{second['device']}")[0] == 200
            with store.transaction() as tx:
                tx.execute("DELETE FROM extensions WHERE number = '81a1'")
            keeper.look()
            await known(exchange, third["device"])
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await proxy.close()


async def known(exchange: RunningExchange, device: str) -> None:
    """Returns once the exchange knows the phone."""
    async with asyncio.timeout(WAIT_S):
        while True:
            status, _ = await asyncio.to_thread(exchange.ari, f"endpoints/PJSIP/{device}")
            if status == 200:
                return
            await asyncio.sleep(0.05)


async def test_what_a_full_disk_has_held_up_is_told_once_there_is_room(
    exchange: RunningExchange, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    def full(folder: Path, texts: object) -> None:
        raise OSError(errno.ENOSPC, "no space left on device")

    monkeypatch.setattr("central.directory.keeping.RETRY_S", 0.01)
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        hospital = Hospital(tmp_path, store, exchange, world)
        running = asyncio.create_task(Keeper(store, hospital.live, world.ari).run())
        try:
            with monkeypatch.context() as patched:
                patched.setattr("gateway.telephone.live.put", full)
                with store.transaction() as tx:
                    row = service.add_phone(tx, "00156500000f", "8101")
                async with asyncio.timeout(WAIT_S):
                    await until(lambda: "no space left on device" in caplog.text, 0.01)
            await known(exchange, row["device"])
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)


async def test_what_was_changed_while_the_exchange_was_out_of_reach_is_told_later(
    exchange: RunningExchange, store: Store, tmp_path: Path
) -> None:
    away = World("http://127.0.0.1:9/ari")
    hospital = Hospital(tmp_path, store, exchange, away)
    with store.transaction() as tx:
        row = service.add_phone(tx, "001565000006", "8101")
    with pytest.raises(ExchangeAwayError):
        await hospital.apply()
    assert row["device"] in (exchange.folder / "etc" / "pjsip.conf").read_text()
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        hospital.live = Live(exchange.folder, exchange.settings, world.actions)
        assert "pjsip.conf" in await hospital.apply()
        async with hospital.plugged_in(row) as phone:
            await phone.registered()


async def parked(exchange: RunningExchange) -> None:
    """Returns once a call waits at a place."""
    async with asyncio.timeout(WAIT_S):
        while True:
            _, bridges = await asyncio.to_thread(exchange.ari, "bridges")
            if any(each["bridge_type"] == "holding" and each["channels"] for each in bridges):
                return
            await asyncio.sleep(0.02)


async def test_facilities_that_are_set_meanwhile_are_there_at_once(
    exchange: RunningExchange, store: Store, tmp_path: Path
) -> None:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        hospital = Hospital(tmp_path, store, exchange, world)
        with store.transaction() as tx:
            service.add_extension(tx, "8105", "Mailbox alone")
            office = service.add_phone(tx, "00156500000a", "8101")
        await hospital.apply()
        async with hospital.station() as station, hospital.plugged_in(office) as phone:
            await station.registered()
            await phone.registered()
            for number in ("8800", "8105", "700"):
                await station.dial(number)
                await station.event("CALL_CLOSED")
            with store.transaction() as tx:
                facilities.add_room(tx, "8800", "Round")
                facilities.set_mailbox(tx, "8105", "4711")
                facilities.set_parking(tx, "700", "701", "702")
            fresh = await hospital.apply()
            assert set(fresh) == {"extensions.conf", "voicemail.conf", "res_parking.conf"}
            for number in ("8800", "8105"):
                await station.dial(number)
                await station.event("CALL_ESTABLISHED")
                await station.do("hangup")
                await station.event("CALL_CLOSED")
            await phone.dial("8003")
            await station.event("CALL_INCOMING")
            await station.do("accept")
            # Before that it cannot pass anything on.
            await station.event("CALL_ESTABLISHED")
            await phone.event("CALL_ESTABLISHED")
            await station.transfer("700")
            await parked(exchange)
        with store.transaction() as tx:
            facilities.remove_room(tx, "8800")
            facilities.remove_mailbox(tx, "8105")
            facilities.remove_parking(tx, "700")
            service.remove_phone(tx, office["device"])
        await hospital.apply()
