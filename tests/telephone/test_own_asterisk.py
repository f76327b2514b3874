"""A hospital's own Asterisk: it has files of its own, includes ours, and fetches words from us."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from central.capabilities import Rules
from central.config import ConfigError
from central.store import Store
from central.telephone import settings
from central.telephone.running import Telephone
from gateway.speech import server
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.telephone.directory import Directory, Line, Phone, Rights, Service
from gateway.telephone.exchange import Exchange
from gateway.telephone.prompts import Served
from provisioning import own_asterisk
from tests.conftest import free_port
from tests.telephone.phone import Baresip
from tests.telephone.running import PASSWORD, RunningExchange
from tests.telephone.world import World, until

STATION = "0015650a1b2c"
LOUD = 500.0
HOUSE = Directory(
    rights=(Rights("internal"),),
    phones=(Phone(STATION, "station-secret", "internal", "8003"),),
    lines=(Line("8003", (STATION,)),),
    services=(Service("120", "emergency", ("8003",)),),
)


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningExchange]:
    """It knows nobody but by the files that are included."""
    running = RunningExchange(tmp_path_factory.mktemp("hospital"), Directory())
    etc = running.folder / "etc"
    for name, said in own_asterisk.of(running.settings, HOUSE).items():
        (etc / Path(name).name).write_text(said)
    with (etc / "pjsip.conf").open("a") as file:
        file.write("\n#include wardline_pjsip.conf\n")
    for name in ("extensions", "modules"):
        (etc / f"{name}.conf").write_text(f"#include wardline_{name}.conf\n")
    (etc / "ari.conf").write_text("[general]\nenabled = yes\n#include wardline_ari.conf\n")
    running.start()
    yield running
    running.close()


async def test_it_fetches_what_it_says_from_our_server_and_we_write_nothing_into_its_folder(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    port = free_port()
    library = SpeechLibrary(tmp_path / "speech", [Espeak()], url=f"http://127.0.0.1:{port}")
    serving = await server.start(library.cache, "127.0.0.1", port)
    before = sorted((exchange.folder / "sounds").rglob("*"))
    station = Baresip(tmp_path / "station", STATION, "station-secret", exchange.settings.ports.sip)
    async with World(exchange.settings.ari_url) as world, station:
        await world.ready()
        await station.registered()
        lane = await world.actions.ring(f"PJSIP/{STATION}")
        await station.event("CALL_INCOMING")
        await station.do("accept")
        await until(lane, "StasisStart")
        media = await Served(library).media("en", "Ward three, bed five calls.")
        assert media.startswith(f"sound:http://127.0.0.1:{port}/telephone/")
        await world.actions.play(lane.subject.id, media)
        finished = await until(lane, "PlaybackFinished")
        assert finished.body["playback"]["state"] == "done"
        await world.end(lane)
        await station.event("CALL_CLOSED")
    await serving.cleanup()
    await library.close()
    loud, long_ms = station.heard()
    assert loud > LOUD
    assert long_ms > 1000
    assert sorted((exchange.folder / "sounds").rglob("*")) == before


async def test_its_emergency_number_comes_to_us(exchange: RunningExchange, tmp_path: Path) -> None:
    station = Baresip(tmp_path / "station", STATION, "station-secret", exchange.settings.ports.sip)
    async with World(exchange.settings.ari_url) as world, station:
        await world.ready()
        await station.registered()
        await station.dial("120")
        lane = await world.arrived.get()
        assert (await until(lane, "StasisStart")).body["args"][0] == "emergency"
        await world.end(lane)


def test_the_bridge_writes_nothing_for_it(store: Store, tmp_path: Path) -> None:
    config = {"folder": None, "url": "http://192.0.2.5:8088/ari/", "address": "192.0.2.5",
              "password": PASSWORD}  # fmt: skip
    found = settings.from_config({settings.KEY: config, "timezone": "Asia/Urumqi"})
    assert found is not None
    assert found.folder is None
    assert found.exchange.ari_url == "http://192.0.2.5:8088/ari"
    assert found.exchange.timezone == "Asia/Urumqi"
    telephone = Telephone(found, store, Rules(), SpeechLibrary(tmp_path, []))
    assert telephone._works == []
    telephone.look({"directory"})


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"url": ""}, "url is missing"),
        ({"url": "asterisk"}, "such as http"),
        ({"password": 1}, "password"),
    ],
)
def test_settings_that_cannot_be_used_name_the_field(
    change: dict[str, object], complaint: str
) -> None:
    whole = {"folder": None, "url": "http://192.0.2.5:8088/ari", "address": "192.0.2.5",
             "password": PASSWORD}  # fmt: skip
    with pytest.raises(ConfigError, match=complaint):
        settings.from_config({settings.KEY: whole | change})


def test_the_files_say_what_to_do(exchange: RunningExchange) -> None:
    told = own_asterisk.of(
        Exchange(exchange.settings.ports, PASSWORD, url="http://192.0.2.5:8088/ari"), HOUSE
    )
    assert "http://192.0.2.5:8088/ari" in told["asterisk/README"]
    assert "transport" not in told["asterisk/wardline_pjsip.conf"].replace("transport-tls", "")
    assert f"[{STATION}]" in told["asterisk/wardline_pjsip.conf"]
