"""A patient of the demo with a card, a deposit, the fees of some days and an examination to come,
for the page at /my.

Entering her again changes nothing that is there.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from central.directory.present import mark
from central.exams import model as rooms
from central.exams import service as exams
from central.fees import editing
from central.fees import model as fee_rows
from central.fees import taking as fees
from central.fees.cover import INPATIENT, OUTPATIENT, Band, RuleSet
from central.fees.scope import Item
from central.hospital.told import Told
from central.patients import accounts, details, issuing, model
from central.store import Store, Tx
from gateway.his.events import AccountEvent, Charge, ChargeEvent
from provisioning.hospital import EXAM_ROOM
from provisioning.layout import TIMEZONE

# A demo on loopback: meant to be read on the screen and typed.
CARD, PIN = "620100017", "246802"
PATIENT, VISIT = "10001", "10001-1"
DEPOSIT_FEN = 300_000
DAYS = 4
EXAM_IN_MIN = 45
_ZONE = ZoneInfo(TIMEZONE)
_TOLD = Told("demo", "DEMO", _ZONE)
# What insurance covers, in part and not at all: code, class, first self-pay in basis points.
_CATALOGUE = (
    ("D001", "A", 0), ("D002", "B", 500), ("D003", "A", 0), ("D004", "C", 0), ("D005", "B", 1000),
)  # fmt: skip
DEDUCTIBLE_FEN, RATE_BP = 20_000, 8_000
# Code, text, fen.
_DAILY = (
    ("D001", "住院诊查费", 2_000), ("D002", "二级护理", 3_600),
    ("D003", "头孢呋辛钠 1.5 g", 12_050), ("D004", "一次性输液器", 460),
)  # fmt: skip


def enter(store: Store) -> None:
    """Let the patient be there."""
    if model.patient(store.read(), PATIENT) is not None:
        return
    with store.transaction() as tx:
        details.register(tx, PATIENT, "王小芳", "F", "1958-03-27", by="demo")
        issuing.issue(tx, PATIENT, CARD, by="demo")
        _cover(tx)
        if rooms.room(tx, EXAM_ROOM) is not None:
            exams.book(tx, EXAM_ROOM, PATIENT, "demo", at_ms=tx.now_ms + EXAM_IN_MIN * 60_000)
        _pay_and_charge(tx)
    made = issuing.make_pin(store, PATIENT, PIN)
    with store.transaction() as tx:
        issuing.set_pin(tx, PATIENT, made, by="demo")


def _cover(tx: Tx) -> None:
    """A small catalogue, and rules for those who are in hospital and those who are not."""
    # Of the year of the first charges, which in the first days of January is the one before.
    charged = datetime.fromtimestamp(tx.now_ms / 1000, _ZONE) - timedelta(days=DAYS - 1)
    day = charged.date().replace(month=1, day=1)
    names = {code: text for code, text, _ in (*_DAILY, ("D005", "腹部彩色超声", 0))}
    for code, kind, first_bp in _CATALOGUE:
        item = Item(code, names[code], kind, None, first_bp)
        if fee_rows.item(tx, code, str(day)) is None:
            editing.put_item(tx, item, str(day), by="demo")
    for care, name in ((INPATIENT, "职工医保 住院"), (OUTPATIENT, "职工医保 门诊")):
        rules = RuleSet("", care, day, name, DEDUCTIBLE_FEN, (Band(None, RATE_BP),))
        if not any(each.key == rules.key for each in fee_rows.rule_sets(tx)):
            editing.save_rules(tx, rules, None, mark(editing.NOTHING), by="demo")


def _pay_and_charge(tx: Tx) -> None:
    now = datetime.fromtimestamp(tx.now_ms / 1000, _ZONE)
    paid = AccountEvent(
        "demo", _TOLD.sender, PATIENT, VISIT, "demo", None, None, DEPOSIT_FEN, False, now
    )
    accounts.take(tx, paid, _TOLD)
    for before in range(DAYS):
        at = now - timedelta(days=before)
        lines = [*_DAILY, ("D005", "腹部彩色超声", 18_000)] if before == DAYS - 1 else _DAILY
        charges = tuple(
            Charge(
                id=f"{before}-{code}", code=code, text=text, quantity_milli=1000, amount_fen=fen,
                unit_fen=fen, service_at=at, original="", insured_fen=None, plan="", department="",
            )
            for code, text, fen in lines
        )  # fmt: skip
        event = ChargeEvent(f"demo-{before}", _TOLD.sender, PATIENT, VISIT, charges, at)
        fees.take(tx, event, _TOLD)
