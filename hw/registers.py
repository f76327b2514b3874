"""The register map of a bedside unit, version 2 (Modbus RTU, 115,200 baud, 8N1).

Input registers, function 4. A poll reads the first ten at once.

| no. | name           | what it holds |
| --- | -------------- | ------------- |
| 0   | STATUS         | bits, see `Status` |
| 1   | BOOTS          | starts of the unit, kept in its flash; wraps |
| 2   | SERIAL         | low 16 bits of the serial number; two units at one address differ |
| 3   | OUTPUTS        | the coils as they are now, coil 0 in bit 0 |
| 4   | PRESSES        | presses of the red button since the unit's start |
| 5   | HOLDS          | of these, how many were held for 3 s |
| 6   | CORD_CHANGES   | pulls and resets of the cord together |
| 7   | PRESENCE_CHANGES | goings on and off of the presence button together |
| 8   | PLUG_CHANGES   | pulls and returns of the handset's plug together |
| 9   | TEST_PRESSES   | test presses that the unit saw at its own red input |
| 16  | MAP_VERSION    | 2 |
| 17  | FIRMWARE       | major in the high byte, minor in the low byte |
| 18, 19 | SERIAL_LONG | the whole serial number, high word first |
| 20  | SELFTEST       | 0 = all good; bits, see `SELFTEST_PARTS` |

Coils, functions 1 and 15; see `COILS`. Writing 1 to coil SELFTEST runs the self-test
(lamps flash for 1 s); the unit clears it when done. Writing 1 to coil TEST_PRESS makes the unit
press its own red button once: it closes the button's input as a finger would, through a resistor
that the unit can tell from a finger, for as long as its debouncing takes; the coil clears itself.

Rules a unit keeps
- All counters are 16 bits, wrap at 65,535, and start at 0 when the unit starts. Inputs are
  debounced in the unit (settled for 20 ms). A button already down at the start is not a press.
- Where a thing has two states its changes are counted, not its states: a pull and a reset
  between two polls is 2 changes, and the state in STATUS says which came last.
- Reading changes nothing, so an answer lost on the line costs nothing.
- A unit that nobody has polled for 5 s clears its REASSURANCE and SPEAKER coils: a light may
  not promise what nobody has heard.
- The blinking is done by the unit: BLINK at 1 Hz, FAST at 4 Hz, FAST wins over BLINK and
  either over steady.
- A test press counts in TEST_PRESSES and nowhere else, a finger in PRESSES and nowhere else, at
  the same moment too: neither can hide the other. While the button is down no test press is made.
- A test press lights nothing and moves no relay.

Since version 2: TEST_PRESSES and the coil TEST_PRESS. A box does not poll units of version 1.
"""

from collections.abc import Sequence
from typing import NamedTuple

from hw.errors import GarbledError
from hw.kinds import BLINK, FAST, OFF, STEADY

MAP_VERSION = 2
BAUD = 115_200
HOLD_MS = 3000
WRAP = 1 << 16

POLL_START, POLL_COUNT = 0, 10
IDENTITY_START, IDENTITY_COUNT = 16, 5

COILS = (
    "lamp", "lamp_blink", "lamp_fast",
    "reassurance", "reassurance_blink", "reassurance_fast",
    "speaker", "selftest", "test_press",
)  # fmt: skip
SPEAKER_COIL = COILS.index("speaker")
SELFTEST_COIL = COILS.index("selftest")
TEST_PRESS_COIL = COILS.index("test_press")
OUTPUTS_MASK = (1 << SELFTEST_COIL) - 1  # what the node sets and compares

LEVELS_MASK = 0b01110
CORD_LEVEL, PRESENCE_LEVEL, PLUGGED_LEVEL = 0b00010, 0b00100, 0b01000
AT_REST = PLUGGED_LEVEL

SELFTEST_PARTS = ("lamp", "reassurance light", "red button stuck", "speaker relay", "memory")

_PATTERN_BITS = {OFF: 0b000, STEADY: 0b001, BLINK: 0b010, FAST: 0b100}


class Status(NamedTuple):
    """The bits of STATUS, bit 0 first."""

    red: bool  # the button is down now
    cord: bool  # the cord is pulled
    presence: bool
    plugged: bool  # the patient's handset is in
    selftest_failed: bool

    @classmethod
    def of(cls, word: int) -> "Status":
        return cls(*(bool(word >> bit & 1) for bit in range(len(cls._fields))))

    def word(self) -> int:
        return sum(1 << bit for bit, on in enumerate(self) if on)


class Counters(NamedTuple):
    """What has happened at a unit since its start. The node keeps the last ones it dealt
    with, so that presses made while it was restarting are told afterwards."""

    serial: int
    boots: int
    presses: int
    holds: int
    cord: int
    presence: int
    plug: int
    tests: int
    levels: int  # STATUS without the button: cord, presence, plugged

    @classmethod
    def from_json(cls, kept: dict[str, int]) -> "Counters":
        """Raises KeyError or ValueError when `kept` is not what `_asdict()` gave."""
        known = {"tests": 0} | kept  # kept by a box that knew no test presses yet
        return cls(*(int(known[name]) for name in cls._fields))


class Reading(NamedTuple):
    """One poll of one unit."""

    status: Status
    outputs: int
    counters: Counters

    @classmethod
    def of(cls, words: Sequence[int]) -> "Reading":
        """Raises GarbledError when these cannot be the registers of a bedside unit."""
        if len(words) != POLL_COUNT or words[0] >> len(Status._fields) or words[3] >> len(COILS):
            raise GarbledError(f"these are not the registers of a bedside unit: {list(words)}")
        levels = words[0] & LEVELS_MASK
        counters = Counters(words[2], words[1], *words[4:POLL_COUNT], levels)  # type: ignore[call-arg]
        return cls(Status.of(words[0]), words[3], counters)

    def words(self) -> list[int]:
        serial, boots, *counts, _levels = self.counters
        return [self.status.word(), boots, serial, self.outputs, *counts]


class Identity(NamedTuple):
    """Who a unit is and how it feels."""

    map_version: int
    firmware: str
    serial: int
    broken: tuple[str, ...]  # parts that failed the self-test

    @classmethod
    def of(cls, words: Sequence[int]) -> "Identity":
        """Raises GarbledError for too few words."""
        if len(words) != IDENTITY_COUNT:
            raise GarbledError(f"{IDENTITY_COUNT} registers expected, {len(words)} came")
        version, firmware, high, low, selftest = words
        broken = tuple(part for bit, part in enumerate(SELFTEST_PARTS) if selftest >> bit & 1)
        return cls(version, f"{firmware >> 8}.{firmware & 255}", high << 16 | low, broken)


def outputs(lamp: str, reassurance: str, speaker: bool) -> int:
    """The coils for two light patterns and the relay, coil 0 in bit 0. Raises ValueError."""
    for pattern in (lamp, reassurance):
        if pattern not in _PATTERN_BITS:
            raise ValueError(f"unknown light pattern: {pattern}")
    return _PATTERN_BITS[lamp] | _PATTERN_BITS[reassurance] << 3 | int(speaker) << SPEAKER_COIL


def patterns(word: int) -> tuple[str, str, bool]:
    """(lamp, reassurance light, speaker relay) that the coils `word` show."""

    def shown(bits: int) -> str:
        return FAST if bits & 4 else BLINK if bits & 2 else STEADY if bits & 1 else OFF

    return shown(word & 7), shown(word >> 3 & 7), bool(word >> SPEAKER_COIL & 1)
