"""What each kind of fact holds, as JSON Schema: the one source of what is taken and of what the
OpenAPI document promises. Only what JSON Schema draft 7 and OpenAPI 3.1 both understand."""

from typing import Any

from gateway.his import adt, events

Schema = dict[str, Any]

STAYS, CHARGES, ACCOUNTS, SETTLEMENTS, INFUSIONS, EXAMS = (
    "stays", "charges", "accounts", "settlements", "infusion-orders", "examinations",
)  # fmt: skip

NO_CONTROLS = r"^[^\u0000-\u001f\u007f]*$"
# U+0085 is a blank for Python and Unicode, and none for ECMA 262: named, so that all agree.
NO_BLANKS = r"^[^\s\u0000-\u001f\u007f\u0085]+$"
TIME = (
    r"^(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]"
    r"(:[0-5][0-9])?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])?$"
)
BIRTH = r"^(18|19|20)[0-9]{2}(-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?)?$"
# Ten thousand million yuan.
MOST_FEN = 10**12
MOST_CHARGES = 200


def _text(about: str, most: int = 80) -> Schema:
    return {"type": "string", "maxLength": most, "pattern": NO_CONTROLS, "description": about}


def _id(about: str) -> Schema:
    return {
        "type": "string", "minLength": 1, "maxLength": 80, "pattern": NO_BLANKS,
        "description": about,
    }  # fmt: skip


def _time(about: str) -> Schema:
    more = " Without Z or +08:00 it is the hospital's local time."
    return {"type": "string", "pattern": TIME, "description": about + more}


def _fen(about: str, least: int = -MOST_FEN) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": MOST_FEN, "description": about}


def _number(about: str, least: int, most: int, kind: str = "number") -> Schema:
    return {"type": kind, "minimum": least, "maximum": most, "description": about}


def _one_of(about: str, *choices: str) -> Schema:
    return {"type": "string", "enum": list(choices), "description": about}


def _object(about: str, required: tuple[str, ...], fields: dict[str, Schema]) -> Schema:
    return {
        "type": "object", "description": about, "required": list(required), "properties": fields,
        "additionalProperties": False,
    }  # fmt: skip


def _location(about: str) -> Schema:
    return _object(
        about,
        (),
        {
            "point": _text("Point of care: ward or department, as the sender writes it.", 60),
            "room": _text("Room.", 60),
            "bed": _text("Bed.", 60),
            "facility": _text("Facility.", 60),
        },
    )


_WHO = {
    "patient_id": _id("The patient's number in the hospital (PID-3)."),
    "visit": _text("The number of the visit or stay (PV1-19); the patient's number where absent."),
}
_SENT = {"sent_at": _time("When the sender wrote this. A later one counts more.")}

_CHARGE = _object(
    "One line of the bill.",
    ("id", "amount_fen"),
    {
        "id": _id("The sender's own number of this charge, never used twice."),
        "code": _text("The item's code in the hospital's catalogue."),
        "text": _text("The item in words.", 200),
        "quantity": _number(
            "How many, with up to three decimals; 1 where absent.", -1_000_000, 1_000_000
        ),
        "amount_fen": _fen("What is charged, in fen. Negative for what is taken back."),
        "unit_fen": _fen("The price of one, in fen.", 0),
        "service_at": _time("When it was given or done; its rules of insurance are that day's."),
        "original": _text("Of what is taken back: the id of the charge."),
        "insured_fen": _fen("What insurance pays of it, in fen, where the sender knows."),
        "plan": _text("The insurance plan."),
        "department": _text("The department that charges."),
    },
)

