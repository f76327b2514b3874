"""From the bytes of a JSON body to what is known of them. Never raises: what cannot be read is
told, with the field and the remedy."""

import codecs
import json
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import cache
from typing import Any

import fastjsonschema

from gateway.his.adt import NEEDS_LOCATION, AdtEvent, Location
from gateway.his.events import (
    AccountEvent,
    Charge,
    ChargeEvent,
    ExamEvent,
    HisEvent,
    InfusionOrderEvent,
    SettlementEvent,
)
from gateway.his.header import Header
from gateway.his.http import refusals, schemas
from gateway.his.http.refusals import IMPOSSIBLE, BodyRefusedError
from gateway.his.message import Parsed

ENCODINGS = ("utf-8", "gb18030")
MAX_BODY_BYTES = 1024 * 1024
# Every reader of JSON agrees on whole numbers up to here (RFC 7493), and SQLite can hold them.
LARGEST_NUMBER = 2**53 - 1

Body = dict[str, Any]


def parse(kind: str, raw: bytes, encoding: str, sender: str, control_id: str) -> Parsed:
    """Read a body of a kind of `schemas`. `encoding`: one of ENCODINGS, as its Content-Type says.
    The header of what is returned holds what HTTP told: sender, number and kind."""
    header = Header(app=sender, control_id=control_id, type=kind, charset=encoding)
    try:
        text = _decode(raw, encoding)
        body = _loads(text)
        _check(kind, body)
        event = _EVENTS[kind](body, sender, control_id)
    except BodyRefusedError as error:
        return Parsed(encoding, "", header, (), error.refusal)
    return Parsed(encoding, text, header, (event,), None)


def same(kind: str, raw: bytes, encoding: str) -> bytes:
    """What two bodies of a kind that say the same have in common, however they are spaced and
    ordered; the bytes themselves where they are no JSON."""
    try:
        body = _loads(_decode(raw, encoding))
    except BodyRefusedError:
        return kind.encode() + b" " + raw
    said = json.dumps(body, ensure_ascii=False, sort_keys=True, default=str)
    return f"{kind} {said}".encode()


def codec(charset: str) -> str | None:
    """The name in ENCODINGS of a charset of Content-Type ("" means UTF-8); None: not taken."""
    try:
        name = codecs.lookup(charset or "utf-8").name
    except (LookupError, ValueError):
        return None
    name = "gb18030" if name in ("gbk", "gb2312") else name
    return name if name in ENCODINGS else None


# --- JSON ---


def _decode(raw: bytes, encoding: str) -> str:
    try:
        return raw.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        name = encoding.upper()
        raise BodyRefusedError(refusals.NOT_ENCODED, encoding=name) from error


def _loads(text: str) -> Any:
    try:
        body = json.loads(
            text, parse_int=_whole, parse_float=_number, parse_constant=_no_number,
            object_pairs_hook=_once,
        )  # fmt: skip
    except RecursionError as error:
        raise BodyRefusedError(refusals.TOO_DEEP) from error
    except json.JSONDecodeError as error:
        detail = f"{error.msg}, line {error.lineno} column {error.colno}"
        raise BodyRefusedError(refusals.NO_JSON, detail=detail) from error
    if "\\u" in text:  # halves come by escapes alone
        try:
            json.dumps(body, ensure_ascii=False, default=str).encode()
        except UnicodeEncodeError as error:
            raise BodyRefusedError(refusals.HALF_CHARACTER) from error
    return body


def _whole(text: str) -> int:
    # Compared by length first: a number of a million digits takes seconds to read.
    if len(text) > len(str(-LARGEST_NUMBER)) or abs(int(text)) > LARGEST_NUMBER:
        raise BodyRefusedError(refusals.NUMBER, number=text[:40])
    return int(text)


def _number(text: str) -> int | Decimal:
    """Exact; a whole one as an int, as JSON Schema has it ("1.0" is an integer)."""
    try:
        number = Decimal(text)
    except InvalidOperation as error:
        raise BodyRefusedError(refusals.NUMBER, number=text[:40]) from error
    if len(text) > 400 or not -400 <= number.adjusted() <= 15:
        if not number:
            return 0
        raise BodyRefusedError(refusals.NUMBER, number=text[:40])
    return int(number) if number == number.to_integral_value() else number


def _no_number(text: str) -> None:
    raise BodyRefusedError(refusals.NUMBER, number=text)


