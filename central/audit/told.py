"""The thing and the details of an entry, in words."""

import json
from typing import NamedTuple

from central.console.context import _, ward_name
from central.console.marks import N_

# The first part of a reference: its words, and the page of the thing ("" where it has none).
# %(a)s is what follows, %(b)s what follows that; %(ward)s the name of the ward %(a)s.
THINGS = {
    "address": (N_("from %(a)s"), ""),
    "announcement": (N_("announcement %(a)s"), "/announcements/%(a)s"),
    "bed": (N_("%(ward)s, bed %(b)s"), "/beds/%(a)s/%(b)s"),
    "beds": (N_("beds of %(ward)s"), "/beds?ward=%(a)s"),
    "board": (N_("board of %(ward)s"), "/board/%(a)s"),
    "broadcast": (N_("broadcast %(a)s"), "/broadcasts/%(a)s"),
    "call": (N_("call %(a)s"), "/calls/%(a)s"),
    "call_record": (N_("call record %(a)s"), "/call-records/%(a)s"),
    "class": (N_("permission class %(a)s"), "/directory/classes/%(a)s"),
    "exam": (N_("examination %(a)s"), ""),
    "exam_code": (N_("room code %(b)s of %(a)s"), "/exam-rooms"),
    "exam_room": (N_("examination room %(a)s"), "/exams/%(a)s"),
    "extension": (N_("extension %(a)s"), "/directory/extensions/%(a)s"),
    "fault": (N_("fault %(a)s"), "/faults"),
    "fee_item": (N_("catalogue item %(a)s"), "/fees/items?find=%(a)s"),
    "fee_rules": (N_("insurance rules %(a)s"), "/fees/rules/%(a)s"),
    "fees": (N_("fees of patient %(a)s"), "/fees/patients/%(a)s"),
    "flow": (N_("spoken menu %(a)s"), "/flows/%(a)s"),
    "group": (N_("pick-up group %(a)s"), "/directory/groups/%(a)s"),
    "his": (N_("hospital message %(a)s"), "/his/messages/%(a)s"),
    "information": (N_("public information"), "/contents/%(a)s"),
    "infusion": (N_("drip %(a)s"), "/infusions/%(a)s"),
    "day": ("%(a)s", "/hours/days"),
    "hours": (N_("opening hours"), "/hours?plan=%(a)s"),
    "place": (N_("named place"), "/directory/places/%(a)s"),
    "left_message": (N_("message left %(a)s"), "/left-messages"),
    "location": (N_("location %(b)s of %(a)s"), "/his/locations"),
    "mailbox": (N_("mailbox of %(a)s"), "/directory/mailboxes/%(a)s"),
    "node": (N_("box %(a)s"), "/nodes/%(a)s"),
    "notice": (N_("notice %(a)s"), "/notices"),
    "outside": (N_("a caller from outside %(a)s"), ""),
    "parking": (N_("parked calls %(a)s"), "/directory/parking/%(a)s"),
    "patient": (N_("patient %(a)s"), "/patients/%(a)s"),
    "peer": (N_("sender %(a)s"), "/his/locations"),
    "person": (N_("person %(a)s"), "/directory/people/%(a)s"),
    "phone": (N_("phone %(a)s"), "/directory/phones/%(a)s"),
    "policy": (N_("policy of %(ward)s, version %(b)s"), "/policies/%(a)s"),
    "recording": (N_("recording %(a)s"), ""),
    "recording_rule": (N_("recording rule %(a)s"), "/recordings/rules"),
    "room": (N_("conference room %(a)s"), "/directory/rooms/%(a)s"),
    "route": (N_("route %(a)s"), "/directory/routes/%(a)s"),
    "scraper": (N_("scraper %(a)s"), "/fleet/scrapers"),
    "screen": (N_("screen %(a)s"), "/screens"),
    "speed": (N_("speed dials of the house"), "/directory/speed-dials"),
    "service": (N_("service %(a)s"), "/directory/services/%(a)s"),
    "system": (N_("system %(a)s"), "/his/interfaces"),
    "trunk": (N_("line to the world %(a)s"), "/directory/trunks/%(a)s"),
    "user": (N_("user %(a)s"), "/users"),
    "ward": ("%(ward)s", "/board/%(a)s"),
}
# A sender, which may hold a slash, and its code, which does not.
PAIRS = ("exam_code", "location")
# One name, which may hold a slash.
WHOLE = ("fee_item", "fees")
DETAILS: dict[str, str] = {
    "text": N_("words"), "wards": N_("wards"), "ward": N_("ward"), "bed": N_("bed"),
    "role": N_("role"), "via": N_("by way of"), "to": N_("to ward"), "words": N_("words"),
    "volume_ml": N_("mL in the bottle"), "factor": N_("drops per mL"),
    "gtt_per_min": N_("drops per minute"), "remaining_ml": N_("mL left"), "why": N_("why"),
    "encoding": N_("encoding"), "patient": N_("patient"), "visit": N_("visit"),
    "rate": N_("times as fast"), "day_volume": N_("volume"), "emergency_floor": N_("emergencies"),
    "bands": N_("by time of day"),
    "beds": N_("beds"), "name": N_("name"), "label": N_("name"), "number": N_("number"),
    "rights": N_("permission class"), "purpose": N_("service"), "phones": N_("phones"),
    "account": N_("account"), "times": N_("times locked out"),
    "host": N_("address"), "most_calls": N_("calls at once"), "patterns": N_("patterns"),
    "trunk": N_("line to the world"), "routes": N_("routes"),
    "unit_s": N_("seconds of a unit"), "fen": N_("fen for each"), "extension": N_("extension"),
    "direction": N_("direction"), "result": N_("result"), "from_day": N_("from day"),
    "to_day": N_("to day"), "route": N_("route"),
    "caller": N_("caller"), "mail": N_("e-mail"), "pin": N_("PIN"),
    "first": N_("from"), "last": N_("to"),
    "keep_days": N_("days kept"), "address": N_("from"),
    "device": N_("phone"), "urgent": N_("in an emergency"),
    "seconds": N_("seconds"), "phones_heard": N_("phones that heard it"),
    "phones_missed": N_("phones that missed it"), "group": N_("multicast group"),
    "network": N_("address to send from"), "n": N_("from so many phones on"),
    "code": N_("short code"), "numbers": N_("numbers"),
    "ring_s": N_("seconds it rings"), "person": N_("person"), "lang": N_("language"),
    "lines": N_("lines"), "groups": N_("pick-up groups"), "fallback": N_("ring instead"),
    "user": N_("user"), "password": N_("password"), "inbound": N_("our numbers outside"),
    "strip": N_("first digits left out"), "limit_s": N_("seconds it may last"),
    "always": N_("beyond the limits"),
    "new_pin": N_("new PIN"), "room": N_("examination room"),
    "day_calls": N_("calls a day"), "day_minutes": N_("minutes a day"),
    "encryption": N_("encryption"),
    "kind": N_("class"), "limit_fen": N_("price limit in fen"),
    "first_bp": N_("first self-pay in 1/10000"), "plan": N_("plan"), "care": N_("applies to"),
    "per": N_("deductible paid"), "deductible_fen": N_("deductible in fen"),
    "cap_fen": N_("cap in fen"), "year": N_("year"), "dedc_fen": N_("deductible in fen"),
    "fund_fen": N_("insurance paid in fen"), "charge": N_("charge"),
    "paid": N_("insurance pays"), "items": N_("items"),
    "card": N_("card"), "instead_of": N_("instead of"),
    "fields": N_("what"), "contacts": N_("contacts"), "is_key_account": N_("key account"),
    "follow_up": N_("calls after discharge"), "fee_calls": N_("calls about fees"),
    "holiday": N_("holidays"), "working": N_("make-up working days"),
    "message": N_("message"), "open_at": N_("open at"), "on_holidays": N_("open on holidays"),
    "messages": N_("messages"), "step": N_("step"), "page": N_("page"), "title": N_("title"),
    "node": N_("box"), "canary": N_("the box that goes first"), "note": N_("note"),
    "claim": N_("claim"), "replaced": N_("certificates put out"),
    "serial": N_("serial number"),
    "version": N_("version"), "restored": N_("as version"),
}  # fmt: skip
# Who acts besides people.
OTHERS = {
    "system": N_("Wardline itself"),
    "caller": N_("a caller"),
    "his": N_("hospital system"),
    "outside": N_("a caller from outside"),
    "patient": N_("a patient"),
    "softphone": N_("a softphone"),
}
VALUES: dict[str, str] = {
    "board": N_("board"),
    "nurse": N_("Nurse"),
    "head_nurse": N_("Head nurse"),
    "duty_manager": N_("Duty manager"),
    "engineer": N_("Engineer"),
    "telephone_admin": N_("Telephone administrator"),
    "registry": N_("Registry clerk"),
    "technician": N_("Examination technician"),
    "admin": N_("Administrator"),
    "True": N_("yes"),
    "False": N_("no"),
    "desk": N_("log in at a phone"),
    "internal": N_("internal"),
    "inward": N_("from outside"),
    "outward": N_("to outside"),
    "broadcast": N_("announcement by phone"),
    "broadcast_urgent": N_("urgent announcement by phone"),
    "refused": N_("refused: no right to it"),
    "occupied": N_("refused: somebody else was speaking"),
    "ended": N_("ended"),
    "replaced": N_("gave way to an urgent one"),
    "too_long": N_("ended: too long"),
    "failed": N_("failed"),
    "cut": N_("cut off: the system was away"),
    "none": N_("none"),
    "inpatient": N_("inpatients"),
    "outpatient": N_("outpatients"),
    "year": N_("once a year"),
    "visit": N_("with each visit"),
    "optional": N_("optional"),
    "required": N_("required"),
}


