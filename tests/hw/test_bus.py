"""The bedside bus: minimalmodbus against pymodbus over a pty, with all that can go wrong."""

import asyncio
import random
from collections import Counter
from pathlib import Path

import pytest

from hw.bus import BusWard
from hw.errors import BusGoneError, WiringError
from hw.line import Line
from hw.poller import Poller
from hw.registers import TEST_PRESS_COIL

from .conftest import Heard, eventually, ward


def test_each_control_is_told_at_its_bed(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path, hold_ms=100) as w:
            await w.start_node()
            for control, kind in (
                ("press", "press"), ("hold", "hold"), ("cord", "cord"),
                ("cord_reset", "cord_reset"), ("presence", "presence"),
                ("presence_end", "presence_end"), ("unplug", "unplugged"), ("plug", "plugged"),
            ):  # fmt: skip
                w.units.operate("2", control)
                await eventually(lambda kind=kind: kind in w.heard.kinds("2"), kind)
            assert w.heard.kinds("2") == [
                "press", "press", "hold", "cord", "cord_reset", "presence", "presence_end",
                "unplugged", "plugged",
            ]  # fmt: skip
            assert {bed for bed, _kind, _about in w.heard} == {"2"}

    asyncio.run(run())


def test_no_press_is_lost_or_doubled_on_a_bad_line(tmp_path: Path) -> None:
    async def run() -> None:
        chance = random.Random(7)
        async with ward(tmp_path, 8, rng=random.Random(11)) as w:
            await w.start_node()
            w.units.disturb(noise=0.15, drop=0.1)
            pressed: Counter[str | None] = Counter()
            for _ in range(400):
                bed = str(chance.randint(1, 8))
                w.units.operate(bed, "press")
                pressed[bed] += 1
                await asyncio.sleep(chance.random() * 0.02)
            await eventually(lambda: w.heard.count("press").total() >= 400, "400 presses")
            w.units.disturb(noise=0.0, drop=0.0)
            for bed in w.units.beds:
                await w.press_heard(bed)
                pressed[bed] += 1
            assert w.heard.count("press") == pressed

    asyncio.run(run())


def test_32_units_are_heard_and_shown_their_lights(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path, 32) as w:
            node = await w.start_node()
            for bed in w.units.beds:
                w.units.operate(bed, "press")
                node.set_lamp(bed, "blink")
                node.set_reassurance(bed, "steady")
            node.route(["7", "32"])
            await eventually(lambda: len(w.heard.count("press")) == 32, "every bed's press")
            await eventually(
                lambda: all(
                    w.shows(bed) == ("blink", "steady", bed in ("7", "32")) for bed in w.units.beds
                ),
                "every bed's lights",
            )
            node.set_lamp("7", "fast")
            node.route([])
            await eventually(lambda: w.shows("7") == ("fast", "steady", False), "bed 7's lamp")
            await eventually(lambda: not w.shows("32")[2], "the relay of bed 32")
            assert w.heard.count("press") == Counter(w.units.beds.keys())
            await eventually(lambda: node.poll_ms is not None, "a whole round")

    asyncio.run(run())


def test_a_dead_unit_is_a_fault_while_the_others_go_on(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path, 6) as w:
            node = await w.start_node()
            w.units.operate("3", "die")
            await eventually(lambda: w.heard.faults(), "the fault")
            assert w.heard.faults() == [("unit 3", "silent")]
            assert node.silent_beds() == ["3"]
            for bed in ("1", "2", "4", "5", "6"):
                await w.press_heard(bed)
            w.units.operate("3", "press")  # pressed while nobody could hear it
            node.set_lamp("3", "fast")
            w.units.operate("3", "revive")
            await eventually(lambda: w.heard.faults("recovered"), "the recovery")
            assert w.heard.faults("recovered") == [("unit 3", "silent")]
            await eventually(lambda: w.heard.count("press")["3"] == 1, "the press meanwhile")
            await eventually(lambda: w.shows("3")[0] == "fast", "the lamp set meanwhile")
            assert node.silent_beds() == []
            assert w.heard.faults() == [("unit 3", "silent")]

    asyncio.run(run())


def test_a_cut_cable_leaves_the_last_unit_served(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path, 32) as w:
            node = await w.start_node()
            for bed in list(w.units.beds)[1:]:
                w.units.operate(bed, "die")
            await eventually(lambda: len(w.heard.faults()) == 31, "31 faults")
            await w.press_heard("1")
            assert len(node.silent_beds()) == 31
            for bed in w.units.beds:
                w.units.operate(bed, "revive")
            await eventually(lambda: len(w.heard.faults("recovered")) == 31, "31 recoveries")
            assert node.silent_beds() == []

    asyncio.run(run())