SCHEMAS: dict[str, Schema] = {
    STAYS: _object(
        "A patient was admitted, transferred, discharged or changed, or that is taken back.",
        ("what", "patient_id"),
        {
            "what": _one_of("What happened.", *adt.KINDS.values()),
            **_WHO,
            "name": _text("The patient's name, family name first."),
            "sex": _one_of("M, F or empty.", "M", "F", ""),
            "birth": {
                "type": "string", "pattern": BIRTH,
                "description": "Date of birth, as far as known: 1961, 1961-06 or 1961-06-15.",
            },
            "location": _location("Where the patient is now. Needed to admit or transfer."),
            "prior_location": _location("Where the patient was before a transfer."),
            "admit_type": _one_of(
                "How the patient came.", adt.EMERGENCY, adt.URGENT, adt.OPERATION, adt.LABOUR,
                adt.NEWBORN, adt.ELECTIVE, adt.OTHER,
            ),
            "occurred_at": _time("When it happened."),
            "admitted_at": _time("When the stay began."),
            **_SENT,
        },
    ),
    CHARGES: _object(
        "Charges of one patient, and what is taken back of them.",
        ("patient_id", "charges"),
        {
            **_WHO,
            "charges": {
                "type": "array", "minItems": 1, "maxItems": MOST_CHARGES, "items": _CHARGE,
                "description": "The lines of the bill. All are taken, or none.",
            },
            **_SENT,
        },
    ),
    ACCOUNTS: _object(
        "What a patient's account holds now. The newest one counts, not the sum.",
        ("patient_id",),
        {
            **_WHO,
            "account": _text("The number of the account."),
            "balance_fen": _fen("The balance, in fen."),
            "charged_fen": _fen("All that was charged, in fen."),
            "paid_fen": _fen("The deposit that was paid in, in fen."),
            "is_closed": {"type": "boolean", "description": "Whether the account was closed."},
            **_SENT,
        },
    ),
    SETTLEMENTS: _object(
        "The hospital's own settlement of a visit, of all until it was made. It takes the place of"
        " the estimate. Names are those of the national insurance interface, amounts in fen.",
        ("patient_id", "settlement", "medfee_sumamt", "psn_part_amt"),
        {
            **_WHO,
            "settlement": _id("The number of the settlement."),
            "medfee_sumamt": _fen("All of it.", 0),
            "psn_part_amt": _fen("What of it the patient pays.", 0),
            "fulamt_ownpay_amt": _fen("Own expense, class C.", 0),
            "overlmt_selfpay": _fen("Above the price limits.", 0),
            "preselfpay_amt": _fen("First self-pay of class B.", 0),
            "inscp_scp_amt": _fen("In the scope of insurance.", 0),
            "act_pay_dedc": _fen("Of the deductible, what this visit used up.", 0),
            "hifp_pay": _fen("What the basic insurance fund pays.", 0),
            "psn_cash_pay": _fen("What the patient pays in cash.", 0),
            "settled_at": _time("When it was made: charges of later days are not in it."),
            "is_cancelled": {"type": "boolean", "description": "Whether it was taken back."},
            **_SENT,
        },
    ),
    INFUSIONS: _object(
        "An infusion that a doctor ordered. A nurse confirms it before it counts.",
        ("what", "patient_id", "order"),
        {
            "what": _one_of(
                "What about it.", events.NEW, events.CHANGE, events.CANCEL, events.STOP
            ),
            **_WHO,
            "order": _id("The number of the order."),
            "group": _text("The same for orders given together, one bottle after the other."),
            "code": _text("The drug's code."),
            "text": _text("What is given, in words.", 200),
            "volume_ml": _number("The bottle, in mL.", 1, 10_000, "integer"),
            "rate_text": _text("The rate as it was written, such as 40 gtt/min."),
            "rate_ml_per_h": _number("The rate, in mL an hour.", 0, 10_000),
            "rate_drops_per_min": _number("The rate, in drops a minute.", 0, 1_000),
            "drop_factor": _number("Drops of one mL with this tubing.", 1, 100, "integer"),
            "starts_at": _time("When it shall start."),
            **_SENT,
        },
    ),
    EXAMS: _object(
        "An examination was ordered, booked, moved, changed or cancelled, or nobody came.",
        ("what", "patient_id"),
        {
            "what": _one_of(
                "What about it.", events.BOOKED, events.MOVED, events.CHANGED, events.CANCELLED,
                events.ABSENT, events.ORDERED,
            ),
            **_WHO,
            "name": _text("The patient's name, family name first."),
            "booking": _text("The number of the booking. This or the order is needed."),
            "order": _text("The number of the order."),
            "code": _text("The examination's code."),
            "text": _text("The examination in words.", 200),
            "room": _text("The code of the room where it takes place."),
            "starts_at": _time("When it begins."),
            "duration_min": _number("How long it takes, in minutes.", 1, 1440, "integer"),
            "location": _location("Where the patient lies, of an inpatient."),
            **_SENT,
        },
    ),
}  # fmt: skip

# One of each, as a hospital would send it: shown to integrators, and tested.
EXAMPLES: dict[str, dict[str, Any]] = {
    STAYS: {
        "what": "admit", "patient_id": "P100234", "visit": "V20261129-7", "name": "乗晓亅",
        "sex": "F", "birth": "1979-11-02", "admit_type": "emergency",
        "location": {"point": "3", "room": "301", "bed": "1"},
        "admitted_at": "2026-11-29T09:30:00", "sent_at": "2026-11-29T09:30:05",
    },
    CHARGES: {
        "patient_id": "P100234", "visit": "V20261129-7", "sent_at": "2026-11-29T10:00:00",
        "charges": [
            {
                "id": "C-88001", "code": "250403014", "text": "血常规", "quantity": 1,
                "amount_fen": 2500, "unit_fen": 2500, "service_at": "2026-11-29T09:50:00",
                "plan": "310", "department": "检验科",
            },
            {
                "id": "C-88002", "code": "XB05XA", "text": "氯化钠注射液", "quantity": 1.5,
                "amount_fen": 840, "unit_fen": 560, "service_at": "2026-11-29T09:55:00",
            },
        ],
    },
    ACCOUNTS: {
        "patient_id": "P100234", "visit": "V20261129-7", "account": "A-5501",
        "balance_fen": 496660, "charged_fen": 3340, "paid_fen": 500000,
        "sent_at": "2026-11-29T10:05:00",
    },
    SETTLEMENTS: {
        "patient_id": "P100234", "visit": "V20261129-7", "settlement": "S-4001",
        "medfee_sumamt": 1000000, "psn_part_amt": 328500, "fulamt_ownpay_amt": 100000,
        "overlmt_selfpay": 0, "preselfpay_amt": 30000, "inscp_scp_amt": 870000,
        "act_pay_dedc": 80000, "hifp_pay": 671500, "psn_cash_pay": 328500,
        "settled_at": "2026-12-05T11:00:00", "sent_at": "2026-12-05T11:00:20",
    },
    INFUSIONS: {
        "what": "new", "patient_id": "P100234", "visit": "V20261129-7", "order": "O-7001",
        "group": "G-1", "code": "XB05XA", "text": "0.9%氯化钠注射液 500 mL", "volume_ml": 500,
        "rate_text": "40 gtt/min", "rate_drops_per_min": 40, "drop_factor": 20,
        "starts_at": "2026-11-29T10:30:00", "sent_at": "2026-11-29T10:06:00",
    },
    EXAMS: {
        "what": "booked", "patient_id": "P100234", "visit": "V20261129-7", "name": "乗晓亅",
        "booking": "B-301", "order": "E-9001", "code": "US-ABD", "text": "腹部超声",
        "room": "US-2", "starts_at": "2026-11-29T14:00:00", "duration_min": 15,
        "location": {"point": "3", "room": "301", "bed": "1"}, "sent_at": "2026-11-29T10:10:00",
    },
}  # fmt: skip