class Thing(NamedTuple):
    """What an entry is about, in words, and its address in the console, if it has one."""

    words: str
    href: str


def who(name: str) -> str:
    """A log-in name, an extension, or what acts by itself."""
    return _(OTHERS[name]) if name in OTHERS else _of_the_house(name)


def thing(ref: str) -> Thing:
    """`ref` as "call/17" or "bed/3/5"; what is not known is shown as it stands."""
    kind, slash, rest = ref.partition("/")
    if kind not in THINGS or not slash:
        return Thing(ref, "")
    words, href = THINGS[kind]
    first, slash, second = rest.rpartition("/") if kind in PAIRS else rest.partition("/")
    if kind in WHOLE:
        first, second = rest, ""
    values = {"a": first or rest, "b": second, "ward": ward_name(first or rest)}
    return Thing(_(words, **values), href % values)


def detail(text: str) -> str:
    """The details that are set, as "rate: 60, ..."."""
    return ", ".join(
        f"{_(DETAILS.get(key) or key)}: {_value(value)}"
        for key, value in json.loads(text).items()
        if value is not None
    )


def _value(value: object) -> str:
    if isinstance(value, list):
        # Such as the names of what was changed.
        return " ".join(_(DETAILS[each]) if each in DETAILS else _value(each) for each in value)
    if isinstance(value, dict):
        return " ".join(
            f"{_(DETAILS.get(key) or key)} {_value(each)}" for key, each in value.items()
        )
    text = str(value)
    return _(VALUES[text]) if text in VALUES else _of_the_house(text)


def _of_the_house(text: str) -> str:
    """What was done at a telephone, "phone 8003", or by one who dialled, "extension 8102"."""
    kind, space, number = text.partition(" ")
    if kind in ("extension", "phone") and space and number.isdecimal():
        return _(THINGS[kind][0], a=number)
    return _(text)
