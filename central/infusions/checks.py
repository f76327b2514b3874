"""What a nurse may enter about a drip, and the words that say why not."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from central.errors import FieldError
from central.infusions.drip import FACTORS, MAX_RATE_GTT_MIN, MAX_VOLUME_ML
from central.store import Tx
from central.wards import model as wards

# A start further back than this is asked about: it is more often a slip than a late entry.
START_PAST_MS = 5 * 60_000
MAX_BOTTLES = 20
MAX_LABEL = 80
MAX_DRESSING_MIN = 14 * 24 * 60


@dataclass(frozen=True)
class Bottle:
    """A bottle as entered, checked."""

    ward: str
    bed: str
    volume_ml: int
    factor: int
    gtt_per_min: int
    last_bottle: bool
    of_bottles: int | None
    label: str
    started_ms: int


def whole(field: str, value: Any) -> int:
    """A whole number from a form or JSON value. Raises FieldError."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    text = "" if value is None else str(value).strip()
    if not text:
        raise FieldError(field, "Please enter a number.")
    digits = text.removeprefix("-")
    if not digits.isdecimal() or len(digits) > 9:
        raise FieldError(field, "“%(value)s” is not a whole number.", value=text[:20])
    return int(text)


def volume(value: Any, field: str = "volume_ml") -> int:
    number = whole(field, value)
    if not 0 < number <= MAX_VOLUME_ML:
        raise FieldError(
            field,
            "The volume must be between 1 and %(most)s mL; read it off the bottle.",
            most=MAX_VOLUME_ML,
        )
    return number


def factor(value: Any) -> int:
    number = whole("factor", value)
    if number not in FACTORS:
        raise FieldError(
            "factor",
            "%(value)s drops per mL is no known tube; the packing says 10, 15, 20 or 60.",
            value=number,
        )
    return number


def rate(value: Any, field: str = "gtt_per_min") -> int:
    number = whole(field, value)
    if not 0 < number <= MAX_RATE_GTT_MIN:
        raise FieldError(
            field,
            "The rate must be between 1 and %(most)s drops per minute; to halt the drip, pause it.",
            most=MAX_RATE_GTT_MIN,
        )
    return number


def remaining(value: Any, volume_ml: int) -> int:
    number = whole("remaining_ml", value)
    if not 0 <= number <= volume_ml:
        raise FieldError(
            "remaining_ml",
            "What is left must be between 0 and the bottle's %(most)s mL.",
            most=volume_ml,
        )
    return number


def place(tx: Tx, ward: Any, bed: Any) -> tuple[str, str]:
    """(ward, bed) that exist. Raises FieldError."""
    ward, bed = str(ward or ""), str(bed or "")
    if wards.ward(tx, ward) is None:
        raise FieldError("ward", "Please choose a ward.")
    if not bed:
        raise FieldError("bed", "Please choose a bed.")
    if wards.bed(tx, ward, bed) is None:
        raise FieldError("bed", "Ward %(ward)s has no bed %(bed)s.", ward=ward, bed=bed[:20])
    return ward, bed


def started(tx: Tx, value: Any, confirmed: bool) -> int:
    """The start in hospital ms (None: now). Raises FieldError for the future, and for more than
    5 min ago unless the nurse confirmed that."""
    if value is None or value == "":
        return tx.now_ms
    number = value if isinstance(value, int) else whole_ms(value)
    if number > tx.now_ms:
        raise FieldError(
            "started_ms", "The start lies in the future; start the drip when it is running."
        )
    if tx.now_ms - number > START_PAST_MS and not confirmed:
        raise FieldError(
            "started_ms",
            "The start lies more than 5 minutes back; check it, and confirm it if it is right.",
        )
    return number


def whole_ms(value: Any) -> int:
    text = str(value).strip()
    if not text.isdecimal() or len(text) > 15:
        raise FieldError("started_ms", "“%(value)s” is not a time of day.", value=text[:20])
    return int(text)


def bottles(value: Any, bottle_no: int, last: bool) -> int | None:
    """How many bottles there are in all; None when that is not known."""
    if value is None or value == "":
        return bottle_no if last else None
    number = whole("of_bottles", value)
    if not bottle_no <= number <= MAX_BOTTLES:
        raise FieldError(
            "of_bottles",
            "The number of bottles must be between %(least)s and %(most)s.",
            least=bottle_no,
            most=MAX_BOTTLES,
        )
    if last and number != bottle_no:
        raise FieldError("of_bottles", "The last bottle cannot be followed by another.")
    return number


def yes(value: Any) -> bool:
    """A tick box, or JSON's true."""
    return value is True or str(value).lower() in ("1", "on", "true", "yes")


def bottle(
    tx: Tx, given: Mapping[str, Any], bottle_no: int = 1
) -> tuple[Bottle | None, list[FieldError]]:
    """A new bottle from a form or JSON, and everything that is wrong with it."""
    wrong: list[FieldError] = []

    def checked(check: Callable[[], Any]) -> Any:
        try:
            return check()
        except FieldError as error:
            wrong.append(error)
            return None

    last = yes(given.get("last_bottle"))
    where = checked(lambda: place(tx, given.get("ward"), given.get("bed"))) or ("", "")
    found = Bottle(
        ward=where[0],
        bed=where[1],
        volume_ml=checked(lambda: volume(given.get("volume_ml"))),
        factor=checked(lambda: factor(given.get("factor"))),
        gtt_per_min=checked(lambda: rate(given.get("gtt_per_min"))),
        last_bottle=last,
        of_bottles=checked(lambda: bottles(given.get("of_bottles"), bottle_no, last)),
        label=str(given.get("label") or "").strip()[:MAX_LABEL],
        started_ms=checked(
            lambda: started(tx, given.get("started_ms"), yes(given.get("start_confirmed")))
        ),
    )
    if found.of_bottles == bottle_no and not wrong:
        found = Bottle(**(found.__dict__ | {"last_bottle": True}))
    return (None if wrong else found), wrong


def dressing_in(value: Any, field: str = "in_min") -> int:
    """Minutes until a dressing change."""
    number = whole(field, value)
    if not 0 < number <= MAX_DRESSING_MIN:
        raise FieldError(field, "The time must be between 1 minute and 14 days.")
    return number
