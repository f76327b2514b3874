"""The web panel of the virtual ward, the units' process, and words shared with the node."""

import asyncio
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from central.clock import FileClock as CentralFileClock
from hw import kinds
from hw.errors import GarbledError, SilentError
from hw.line import Line
from hw.virtual.bus import addresses
from hw.virtual.clock import FileClock
from hw.virtual.panel import Panel
from hw.virtual.pins import virtual_gpio
from hw.virtual.power import VirtualPower
from hw.virtual.speaker import RecordingSpeaker
from ward_node.contract import kinds as contract

from .conftest import Heard, eventually, tone, ward


async def ask(panel: Panel, path: str, body: Any = None) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{panel.port}{path}"
    async with (
        aiohttp.ClientSession() as session,
        session.request("GET" if body is None else "POST", url, json=body) as answer,
    ):
        return answer.status, await answer.json()


def test_the_panel_works_the_units_of_a_bus(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            await w.start_node()
            panel = Panel(w.units)
            await panel.start()
            status, state = await ask(panel, "/operate", {"bed": "2", "control": "press"})
            assert status == 200
            assert state["beds"]["2"]["red"]
            assert state["beds"]["2"]["counters"]["presses"] == 1
            await eventually(lambda: w.heard.kinds("2") == ["press"], "the press")
            status, state = await ask(panel, "/bus", {"noise": 0.25})
            assert (status, state["noise"]) == (200, 0.25)
            assert w.units.state()["noise"] == 0.25
            await ask(panel, "/bus", {"noise": 0, "gone": True})
            assert (await ask(panel, "/state"))[1]["gone"]
            await panel.close()

    asyncio.run(run())


def test_the_panel_says_what_is_wrong(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            panel = Panel(w.units)
            await panel.start()
            for path, body, complaint in (
                ("/operate", {"bed": "99", "control": "press"}, "there is no 99"),
                ("/operate", {"bed": "1", "control": "dance"}, "no control dance"),
                ("/operate", {"bed": "1"}, "there is no control"),
                ("/operate", [], "list"),
                ("/bus", {"noise": 7}, "from 0 to 1"),
                ("/bus", {"noise": "loud"}, "not supported"),
            ):
                status, answer = await ask(panel, path, body)
                assert status == 400
                assert complaint in answer["error"]
            await panel.close()

    asyncio.run(run())


def test_the_panel_breaks_the_loudspeaker_and_cuts_the_power(tmp_path: Path) -> None:
    async def run() -> None:
        speaker, switches = RecordingSpeaker(tmp_path), VirtualPower(tmp_path / "sys")
        panel = Panel(None, speaker, power=switches)
        await panel.start()
        assert (await ask(panel, "/spoken"))[1]["speaker"] == "whole"
        assert (await ask(panel, "/speaker", {"state": "dead"}))[1]["speaker"] == "dead"
        assert speaker.state == "dead"
        given = {"mains": False, "weak": True, "battery_pct": 40}
        assert await ask(panel, "/power", given) == (200, given)
        assert (await ask(panel, "/spoken"))[1]["power"] == switches.state() == given
        for path, body in (
            ("/speaker", {"state": "sad"}), ("/speaker", []), ("/speaker", {}),
            ("/power", {"mains": "no"}), ("/power", {"battery_pct": 200}), ("/power", 7),
        ):  # fmt: skip
            assert (await ask(panel, path, body))[0] == 400
        await panel.close()

    asyncio.run(run())


def test_the_panel_works_a_box_on_pins_and_lets_one_listen(tmp_path: Path) -> None:
    async def run() -> None:
        node, hands = virtual_gpio(["1", "2"])
        heard = Heard()
        node.start(heard)
        speaker = RecordingSpeaker(tmp_path)
        panel = Panel(hands, speaker)
        await panel.start()
        await ask(panel, "/operate", {"bed": "1", "control": "cord"})
        await eventually(lambda: heard.kinds("1") == ["cord"], "the cord")
        assert (await ask(panel, "/state"))[1]["beds"]["1"]["cord"]
        status, answer = await ask(panel, "/operate", {"bed": "1", "control": "unplug"})
        assert status == 400
        assert "no control unplug" in answer["error"]
        assert (await ask(panel, "/bus", {"noise": 0.1}))[0] == 400

        path = tone(tmp_path / "a.wav", 30)
        await speaker.play(path, 70, about={"text": "你好", "class": "call"})
        _status, answer = await ask(panel, "/spoken")
        assert [said["text"] for said in answer["spoken"]] == ["你好"]
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{panel.port}/spoken/1.wav") as sound:
                assert sound.content_type == "audio/wav"
                assert await sound.read() == path.read_bytes()
            async with session.get(f"http://127.0.0.1:{panel.port}/spoken/2.wav") as sound:
                assert sound.status == 404
        await panel.close()
        await node.close()

    asyncio.run(run())


def test_the_process_serves_units_until_it_is_told_to_end(tmp_path: Path) -> None:
    link = tmp_path / "bus"
    link.symlink_to("/nowhere/left/behind")  # by a run that was killed

    async def run() -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "hw.virtual.units", "--link", str(link), "--beds", "1,12A=40",
            stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        hello = (await process.stdout.readline()).decode()
        assert "2 units" in hello
        line = Line(str(link))

        def once(question: Callable[[], Any]) -> Any:
            """A busy machine may let a time-out pass; the bus would ask again, too."""
            with suppress(SilentError, GarbledError):
                return question() or True
            return None

        identity = await eventually(lambda: once(lambda: line.identity(40)), "unit 40")
        assert identity.firmware == "1.1"
        await eventually(lambda: once(lambda: line.show(1, 0b10)), "the lamp to be set")
        reading = await eventually(lambda: once(lambda: line.poll(1)), "unit 1")
        assert reading.outputs == 0b10
        line.close()
        async with (
            aiohttp.ClientSession() as session,
            session.get(hello.split()[-1] + "/state") as answer,
        ):
            assert (await answer.json())["beds"]["1"]["lamp"] == "blink"
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
        assert not link.is_symlink()

    asyncio.run(run())


def test_addresses_follow_the_order_unless_they_are_given() -> None:
    assert addresses(["1", "2", "12A=40"]) == {"1": 1, "2": 2, "12A": 40}


@pytest.mark.parametrize(
    "name", [name for name in vars(kinds) if name.isupper() and hasattr(contract, name)]
)
def test_words_are_those_of_the_contract(name: str) -> None:
    assert getattr(kinds, name) == getattr(contract, name)


def test_all_words_a_node_takes_over_are_in_the_contract() -> None:
    own = {
        "SILENT",
        "GARBLED",
        "ADDRESS_CLASH",
        "SELFTEST_FAILED",
        "GONE",
        "STUCK",
        "PIN_LOST",
        "RACING",
    }
    names = {name for name in vars(kinds) if name.isupper()}
    assert names - own == {name for name in names if hasattr(contract, name)}


def test_the_nodes_file_clock_agrees_with_centrals(tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    central = CentralFileClock(path)
    central.set_rate(3600.0)
    node = FileClock(path)
    for _ in range(2):
        before, between, after = central.now_ms(), node.drip_ms(), central.now_ms()
        assert before <= between <= after
        central.set_rate(1.0)
