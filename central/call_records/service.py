"""Makes records of what the exchange wrote down, and reckons what calls cost."""

import logging
import re
from collections.abc import Iterable, Mapping, Sequence

from central.audit import model as audit
from central.call_records import joining, model
from central.call_records.joining import INWARD, NOTICE, OUTWARD, Joined, Leg
from central.call_records.model import About
from central.console.marks import N_
from central.directory import checks
from central.directory import model as directory
from central.errors import FieldError
from central.store import HOSPITAL, Tx, is_trouble
from gateway.telephone.cel import CallEvent

log = logging.getLogger("wardline.telephone")

CHANGED = "call_records"
# A rate is for each begun minute or each begun six seconds.
UNITS_S = (60, 6)
FEN = (0, 100_000)
# Events are kept so long after a call's last one: what comes late or twice is still known.
KEEP_MS = 2 * 24 * 3_600_000
_SIGNS = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}


def take(
    tx: Tx, events: Iterable[CallEvent], cursor: Mapping[str, int], torn: int = 0
) -> list[int]:
    """Keep what was read up to `cursor`, and make records of the calls that are over. Their
    numbers. What was read before changes nothing."""
    fresh = [each for each in events if model.keep(tx, each)]
    model.read_to(tx, cursor, torn)
    return _settle(tx, fresh)


def started(tx: Tx, at_ms: int) -> list[int]:
    """The exchange was started at `at_ms`: calls from before have ended, whatever it could not
    write any more. The numbers of their records."""
    tx.execute(
        "UPDATE call_reading SET exchange_started_ms = max(exchange_started_ms, ?)", (at_ms,)
    )
    return _settle(tx, model.unfinished(tx, at_ms))


def tidy(tx: Tx) -> None:
    """Let go of events that are long over."""
    before_ms = tx.clock.real_ms() - KEEP_MS
    _settle(tx, model.unfinished(tx, before_ms), over_before_ms=before_ms)
    model.forget(tx, before_ms)


def _settle(tx: Tx, fresh: Sequence[CallEvent], over_before_ms: int = 0) -> list[int]:
    if not fresh:
        return []
    over_before_ms = max(over_before_ms, model.exchange_started_ms(tx))
    written = []
    for group in joining.groups(model.connected(tx, fresh)):
        if not joining.over(group) and group[-1].at_us >= over_before_ms * 1000:
            continue
        try:
            with tx.savepoint():
                call = joining.join(group)
                record = None if call is None else _write(tx, call)
        except Exception as error:
            if is_trouble(error):
                raise
            # A mistake about one call is no reason to lose the others.
            log.exception("the call %s is not recorded", group[0].linked)
            continue
        if record is not None:
            written.append(record)
    if written:
        tx.changed(HOSPITAL, CHANGED)
    return written


def _write(tx: Tx, call: Joined) -> int | None:
    ways = [(leg, _route(tx, leg) if leg is not call.caller else "") for leg in call.legs]
    outside = next(((leg, route) for leg, route in ways if leg.trunk and route), None)
    phone = directory.phone(tx, call.caller.endpoint)
    shown = call.caller.number or (phone["number"] if phone else "")
    # Who calls from outside dials our number there.
    inside = tx.value("SELECT inside FROM trunk_numbers WHERE outside = ?", (call.dialled,))
    called = inside if inside and call.direction == INWARD else call.dialled
    service = tx.one("SELECT purpose FROM services WHERE number = ?", (called,))
    if call.direction == NOTICE:
        # Wardline rings: the telephone is called, by whatever number it was shown.
        about = About(caller=call.dialled, called=phone["number"] if phone else shown)
    else:
        about = About(
            caller=shown,
            called=called,
            purpose=service["purpose"] if service else "",
            route=outside[1] if outside and call.direction == OUTWARD else "",
            rights=phone["rights"] if phone else "",
        )
    legs = [(leg, route, cost_fen(tx, leg, route)) for leg, route in ways]
    return model.write(tx, call, about, legs)


def _route(tx: Tx, leg: Leg) -> str:
    """By which route a leg went outside; "" for one within the house."""
    if leg.trunk is None:
        return ""
    patterns = tx.all(
        "SELECT route, pattern FROM route_patterns JOIN routes ON routes.name = route"
        " WHERE trunk = ? ORDER BY 1, 2",
        (leg.trunk,),
    )
    return next((row["route"] for row in patterns if fits(row["pattern"], leg.dialled)), "")


def fits(pattern: str, number: str) -> bool:
    """Whether a number is one of a route's pattern of fixed length."""
    return bool(re.fullmatch("".join(_SIGNS.get(each, each) for each in pattern), number))


def cost_fen(tx: Tx, leg: Leg, route: str) -> int:
    """What a leg to the outside costs by the rate in force when it was answered."""
    if not route or leg.answered_ms is None:
        return 0
    rate = model.rate(tx, route, leg.answered_ms)
    if rate is None:
        return 0
    unit_ms = rate["unit_s"] * 1000
    return -(-(leg.ended_ms - leg.answered_ms) // unit_ms) * int(rate["fen"])


def set_rate(
    tx: Tx, route: str, *, unit_s: int, fen: int, from_ms: int, by: str = "system"
) -> None:
    """From `from_ms` on each begun `unit_s` seconds over `route` cost `fen`. Calls that were
    recorded keep what they cost. Raises FieldError."""
    if tx.one("SELECT 1 FROM routes WHERE name = ?", (route,)) is None:
        raise FieldError("route", N_("There is no such route."))
    if unit_s not in UNITS_S:
        raise FieldError("unit_s", N_("A call is charged by the minute or by six seconds."))
    checks.within("fen", fen, FEN)
    tx.execute(
        "INSERT OR REPLACE INTO call_rates (route, from_ms, unit_s, fen) VALUES (?, ?, ?, ?)",
        (route, from_ms, unit_s, fen),
    )
    audit.append(tx, by, "call_rate.set", f"route/{route}", detail={"unit_s": unit_s, "fen": fen})