def _once(pairs: list[tuple[str, Any]]) -> Body:
    body = dict(pairs)
    if len(body) < len(pairs):
        names = [name for name, _ in pairs]
        name = next(each for each in names if names.count(each) > 1)
        raise BodyRefusedError(refusals.TWICE, field=name[:80])
    return body


# --- the schema's verdict in words ---


@cache
def _validator(kind: str) -> Any:
    schema = {"$schema": "http://json-schema.org/draft-07/schema#", **schemas.SCHEMAS[kind]}
    return fastjsonschema.compile(schema, use_default=False)


def _check(kind: str, body: Any) -> None:
    try:
        _validator(kind)(body)
    except fastjsonschema.JsonSchemaValueException as error:
        raise _told(error) from error


def _told(error: fastjsonschema.JsonSchemaValueException) -> BodyRefusedError:
    at, rule, value = _field(error.path), error.rule, error.rule_definition
    if rule == "required":
        missing = next(each for each in value if each not in error.value)
        return BodyRefusedError(refusals.MISSING, _under(at, missing))
    if rule == "additionalProperties":
        unknown = next(each for each in error.value if each not in error.definition["properties"])
        return BodyRefusedError(refusals.UNKNOWN, _under(at, str(unknown)[:80]))
    at = at or "(body)"
    if rule == "type":
        return BodyRefusedError(refusals.WRONG_TYPE, at, type=str(value))
    if rule == "enum":
        return BodyRefusedError(
            refusals.WRONG_CHOICE, at, choices=", ".join(f'"{each}"' for each in value)
        )
    if rule == "maxLength":
        return BodyRefusedError(refusals.TOO_LONG, at, most=str(value))
    if rule == "minLength":
        return BodyRefusedError(refusals.EMPTY, at)
    if rule == "pattern":
        return BodyRefusedError(_PATTERNS[value], at)
    if rule in ("minimum", "maximum", "minItems", "maxItems"):
        count = rule.endswith("Items")
        least, most = ("minItems", "maxItems") if count else ("minimum", "maximum")
        return BodyRefusedError(
            refusals.WRONG_COUNT if count else refusals.OUT_OF_RANGE, at,
            least=str(error.definition[least]), most=str(error.definition[most]),
        )  # fmt: skip
    return BodyRefusedError(refusals.OTHER, at, detail=str(rule))


_PATTERNS = {
    schemas.TIME: refusals.NO_TIME,
    schemas.BIRTH: refusals.NO_BIRTH,
    schemas.NO_BLANKS: refusals.BLANKS,
    schemas.NO_CONTROLS: refusals.CONTROLS,
}


def _field(path: list[Any]) -> str:
    """["data", "charges", 0, "id"] as charges[0].id."""
    at = ""
    for part in path[1:]:
        at = f"{at}[{part}]" if str(part).isdigit() else _under(at, str(part))
    return at