def test_two_units_with_one_address_are_named_and_nothing_is_invented(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path, 4) as w:
            await w.start_node()
            await w.press_heard("2")
            w.units.operate("2", "clash")
            # On a slow machine its damaged answers may be told first.
            clash = ("unit 2", "address_clash")
            await eventually(lambda: clash in w.heard.faults(), "the fault")
            fault = [about for _bed, kind, about in w.heard if kind == "fault"][-1]
            assert "address 2" in fault["detail"]
            for bed in ("1", "3", "4"):
                await w.press_heard(bed)
            await w.press_heard("2")  # counted by one of the two only
            w.units.operate("2", "unclash")
            await eventually(lambda: clash in w.heard.faults("recovered"), "the recovery")
            assert w.heard.count("press") == {"1": 1, "2": 2, "3": 1, "4": 1}

    asyncio.run(run())


def test_the_adapter_may_be_pulled_out_and_put_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            node = await w.start_node()
            w.units.disturb(gone=True)
            await eventually(lambda: w.heard.faults(), "the fault")
            assert w.heard.faults() == [("bus", "gone")]
            assert len(node.silent_beds()) == 4
            with pytest.raises(BusGoneError):
                await node._ask(lambda line: None)
            w.units.operate("1", "press")
            node.set_lamp("1", "steady")
            w.units.disturb(gone=False)
            await eventually(lambda: w.heard.faults("recovered"), "the recovery")
            await eventually(lambda: w.heard.count("press")["1"] == 1, "the press meanwhile")
            await eventually(lambda: w.shows("1")[0] == "steady", "the lamp set meanwhile")
            assert node.silent_beds() == []
            assert w.heard.faults() == [("bus", "gone")]

    asyncio.run(run())


