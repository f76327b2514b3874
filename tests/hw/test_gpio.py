"""A ward box on mock pins."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from gpiozero.pins.mock import MockFactory

from hw.clock import steady_ms
from hw.debounce import HOLD_MS, STUCK_MS
from hw.errors import WiringError
from hw.gpio import GpioWard
from hw.pins import BOX_OF_FOUR
from hw.virtual.pins import GpioControls, virtual_gpio

from .conftest import Heard, eventually


class SteppedClock:
    """Steady time that a test may push forward."""

    def __init__(self) -> None:
        self.ahead_ms = 0

    def __call__(self) -> int:
        return steady_ms() + self.ahead_ms


@asynccontextmanager
async def box(**how: Any) -> AsyncIterator[tuple[GpioWard, GpioControls, Heard]]:
    node, hands = virtual_gpio(["1", "2", "3", "4"], **how)
    heard = Heard()
    node.start(heard)
    try:
        yield node, hands, heard
    finally:
        await node.close()


def test_each_control_is_told_at_its_bed() -> None:
    async def run() -> None:
        async with box() as (_node, hands, heard):
            for bed in ("1", "2", "3", "4"):
                for control in ("press", "cord", "cord_reset", "presence", "presence_end"):
                    hands.operate(bed, control)
                    await eventually(
                        lambda bed=bed, control=control: control in heard.kinds(bed), control
                    )
                assert heard.kinds(bed) == [
                    "press", "cord", "cord_reset", "presence", "presence_end",
                ]  # fmt: skip

    asyncio.run(run())


def test_a_held_button_is_told_as_press_and_hold() -> None:
    async def run() -> None:
        clock = SteppedClock()
        async with box(clock_ms=clock) as (_node, hands, heard):
            hands.operate("2", "hold")
            await eventually(lambda: heard.kinds("2") == ["press"], "the press")
            clock.ahead_ms += HOLD_MS
            await eventually(lambda: heard.kinds("2") == ["press", "hold"], "the hold")

    asyncio.run(run())


def test_a_stuck_button_is_a_fault_until_it_is_free_and_a_long_presence_is_none() -> None:
    async def run() -> None:
        clock = SteppedClock()
        async with box(clock_ms=clock) as (_node, hands, heard):
            red = hands._pin("2", "red")
            red.drive_low()
            hands.operate("3", "presence")
            await eventually(lambda: heard.kinds("2") == ["press"], "the press")
            await eventually(lambda: heard.kinds("3") == ["presence"], "the presence")
            clock.ahead_ms += STUCK_MS
            until_stuck = ["press", "hold", "fault"]
            await eventually(lambda: heard.kinds("2") == until_stuck, "the fault")
            clock.ahead_ms += STUCK_MS
            red.drive_high()
            await eventually(lambda: heard.kinds("2") == [*until_stuck, "recovered"], "the end")
            red.drive_low()
            await eventually(lambda: heard.kinds("2")[-1] == "press", "the next press")
            assert heard.kinds("3") == ["presence"]
            abouts = [event[2] for event in heard if event[1] in ("fault", "recovered")]
            assert [about["code"] for about in abouts] == ["stuck", "stuck"]

    asyncio.run(run())


def test_bounces_on_the_pin_make_one_press() -> None:
    async def run() -> None:
        async with box() as (node, hands, heard):
            red = hands._pin("3", "red")
            for _ in range(5):
                red.drive_low()
                red.drive_high()
            red.drive_low()
            await eventually(lambda: heard.kinds("3"), "the press")
            for _ in range(5):
                red.drive_high()
                red.drive_low()
            red.drive_high()
            contact = next(each for each in node._inputs if each.bed == "3")
            await eventually(lambda: not contact.contact.settled, "the release")
            assert heard.kinds("3") == ["press"]

    asyncio.run(run())


def test_edges_from_another_thread_are_told_in_the_loop() -> None:
    async def run() -> None:
        node, hands = virtual_gpio(["1"])
        threads = []
        node.start(lambda *_told: threads.append(threading.current_thread()))
        await asyncio.to_thread(hands._pin("1", "cord").drive_low)
        await eventually(lambda: threads, "the cord")
        assert threads == [threading.main_thread()]
        await node.close()

    asyncio.run(run())


def test_an_edge_the_driver_lost_is_found() -> None:
    async def run() -> None:
        async with box() as (_node, hands, heard):
            pin = hands._pin("1", "cord")
            callback, pin.when_changed = pin.when_changed, None
            pin.drive_low()
            pin.when_changed = callback
            await eventually(lambda: heard.kinds("1") == ["cord"], "the cord")

    asyncio.run(run())


def test_a_cord_pulled_before_the_start_is_told() -> None:
    async def run() -> None:
        factory = MockFactory()
        node, heard = GpioWard(["1"], factory=factory), Heard()
        hands = GpioControls(node, factory)
        node.start(heard)
        hands.operate("1", "cord")  # before the loop ran once
        await eventually(lambda: heard.kinds("1") == ["cord"], "the cord")
        await node.close()

    asyncio.run(run())


def test_lights_show_their_patterns() -> None:
    async def run() -> None:
        async with box() as (node, hands, _heard):
            lamp = hands._pin("1", "lamp")
            light = hands._pin("1", "reassurance")
            node.set_lamp("1", "fast")
            node.set_reassurance("1", "steady")
            lamp.clear_states()
            light.clear_states()
            await eventually(lambda: len(lamp.states) > 4, "the lamp to flash")
            assert [change.state for change in lamp.states[:4]] in (
                [True, False, True, False],
                [False, True, False, True],
            )
            assert [change.state for change in light.states] == [True]
            assert hands.state()["beds"]["1"]["lamp"] == "fast"
            node.set_lamp("1", "off")
            assert not lamp.state
            node.set_lamp("1", "blink")
            assert lamp.state  # lit at once
            await eventually(lambda: not lamp.state, "the lamp to go out")
            with pytest.raises(ValueError, match="disco"):
                node.set_lamp("1", "disco")
            with pytest.raises(KeyError):
                node.set_lamp("9", "steady")

    asyncio.run(run())


def test_the_amplifier_is_on_while_beds_listen() -> None:
    async def run() -> None:
        async with box() as (node, hands, _heard):
            node.route(["2"])
            assert hands.state()["beds"]["2"]["speaker"]
            node.route([])
            assert not hands.state()["beds"]["2"]["speaker"]
            with pytest.raises(KeyError):
                node.route(["9"])

    asyncio.run(run())


def test_lights_go_out_and_pins_are_free_after_the_close() -> None:
    async def run() -> None:
        factory = MockFactory()
        for _ in range(2):
            node = GpioWard(["1", "2"], factory=factory)
            node.set_lamp("1", "steady")  # asked for before the start
            node.start(Heard())
            assert factory.pin(BOX_OF_FOUR.beds[0].lamp).state
            await node.close()
            assert factory.pin(BOX_OF_FOUR.beds[0].lamp).function == "input"

    asyncio.run(run())


def test_pins_that_are_taken_are_refused_and_the_others_given_back() -> None:
    async def run() -> None:
        factory = MockFactory()
        first, second = GpioWard(["1"], factory=factory), GpioWard(["1"], factory=factory)
        first.start(Heard())
        with pytest.raises(WiringError, match="GPIO2"):
            second.start(Heard())
        await first.close()
        second.start(Heard())
        await second.close()

    asyncio.run(run())


def test_no_pin_has_two_jobs_and_all_are_on_the_header() -> None:
    used = [pin for bed in BOX_OF_FOUR.beds for pin in bed] + [BOX_OF_FOUR.amplifier]
    assert len(used) == len(set(used)) == 21
    assert set(used) <= set(range(2, 28)) - {14, 18, 19, 20, 21}


def test_a_pin_that_something_else_took_is_found_by_the_self_test() -> None:
    async def run() -> None:
        async with box() as (node, _hands, _heard):
            assert await node.selftest() == {bed: {"broken": []} for bed in "1234"}
            node._lights["2", "lamp"].pin.function = "input"
            assert (await node.selftest())["2"] == {"broken": ["lamp"]}

    asyncio.run(run())


def test_wrong_beds_are_refused() -> None:
    with pytest.raises(WiringError, match="5 beds"):
        GpioWard(["1", "2", "3", "4", "5"])
    with pytest.raises(WiringError, match="twice"):
        GpioWard(["1", "1"])


def test_a_test_press_reads_the_line_back_and_touches_no_lamp() -> None:
    async def run() -> None:
        async with box() as (node, hands, heard):
            before = hands.state()
            assert await node.prove("2") is None
            await eventually(lambda: heard.kinds("2") == ["test_press"], "the test press")
            assert hands.state() == before
            hands._pin("3", "red").drive_low()
            assert (await node.prove("3") or ("",))[0] == "button-down"
            await eventually(lambda: heard.kinds("3") == ["press"], "the press that it is")
            hands._pin("1", "red").function = "output"
            assert (await node.prove("1") or ("",))[0] == "pin-lost"

    asyncio.run(run())


def test_a_finger_that_comes_before_the_loop_looks_is_a_press_and_no_test_press() -> None:
    async def run() -> None:
        async with box() as (node, hands, heard):
            assert await node.prove("2") is None
            hands._pin("2", "red").drive_low()
            await eventually(lambda: "press" in heard.kinds("2"), "the press")
            await eventually(lambda: not node._inputs[3].test_wanted, "the loop to have looked")
            assert heard.kinds("2") == ["press"]

    asyncio.run(run())