def _under(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name


# --- from the body to the event ---


def _time(body: Body, name: str, at: str = "") -> datetime | None:
    text = body.get(name)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise BodyRefusedError(refusals.NO_SUCH_DAY, _under(at, name), IMPOSSIBLE) from error


def _birth(body: Body) -> str:
    text: str = body.get("birth", "")
    if len(text) == len("1961-06-15"):
        try:
            datetime.fromisoformat(text)
        except ValueError as error:
            raise BodyRefusedError(refusals.NO_SUCH_DAY, "birth", IMPOSSIBLE) from error
    return text


def _say(body: Body, name: str) -> str:
    return str(body.get(name, "")).strip()


def _who(body: Body, sender: str, control_id: str) -> dict[str, Any]:
    return {
        "control_id": control_id,
        "sender": sender,
        "patient_id": body["patient_id"],
        # Without a number of the visit a patient has one at a time.
        "visit": _say(body, "visit") or body["patient_id"],
        "sent_at": _time(body, "sent_at"),
    }


def _location(body: Body, name: str) -> Location:
    given = body.get(name, {})
    return Location(*(_say(given, part) for part in ("point", "room", "bed", "facility")))


def _stay(body: Body, sender: str, control_id: str) -> HisEvent:
    location = _location(body, "location")
    if body["what"] in NEEDS_LOCATION and not location.code:
        raise BodyRefusedError(refusals.NO_PLACE, "location", IMPOSSIBLE)
    return AdtEvent(
        kind=body["what"],
        name=_say(body, "name"),
        sex=body.get("sex", ""),
        birth=_birth(body),
        location=location,
        prior_location=_location(body, "prior_location"),
        admit_type=body.get("admit_type", "other"),
        occurred_at=_time(body, "occurred_at"),
        admitted_at=_time(body, "admitted_at"),
        **_who(body, sender, control_id),
    )


def _charges(body: Body, sender: str, control_id: str) -> HisEvent:
    seen: set[str] = set()
    for each in body["charges"]:
        if each["id"] in seen:
            raise BodyRefusedError(
                refusals.CHARGED_TWICE, status=IMPOSSIBLE, id=each["id"]
            )  # fmt: skip
        seen.add(each["id"])
    return ChargeEvent(
        charges=tuple(_charge(each, f"charges[{n}]") for n, each in enumerate(body["charges"])),
        **_who(body, sender, control_id),
    )


def _charge(body: Body, at: str) -> Charge:
    quantity_milli = Decimal(body.get("quantity", 1)) * 1000
    if quantity_milli != quantity_milli.to_integral_value():
        raise BodyRefusedError(refusals.DECIMALS, _under(at, "quantity"), IMPOSSIBLE)
    return Charge(
        id=body["id"],
        code=_say(body, "code"),
        text=_say(body, "text"),
        quantity_milli=int(quantity_milli),
        amount_fen=body["amount_fen"],
        unit_fen=body.get("unit_fen"),
        service_at=_time(body, "service_at", at),
        original=_say(body, "original"),
        insured_fen=body.get("insured_fen"),
        plan=_say(body, "plan"),
        department=_say(body, "department"),
    )


def _account(body: Body, sender: str, control_id: str) -> HisEvent:
    return AccountEvent(
        account=_say(body, "account"),
        balance_fen=body.get("balance_fen"),
        charged_fen=body.get("charged_fen"),
        paid_fen=body.get("paid_fen"),
        is_closed=body.get("is_closed", False),
        **_who(body, sender, control_id),
    )


def _settlement(body: Body, sender: str, control_id: str) -> HisEvent:
    return SettlementEvent(
        settlement=body["settlement"],
        medfee_sumamt=body["medfee_sumamt"],
        psn_part_amt=body["psn_part_amt"],
        fulamt_ownpay_amt=body.get("fulamt_ownpay_amt"),
        overlmt_selfpay=body.get("overlmt_selfpay"),
        preselfpay_amt=body.get("preselfpay_amt"),
        inscp_scp_amt=body.get("inscp_scp_amt"),
        act_pay_dedc=body.get("act_pay_dedc"),
        hifp_pay=body.get("hifp_pay"),
        psn_cash_pay=body.get("psn_cash_pay"),
        settled_at=_time(body, "settled_at"),
        is_cancelled=body.get("is_cancelled", False),
        **_who(body, sender, control_id),
    )


def _rate(body: Body, name: str) -> float | None:
    return float(body[name]) if name in body else None


def _infusion(body: Body, sender: str, control_id: str) -> HisEvent:
    return InfusionOrderEvent(
        what=body["what"],
        order=body["order"],
        group=_say(body, "group"),
        code=_say(body, "code"),
        text=_say(body, "text"),
        volume_ml=body.get("volume_ml"),
        rate_text=_say(body, "rate_text"),
        rate_ml_per_h=_rate(body, "rate_ml_per_h"),
        rate_drops_per_min=_rate(body, "rate_drops_per_min"),
        drop_factor=body.get("drop_factor"),
        starts_at=_time(body, "starts_at"),
        **_who(body, sender, control_id),
    )


def _exam(body: Body, sender: str, control_id: str) -> HisEvent:
    booking, order = _say(body, "booking"), _say(body, "order")
    if not booking and not order:
        raise BodyRefusedError(refusals.NO_NUMBER, status=IMPOSSIBLE)
    return ExamEvent(
        name=_say(body, "name"),
        what=body["what"],
        booking=booking or order,
        order=order,
        code=_say(body, "code"),
        text=_say(body, "text"),
        room=_say(body, "room"),
        starts_at=_time(body, "starts_at"),
        duration_min=body.get("duration_min"),
        location=_location(body, "location").code,
        **_who(body, sender, control_id),
    )


_EVENTS = {
    schemas.STAYS: _stay,
    schemas.CHARGES: _charges,
    schemas.ACCOUNTS: _account,
    schemas.SETTLEMENTS: _settlement,
    schemas.INFUSIONS: _infusion,
    schemas.EXAMS: _exam,
}
