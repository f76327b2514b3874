"""Which pin of a Raspberry Pi does what in a ward box for four beds (BCM numbers).

Left free: 0 and 1 (HAT identification), 18 to 21 (I2S sound boards), 14 (the boot loader
drives it). Inputs stand where the Pi pulls up at power-on, as far as these pins reach, and
lights where it pulls down, so that no lamp flashes while the box starts.
"""

from typing import NamedTuple


class BedPins(NamedTuple):
    """Inputs close to ground; outputs switch a transistor."""

    red: int
    presence: int
    cord: int
    lamp: int
    reassurance: int


class BoxPins(NamedTuple):
    beds: tuple[BedPins, ...]
    amplifier: int


BOX_OF_FOUR = BoxPins(
    beds=(
        BedPins(red=2, presence=3, cord=4, lamp=12, reassurance=13),
        BedPins(red=5, presence=6, cord=7, lamp=17, reassurance=22),
        BedPins(red=8, presence=9, cord=10, lamp=23, reassurance=24),
        BedPins(red=11, presence=15, cord=16, lamp=25, reassurance=26),
    ),
    amplifier=27,
)
