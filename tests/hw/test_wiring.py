"""The wiring document says what the code does."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hw.pins import BOX_OF_FOUR
from hw.registers import BAUD
from hw.virtual.unit import VirtualUnit

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "wiring.md").read_text()


def test_the_pins_are_those_of_the_map() -> None:
    rows = re.findall(r"^\| (?:first|second|third|fourth) \| (.+) \|$", TEXT, re.MULTILINE)
    written = [tuple(int(pin) for pin in row.split(" | ")) for row in rows]
    assert written == [tuple(bed) for bed in BOX_OF_FOUR.beds]
    assert f"amplifier relay is on {BOX_OF_FOUR.amplifier}:" in TEXT
    assert f"{BAUD:,} baud" in TEXT


def test_every_control_is_named() -> None:
    with pytest.raises(ValueError, match="there are") as refusal:
        VirtualUnit(1).operate("dance")
    controls = str(refusal.value).partition("there are ")[2].split(", ")
    assert [control for control in controls if f"`{control}`" not in TEXT] == []


def test_the_drawing_is_one() -> None:
    drawing = ElementTree.parse(DOCS / "wiring.svg").getroot()
    assert drawing.tag == "{http://www.w3.org/2000/svg}svg"
    assert "(wiring.svg)" in TEXT
