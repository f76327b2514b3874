"""What an entry of each kind of section holds. Forms, tables, pages and the telephone follow this.

A field that is in both languages has a value `<name>_zh` and one `<name>_en`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from central.console.marks import N_

PLAIN, EXPERT, MEDICINE = "plain", "expert", "medicine"
KINDS = {PLAIN: N_("Texts"), EXPERT: N_("Experts"), MEDICINE: N_("Medicines")}
LANGS = ("zh", "en")
IN = {"zh": N_("Chinese"), "en": N_("English")}

RANKS = {
    "chief": N_("Chief physician"),
    "associate": N_("Associate chief physician"),
    "attending": N_("Attending physician"),
    "resident": N_("Resident physician"),
}
INSURED = {
    "A": N_("Class A, covered"),
    "B": N_("Class B, covered after a first self-pay"),
    "C": N_("Class C, at one's own expense"),
}


@dataclass(frozen=True)
class Field:
    """most: characters. lines: of its box in a form; from two on line breaks are kept. choices:
    what may stand there, with its words."""

    name: str
    label: str
    most: int = 100
    both: bool = True
    lines: int = 1
    choices: Mapping[str, str] | None = None
    is_money: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of its values."""
        return tuple(f"{self.name}_{lang}" for lang in LANGS) if self.both else (self.name,)


TITLE = Field("title", N_("Title"), 60)
TEXT = Field("text", N_("Text"), 4000, lines=8)
PRICE = "price_fen"
_OWN: dict[str, tuple[Field, ...]] = {
    PLAIN: (),
    EXPERT: (
        Field("department", N_("Department"), 60),
        Field("rank", N_("Professional title"), both=False, choices=RANKS),
        Field("specialities", N_("Special fields"), 300, lines=2),
        Field("clinic", N_("Clinic hours"), 300, lines=2),
    ),
    MEDICINE: (
        Field("spec", N_("Strength and pack"), 100),
        Field(PRICE, N_("Price of a unit, in yuan"), 16, both=False, is_money=True),
        Field("unit", N_("Unit of sale"), 20),
        Field("insured", N_("Insurance class"), both=False, choices=INSURED),
    ),
}


def fields(kind: str) -> tuple[Field, ...]:
    """All of a kind in their order."""
    return (TITLE, *_OWN[kind], TEXT)


@cache
def columns(kind: str) -> tuple[tuple[str, Field], ...]:
    """The name of each value, with its field."""
    return tuple((column, field) for field in fields(kind) for column in field.columns)


def lacks_english(kind: str, values: Mapping[str, Any]) -> bool:
    """Whether something is there in Chinese and not in English."""
    return any(
        values[f"{field.name}_zh"] and not values[f"{field.name}_en"]
        for field in fields(kind)
        if field.both
    )
