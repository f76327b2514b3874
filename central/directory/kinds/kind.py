"""What a page must know of a kind of thing: its list, its form, and the rules behind them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from central.console.marks import N_
from central.directory import present
from central.directory.present import Values
from central.directory.removing import Use
from central.errors import FieldError
from central.store import Tx

# A choice: what is sent, and its words.
Choices = Callable[[Tx], list[tuple[str, str]]]
TEXT, NUMBER, SECRET, CHOICE, MANY, LINES = "text", "number", "secret", "choice", "many", "lines"


@dataclass(frozen=True)
class Field:
    """A field of a form. fixed: given when the thing is added, and never changed."""

    name: str
    label: str
    shape: str = TEXT
    hint: str = ""
    choices: Choices | None = None
    # The words for choosing nothing; None: something must be chosen.
    empty: str | None = None
    fixed: bool = False
    # How a fixed value is shown.
    shown: Callable[[Any], str] = str
    required: bool = True
    value: Any = ""


@dataclass(frozen=True)
class Kind:
    """path: its part of the address; code: what the audit calls one. rows: a list of what each
    row shows by column, besides "ref", what it is known by."""

    path: str
    code: str
    title: str
    one: str
    new: str
    explained: str
    empty: str
    columns: dict[str, str]
    fields: Sequence[Field]
    rows: Callable[[Tx], list[dict[str, Any]]]
    present: present.Present
    add: Callable[[Tx, Values, str], str]
    # What it answers is nobody's.
    change: Callable[[Tx, str, Values, str], object]
    remove: Callable[[Tx, str, str], None]
    # What it is called on its page, by its values.
    named: Callable[[Values], str]
    # What goes when it is removed, in words; and what keeps it from being removed.
    lost: Callable[[Tx, str], str]
    uses: Callable[[Tx, str], list[Use]] = field(default=lambda _tx, _ref: [])


# A number of the house that is given once.
HOUSE_NUMBER = Field("number", N_("Telephone number"), fixed=True, hint=N_("2 to 8 digits."))


def whole(values: Values, name: str) -> int:
    text = str(values[name])
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise FieldError(name, N_("Give a whole number."))
    return int(text)


def words(text: str) -> list[str]:
    return text.replace(",", " ").replace("，", " ").replace("、", " ").split()


def joined(tx: Tx, sql: str, between: str = " ") -> dict[str, str]:
    """The second column by the first, as one text."""
    found: dict[str, list[str]] = {}
    for key, value in tx.all(f"{sql} ORDER BY 1, 2"):
        found.setdefault(key, []).append(str(value))
    return {key: between.join(values) for key, values in found.items()}