def test_a_bus_that_is_not_there_yet_is_a_fault_and_then_served(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            w.units.line.tear_off()
            starting = asyncio.create_task(w.start_node())
            await eventually(lambda: w.heard.faults() == [("bus", "gone")], "the fault")
            w.units.line.mend()
            await starting
            await w.press_heard("4")

    asyncio.run(run())


def test_one_port_serves_one_node(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            await w.start_node()
            second, heard = BusWard(str(w.link), {"1": 1}), Heard()
            second.start(heard)
            await eventually(lambda: heard.faults() == [("bus", "gone")], "the refusal")
            await second.close()
            await w.press_heard("1")

    asyncio.run(run())


def test_presses_while_the_node_restarts_are_told_once(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            await w.start_node()
            await w.press_heard("1")
            kept = await w.stop_node()
            w.heard.clear()
            w.units.operate("1", "press")
            w.units.operate("1", "press")
            w.units.operate("2", "cord")
            w.units.operate("2", "cord_reset")
            await w.start_node(kept)
            assert w.heard.kinds("1") == ["press", "press"]
            assert w.heard.kinds("2") == ["cord", "cord_reset"]
            assert all(about["late"] for _bed, _kind, about in w.heard)
            assert w.heard[-1][2]["counters"].keys() == kept["1"].keys()

            kept = await w.stop_node()
            w.heard.clear()
            await w.start_node(kept)
            await w.press_heard("3")
            assert [(bed, kind) for bed, kind, _about in w.heard] == [("3", "press")]

    asyncio.run(run())


def test_counters_kept_with_an_event_tell_the_rest_of_a_batch(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            await w.start_node()
            kept = await w.stop_node()
            for _ in range(3):
                w.units.operate("1", "press")
            await w.start_node(kept)
            await w.stop_node()
            # The node died after it had stored the first of the three.
            kept["1"] = w.heard[0][2]["counters"]
            w.heard.clear()
            await w.start_node(kept)
            assert w.heard.kinds("1") == ["press", "press"]

    asyncio.run(run())


def test_a_unit_that_counts_up_wildly_calls_once_and_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            await w.start_node()
            w.units.operate("2", "race")
            await eventually(lambda: "press" in w.heard.kinds("2"), "one press of bed 2")
            w.units.operate("2", "cord")  # what the broken unit counts well is heard
            await eventually(lambda: "cord" in w.heard.kinds("2"), "the cord of bed 2")
            await w.press_heard("1")
            assert w.heard.kinds("2") == ["fault", "press", "cord"]
            assert w.heard[0][2]["code"] == "racing"

    asyncio.run(run())


def test_a_first_start_invents_no_presses_but_tells_a_pulled_cord(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            w.units.operate("1", "press")
            w.units.operate("2", "cord")
            await w.start_node(known={"1": {"of": 0, "another": 1, "version": 2}})
            await w.press_heard("3")
            told = [(bed, kind) for bed, kind, _about in w.heard]
            assert told == [("2", "cord"), ("3", "press")]

    asyncio.run(run())


def test_a_unit_that_reboots_invents_no_presses_and_gets_its_lights_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            node = await w.start_node()
            for _ in range(3):
                await w.press_heard("1")
            node.set_lamp("1", "blink")
            await eventually(lambda: w.shows("1")[0] == "blink", "the lamp")
            w.units.operate("1", "reboot")
            w.units.operate("1", "press")
            await eventually(lambda: w.heard.count("press")["1"] >= 4, "the press after it")
            await eventually(lambda: w.shows("1")[0] == "blink", "the lamp again")
            await w.press_heard("2")
            assert w.heard.count("press") == {"1": 4, "2": 1}

    asyncio.run(run())


def test_a_failed_selftest_is_a_fault_that_names_the_part(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            node = await w.start_node()
            w.units.operate("2", "break")
            w.units.operate("4", "die")
            await eventually(lambda: len(w.heard.faults()) == 2, "both faults")
            assert set(w.heard.faults()) == {("unit 2", "selftest"), ("unit 4", "silent")}
            found = await node.selftest()
            assert found["1"] == {"firmware": "1.1", "serial": 0x21001, "broken": []}
            assert found["2"]["broken"] == ["lamp"]
            assert "address 4" in found["4"]["error"]
            w.units.operate("2", "mend")
            await eventually(lambda: w.heard.faults("recovered"), "the recovery")
            assert w.heard.faults("recovered") == [("unit 2", "selftest")]

    asyncio.run(run())


def test_a_selftest_under_way_ends_with_the_bus(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            node = await w.start_node()
            asked = asyncio.create_task(node.selftest())
            await asyncio.sleep(0)  # its first question is asked
            await node.close()
            with pytest.raises(BusGoneError):
                await node._ask(lambda line: None)
            found = await asked
            assert found.keys() == w.units.beds.keys()
            assert "error" in found["4"]

    asyncio.run(run())


def test_a_bug_in_the_bus_thread_is_a_fault_and_not_silence(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> None:
        async with ward(tmp_path) as w:
            node = await w.start_node()
            answered = node._watches["1"].answered

            def broken(*_args: object) -> object:
                node._watches["1"].answered = answered  # type: ignore[method-assign]
                raise ZeroDivisionError("a bug")

            node._watches["1"].answered = broken  # type: ignore[assignment]
            await eventually(lambda: w.heard.faults("recovered"), "the recovery")
            assert w.heard.faults() == [("bus", "gone")]
            await w.press_heard("1")

    asyncio.run(run())
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("units", "complaint"),
    [
        ({"1": 1, "2": 1}, "both name address 1"),
        ({"1": 0}, "1 to 247"),
        ({"1": 248}, "1 to 247"),
        ({str(bed): bed for bed in range(1, 34)}, "33 beds"),
    ],
)
def test_wrong_addresses_are_refused(units: dict[str, int], complaint: str) -> None:
    with pytest.raises(WiringError, match=complaint):
        BusWard("/dev/null", units)


def test_unknown_beds_and_patterns_are_refused() -> None:
    node = BusWard("/dev/null", {"1": 1})
    with pytest.raises(KeyError):
        node.set_lamp("2", "steady")
    with pytest.raises(KeyError):
        node.route(["1", "2"])
    with pytest.raises(ValueError, match="disco"):
        node.set_reassurance("1", "disco")


def test_a_question_to_a_stopped_bus_is_refused_at_once() -> None:
    poller = Poller("/nowhere", [], clock_ms=lambda: 0, open_line=Line, tell=lambda told: None)
    poller.start()
    poller.stop()
    poller.join()
    answers: list[object] = []
    poller.ask(lambda line: None, lambda _value, problem: answers.append(problem))
    assert [type(problem) for problem in answers] == [BusGoneError]


def test_a_unit_presses_for_itself_and_no_press_of_a_patient_is_counted(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path, 2) as w:
            node = await w.start_node()
            assert await node.prove("2") is None
            await eventually(lambda: w.heard.kinds("2") == ["test_press"], "the test press")
            await w.press_heard("2")
            # While a finger is on the button the unit presses nothing, and tells the finger's.
            assert w.heard.kinds("2") == ["test_press", "press"]
            counters = node.counters()["2"]
            assert counters["presses"] == 1
            assert counters["tests"] >= 1  # it is asked again when an answer is lost
            w.units.operate("1", "numb")
            assert await node.prove("1") is None, "it answers, and feels nothing"
            w.units.operate("1", "press")
            await w.press_heard("2")
            assert w.heard.kinds("1") == []
            w.units.operate("1", "die")
            code, detail = await node.prove("1") or ("", "")
            assert (code, "address 1" in detail) == ("silent", True)
            await w.stop_node()
            assert (await node.prove("2") or ("",))[0] == "gone"

    asyncio.run(run())


def test_many_test_presses_are_told_once_and_presses_all(tmp_path: Path) -> None:
    async def run() -> None:
        async with ward(tmp_path, 1) as w:
            await w.start_node()
            known = await w.stop_node()
            del known["1"]["tests"]  # kept by a box that knew none
            for _ in range(3):
                w.units.operate("1", "press")
                w.units.units[1]._finger = None
                w.units.units[1].write_coils(TEST_PRESS_COIL, [True])
            await w.start_node(known)
            await eventually(lambda: "test_press" in w.heard.kinds("1"), "the test presses")
            assert w.heard.kinds("1") == ["press"] * 3 + ["test_press"]

    asyncio.run(run())
