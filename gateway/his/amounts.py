"""Numbers as senders write them: money to the fen, quantities, times and rates."""

import re
from decimal import ROUND_HALF_UP, Decimal

from gateway.his.refusals import (
    REFUSED,
    WRONG_CURRENCY,
    WRONG_DATA,
    WRONG_FIELD,
    RefusedError,
)
from gateway.his.segments import Segment

# Bounded, so that no exponent and no row of digits costs anything.
_NUMBER = re.compile(r"[+-]?(\d{1,12}(\.\d{0,8})?|\.\d{1,8})$")
_OURS = {"", "CNY", "RMB", "CN¥", "¥", "元", "人民币"}
_MILLI = 1000


def number(text: str) -> Decimal | None:
    return Decimal(text) if _NUMBER.match(text) else None


def decimal(segment: Segment, field: int) -> Decimal | None:
    """A field's number; None when empty. Raises RefusedError naming the field."""
    text = segment.get(field)
    found = number(text)
    if found is None and text:
        raise wrong(f"{segment.name}-{field}", text)
    return found


def fen(segment: Segment, field: int, *, exact: bool = True) -> int | None:
    """Money of "12.50&CNY" in fen; None when empty. Parts of a fen are refused, or, unless
    `exact`, make it None. Raises RefusedError naming the field."""
    yuan = decimal(segment, field)
    if yuan is None:
        return None
    currency = segment.get(field, sub=2).upper()
    if currency not in _OURS:
        raise RefusedError(
            REFUSED, WRONG_DATA, WRONG_CURRENCY,
            field=f"{segment.name}-{field}", value=currency[:20],
        )  # fmt: skip
    amount = yuan * 100
    if amount != amount.to_integral_value():
        if exact:
            raise wrong(f"{segment.name}-{field}", segment.get(field))
        return None
    return int(amount)


def milli(segment: Segment, field: int, default: int) -> int:
    """A quantity in thousandths. Raises RefusedError naming the field."""
    found = decimal(segment, field)
    return default if found is None else whole(found * _MILLI)


def whole(value: Decimal) -> int:
    return int(value.to_integral_value(ROUND_HALF_UP))


def wrong(field: str, value: str) -> RefusedError:
    return RefusedError(REFUSED, WRONG_DATA, WRONG_FIELD, field=field, value=value[:40])
