"""From the press at a bed to the key at a telephone: a real ward, a real exchange, and telephones
that nobody here wrote. What they ask of the rules is tested in tests/escalation/test_phones.py."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from central.calls import service as calls
from central.directory import changing
from central.directory import service as directory
from central.escalation import model as policies
from central.store import Row, Tx
from central.words import spoken
from gateway.his.client import connect
from gateway.speech.engines import Espeak
from gateway.speech.library import SpeechLibrary
from gateway.telephone.exchange import Exchange
from gateway.telephone.files.services import INSTEAD, LATER
from provisioning import exchange as asterisk
from tests.alone.hospital import BRIDGE, EXCHANGE, Hospital, running
from tests.conftest import WAIT_S, wait_for
from tests.flows.caller import FRAME_MS, Call, CallRefusedError, Line
from tests.telephone.phone import Baresip
from tests.telephone.running import PASSWORD

pytestmark = pytest.mark.long

LOUD = 500.0
STATION, OFFICE = "0015650a1b2c", "0015650a1b2d"
# Menus: one that nobody answers in place of, and one whose callers then reach the office.
ALONE, MENU = "8602", "8600"
CALLERS = 6


def _ringing(after_s: int, number: str) -> dict[str, Any]:
    return {"after_s": after_s, "target": {"kind": "phones", "numbers": [number]}}


POLICY = {
    "name": "Phones",
    "rules": [
        {
            "types": ["nurse", "toilet"],
            "beds": "all",
            "steps": [
                {"after_s": 0, "target": {"kind": "station"}},
                _ringing(1, "8213"),
                _ringing(600, "8214"),
                {"after_s": 900, "target": {"kind": "role", "role": "duty_manager"}},
            ],
        }
    ],
}


def fill(tx: Tx) -> None:
    directory.add_extension(tx, "8213", "五病区护士站", ward="5")
    directory.add_phone(tx, STATION, "8213")
    directory.add_extension(tx, "8214", "Office")
    directory.add_phone(tx, OFFICE, "8214", lang="en")
    directory.add_service(tx, "199", "help", ("8213",))
    changing.change_service(tx, ALONE, [], by="test")
    changing.change_service(tx, MENU, ["8214"], by="test")
    policies.add_version(tx, "5", POLICY, "admin")


@pytest.fixture(scope="module")
def hospital(exchange_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hospital]:
    exchange = Exchange(asterisk.free(), PASSWORD)
    with running(tmp_path_factory.mktemp("ward"), exchange=exchange, fill=fill) as made:
        yield made


@dataclass
class Ward:
    """The hospital with the telephones of the nurse station and of the office plugged in."""

    hospital: Hospital
    station: Baresip
    office: Baresip

    def call(self, bed: str) -> Row:
        return self.hospital.calls(bed)[-1]

    def story(self, bed: str) -> list[tuple[str, dict[str, Any]]]:
        rows = self.hospital.rows(
            "SELECT what, via, detail FROM call_history WHERE call = ? ORDER BY id",
            self.call(bed)["id"],
        )
        return [(row["what"], json.loads(row["detail"]) | {"via": row["via"]}) for row in rows]

    def outcomes(self, bed: str) -> list[dict[str, str]]:
        return [detail["outcomes"] for what, detail in self.story(bed) if what == "rang"]

    async def rings(self, phone: Baresip, bed: str) -> None:
        """Returns once it rings for this bed; what rings for another is passed over."""
        while not (await phone.event("CALL_INCOMING"))["peerdisplayname"].startswith(f"{bed}床"):
            pass

    async def presses(self, phone: Baresip, key: str) -> None:
        await phone.do("accept")
        await phone.hears(300)
        await phone.do("sndcode", key)
        await phone.event("CALL_CLOSED")

    def ends(self, *beds: str) -> None:
        """Somebody is at the beds, and leaves."""
        for bed in beds:
            self.hospital.operate(bed, "presence")
        wait_for(lambda: self.hospital.open() == [], "the presence at central")
        for bed in beds:
            self.hospital.operate(bed, "presence_end")


@asynccontextmanager
async def ward(hospital: Hospital, folder: Path) -> AsyncIterator[Ward]:
    exchange = hospital.layout.exchange
    assert exchange is not None
    phones = {}
    async with AsyncExitStack() as stack:
        for device in (STATION, OFFICE):
            (row,) = hospital.rows("SELECT password FROM phones WHERE device = ?", device)
            phone = Baresip(folder / device, device, row["password"], exchange.ports.sip)
            phones[device] = await stack.enter_async_context(phone)
            await phone.registered()
        yield Ward(hospital, phones[STATION], phones[OFFICE])


async def test_a_press_rings_the_station_which_hears_it_and_accepts(
    hospital: Hospital, tmp_path: Path
) -> None:
    library = SpeechLibrary(tmp_path / "speech", [Espeak()])
    texts = [spoken("zh", "calls.station_nurse", ward="5", bed="1"), spoken("zh", "telephone.keys")]
    prompt_ms = sum([(await library.audio("zh", text)).duration_ms for text in texts])
    async with ward(hospital, tmp_path) as it:
        hospital.operate("1", "press")
        await it.rings(it.station, "1")
        await it.station.do("accept")
        await it.station.hears(int(prompt_ms * 0.95))
        await it.station.do("sndcode", "1")
        await it.station.event("CALL_CLOSED")
        wait_for(lambda: it.call("1")["state"] == "accepted", "the call to be accepted")
        assert it.call("1")["accepted_by"] == "五病区护士站"
        assert it.story("1")[-1][1]["via"] == "phone 8213"
        wait_for(lambda: hospital.lamp("1") == "steady", "the lamp of an accepted call")
        it.ends("1")
        loudness, length_ms = it.station.heard()
    assert loudness > LOUD
    # It is not said again meanwhile, and between two sayings nothing is sent.
    assert prompt_ms * 0.95 <= length_ms <= prompt_ms * 1.3


async def test_3_passes_it_on_and_the_next_phone_rings_at_once(
    hospital: Hospital, tmp_path: Path
) -> None:
    async with ward(hospital, tmp_path) as it:
        hospital.operate("1", "press")
        await it.rings(it.station, "1")
        await it.presses(it.station, "3")
        await it.rings(it.office, "1")
        await it.presses(it.office, "1")
        wait_for(lambda: it.call("1")["state"] == "accepted", "the call to be accepted")
        assert it.outcomes("1") == [{"8213": "passed_on"}, {"8214": "taken"}]
        it.ends("1")


async def test_who_is_busy_and_who_is_not_there_cost_no_time(
    hospital: Hospital, tmp_path: Path
) -> None:
    async with ward(hospital, tmp_path) as it:
        hospital.operate("1", "press")
        await it.rings(it.station, "1")
        await it.station.do("hangup")
        await it.rings(it.office, "1")
        assert it.outcomes("1") == [{"8213": "busy"}]
        it.ends("1")
        await it.office.event("CALL_CLOSED")


@pytest.mark.parametrize("how", ["board", "presence"])
async def test_it_falls_silent_when_somebody_else_sees_to_it(
    hospital: Hospital, tmp_path: Path, how: str
) -> None:
    async with ward(hospital, tmp_path) as it:
        hospital.operate("2", "cord")
        assert (await it.station.event("CALL_INCOMING"))["peerdisplayname"] == "2床:紧急"
        if how == "board":
            with hospital.store.transaction() as tx:
                calls.accept(tx, it.call("2")["id"], "nurse5", "board")
        else:
            hospital.operate("2", "presence")
        await it.station.event("CALL_CLOSED")
        assert it.outcomes("2") == []
        hospital.operate("2", "cord_reset")
        it.ends("2")


def _connected(hospital: Hospital) -> int:
    """How often the bridge has reached the exchange."""
    return (hospital.layout.folder / "bridge.log").read_text().count("connected to the exchange")


async def test_the_exchange_dies_while_it_rings_and_the_escalation_goes_on(
    hospital: Hospital, tmp_path: Path
) -> None:
    async with ward(hospital, tmp_path) as it:
        hospital.operate("1", "press")
        await it.rings(it.station, "1")
        connected = _connected(hospital)
        hospital.kill(EXCHANGE)
        wait_for(
            lambda: it.call("1")["level"] == 3, "the duty manager, for no telephone could be rung"
        )
        assert it.outcomes("1") == [{"8213": "failed"}, {"8214": "failed"}]
        hospital.start(EXCHANGE)
        # Until then whoever is to be rung has failed to ring.
        wait_for(lambda: _connected(hospital) > connected, "the bridge to be back at the exchange")
    # Telephones that are plugged in again.
    async with ward(hospital, tmp_path / "again") as it:
        hospital.operate("3", "press")
        await it.rings(it.station, "3")
        await it.presses(it.station, "1")
        wait_for(lambda: it.call("3")["state"] == "accepted", "the call to be accepted")
        it.ends("1", "3")


async def test_the_bridge_dies_while_it_rings_and_what_is_still_open_rings_again(
    hospital: Hospital, tmp_path: Path
) -> None:
    async with ward(hospital, tmp_path) as it:
        hospital.operate("1", "press")
        await it.rings(it.station, "1")
        hospital.operate("2", "press")
        await it.rings(it.station, "2")
        hospital.kill(BRIDGE)
        # Who dials for help meanwhile reaches the station by the dial plan alone.
        await it.office.dial("199")
        while not (await it.station.event("CALL_INCOMING"))["peeruri"].startswith("sip:8214@"):
            pass
        await it.office.do("hangup")
        hospital.operate("1", "presence")
        wait_for(lambda: hospital.lamp("1") == "off", "the lamp to go out")
        hospital.start(BRIDGE)
        wait_for(lambda: hospital.open() == ["2"], "the presence at central")
        await it.rings(it.station, "2")
        wait_for(
            lambda: [row["ref"] for row in hospital.rows(
                "SELECT ref FROM ringings WHERE over_ms IS NULL")]
            == [f"{it.call('2')['id']}/1"],
            "nothing to ring for the call that is over",
        )  # fmt: skip
        it.ends("2")
        wait_for(
            lambda: hospital.rows("SELECT id FROM ringings WHERE over_ms IS NULL") == [],
            "silence",
        )


def admission(event: str, bed: str, sent: str) -> bytes:
    """An emergency into a bed of ward 5, as a hospital system tells of it, or takes it back."""
    return (
        f"MSH|^~\\&|HIS||W|W|{sent}||ADT^{event}|{event}{bed}|P|2.5.1|||||||UNICODE UTF-8\r"
        f"EVN|{event}|{sent}\rPID|1||P{bed}||陈^明||19800201|M\r"
        f"PV1|1|I|5^^{bed}|E|||||||||||||||V{bed}\r"
    ).encode()


async def test_an_emergency_admission_rings_until_the_station_accepts_it(
    hospital: Hospital, tmp_path: Path
) -> None:
    async with ward(hospital, tmp_path) as it:
        async with await connect("127.0.0.1", hospital.layout.ports["mllp"]) as his:
            assert b"MSA|AA" in await his.send(admission("A01", "1", "20260921200000"))
            assert (await it.station.event("CALL_INCOMING"))["peerdisplayname"] == "紧急通知"
            await it.presses(it.station, "1")
            wait_for(
                lambda: hospital.rows("SELECT state FROM notices")[0]["state"] == "accepted",
                "the notice to be accepted",
            )
            # Another one is taken back while it rings.
            assert b"MSA|AA" in await his.send(admission("A01", "2", "20260921200000"))
            await it.station.event("CALL_INCOMING")
            assert b"MSA|AA" in await his.send(admission("A11", "2", "20260921200100"))
            await it.station.event("CALL_CLOSED")
        # The loudspeaker was told, too; whether it came to it before the key was pressed is open.
        asked = "SELECT 1 FROM commands WHERE type = 'speak' AND body LIKE '%新入院:急诊%'"
        assert len(hospital.rows(asked)) == 2


async def test_the_bridge_dies_and_who_is_in_a_menu_hears_an_apology_or_a_person(
    hospital: Hospital, tmp_path: Path
) -> None:
    """Some hear words and some nothing when it dies; those in their third call are at a PIN."""
    library = SpeechLibrary(tmp_path / "speech", [Espeak()])
    later = (await library.audio("zh", spoken("zh", "telephone.menu-later"))).duration_ms
    instead = (await library.audio("zh", spoken("zh", "telephone.menu-instead"))).duration_ms
    exchange = hospital.layout.exchange
    assert exchange is not None
    (row,) = hospital.rows("SELECT password FROM phones WHERE device = ?", STATION)
    sounds = hospital.layout.exchange_folder / "sounds" / "zh"
    wait_for(lambda: all((sounds / f"{each}.wav").exists() for each in (INSTEAD, LATER)), "words")

    async with (
        ward(hospital, tmp_path) as it,
        Line(exchange.ports.sip, STATION, row["password"], hums=False) as line,
    ):
        calls = [await line.dial(ALONE) for _ in range(CALLERS)]
        for number, call in enumerate(calls):
            await call.hears(200)
            if number % 3:
                await call.press("12345678#"[-number % 9 :])
        put_through = await line.dial(MENU)
        await put_through.hears(200)
        hospital.kill(BRIDGE)
        # What is left of its last packet is not sent.
        await put_through.hears(instead - FRAME_MS, len(put_through.heard))
        await it.office.event("CALL_INCOMING")
        await it.office.do("accept")
        await it.office.event("CALL_ESTABLISHED")
        await asyncio.gather(*(each.hung_up() for each in calls))
        # The last that each has heard: a bridge that was slow may have lost one before it died.
        packets = later // FRAME_MS
        assert len({tuple(heard.payload for heard in each.heard[-packets:]) for each in calls}) == 1
        assert min(each.loudness(-packets) for each in calls) > LOUD
        # A new caller reaches a person at once.
        ringing = asyncio.create_task(line.dial(MENU))
        await it.office.event("CALL_INCOMING")
        await it.office.do("hangup")
        with pytest.raises(CallRefusedError):
            await ringing
        # Who speaks with a person speaks on when the bridge is back.
        hospital.start(BRIDGE)
        again = await taken(line, ALONE)
        await again.hears(300)
        assert not put_through.over.is_set()
        await it.office.do("hangup")
        await put_through.hung_up()
        # Dead and back at once: the menu begins anew, or it is too late for that.
        hospital.kill(BRIDGE)
        hospital.start(BRIDGE)
        await again.hears(later - FRAME_MS, len(again.heard))
        await again.hang_up()


async def taken(line: Line, number: str) -> Call:
    """Once the application is there."""
    async with asyncio.timeout(WAIT_S):
        while True:
            try:
                return await line.dial(number)
            except CallRefusedError:
                await asyncio.sleep(0.1)
