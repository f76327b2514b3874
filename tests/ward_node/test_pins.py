"""The communicator's lights on its pins, by real MicroPython."""

from typing import Any

import pytest

from tests.ward_node import remote
from ward_node.contract import kinds

PINS = {"red": 2, "presence": 3, "lamp": 4, "reassurance": 5, "buzzer": 6}


class Clock:
    def __init__(self) -> None:
        self.now_ms = 0

    def __call__(self) -> int:
        return self.now_ms


@pytest.mark.parametrize(
    ("pattern", "a_second"),
    [
        (kinds.OFF, [0, 0, 0, 0, 0, 0, 0, 0]),
        (kinds.STEADY, [1, 1, 1, 1, 1, 1, 1, 1]),
        (kinds.BLINK, [1, 1, 1, 1, 0, 0, 0, 0]),
        (kinds.FAST, [1, 0, 1, 0, 1, 0, 1, 0]),
    ],
)
def test_each_pattern_is_what_the_pin_carries(pattern: str, a_second: list[int]) -> None:
    peer = remote.peer()
    board: Any = peer.of("ward_node.micropython.virtual", "Bench")()
    clock = Clock()
    it = peer.of("ward_node.micropython.communicator", "Communicator")(PINS, board.make, clock)
    seen = []
    for step in range(8):
        clock.now_ms = step * 125
        it.show("lamp", pattern)
        seen.append(board.pins[PINS["lamp"]].value())
    assert seen == a_second
    assert board.pins[PINS["reassurance"]].value() == 0


def test_buttons_are_pulled_up_and_the_buzzer_is_silent_at_the_start() -> None:
    peer = remote.peer()
    board: Any = peer.of("ward_node.micropython.virtual", "Bench")()
    peer.of("ward_node.micropython.communicator", "Communicator")(PINS, board.make, Clock())
    levels = {name: board.pins[number].value() for name, number in PINS.items()}
    assert levels == {"red": 1, "presence": 1, "lamp": 0, "reassurance": 0, "buzzer": 0}


def test_the_steady_clock_goes_on_over_the_ticks_new_start() -> None:
    """A board's ticks begin again after 2^30 ms; here they are set by hand."""
    peer = remote.peer()
    shim = peer.ask("module", "ward_node.micropython.shim")

    class Ticks:
        now = (1 << 30) - 100

        def ticks_ms(self) -> int:
            return self.now

        def ticks_diff(self, end: int, start: int) -> int:
            half = 1 << 29
            return ((end - start + half) & ((1 << 30) - 1)) - half

    ticks, real = Ticks(), shim._time
    shim._time = ticks
    try:
        clock = shim.SteadyClock()
        began = clock()
        ticks.now = 50
        assert clock() - began == 150
        assert clock() - began == 150
    finally:
        shim._time = real
