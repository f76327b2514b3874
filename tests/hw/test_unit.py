"""The virtual bedside unit keeps the rules of its firmware."""

import asyncio

import pytest

from hw.registers import SELFTEST_COIL, Reading, outputs, patterns
from hw.virtual.unit import FORGOTTEN_AFTER_MS, PRESS_MS, VirtualUnit

from .conftest import eventually


def test_a_unit_nobody_polls_takes_back_its_promises() -> None:
    now_ms = 0
    unit = VirtualUnit(7, clock_ms=lambda: now_ms)
    lit = outputs("blink", "steady", True)
    unit.write_coils(0, [bool(lit >> coil & 1) for coil in range(SELFTEST_COIL)])
    now_ms = FORGOTTEN_AFTER_MS
    assert patterns(Reading.of(unit.registers(0)).outputs) == ("blink", "steady", True)
    now_ms += FORGOTTEN_AFTER_MS + 1
    assert patterns(Reading.of(unit.registers(0)).outputs) == ("blink", "off", False)


def test_a_finger_stays_a_moment_and_a_hold_counts_at_its_end() -> None:
    async def run() -> None:
        unit = VirtualUnit(7, hold_ms=PRESS_MS)
        unit.operate("hold")
        reading = Reading.of(unit.registers(0))
        assert reading.status.red
        assert (reading.counters.presses, reading.counters.holds) == (1, 0)
        await eventually(lambda: not unit.state()["red"], "the finger to lift")
        assert Reading.of(unit.registers(0)).counters.holds == 1

    asyncio.run(run())


def test_a_reboot_lifts_the_finger_and_begins_to_count_anew() -> None:
    async def run() -> None:
        unit = VirtualUnit(7)
        unit.operate("hold")
        before = Reading.of(unit.registers(0)).counters
        unit.operate("reboot")
        after = Reading.of(unit.registers(0)).counters
        assert (after.boots, after.presses) == (before.boots + 1, 0)
        assert not unit.state()["red"]

    asyncio.run(run())


def test_turning_what_is_turned_already_is_no_change() -> None:
    unit = VirtualUnit(7)
    unit.operate("plug")
    unit.operate("cord_reset")
    counters = Reading.of(unit.registers(0)).counters
    assert (counters.plug, counters.cord) == (0, 0)
    with pytest.raises(ValueError, match="dance"):
        unit.operate("dance")
