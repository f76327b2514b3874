"""Infusions that the hospital's system tells of: proposals, until a nurse confirms them at the bed.

Each thing told is kept, and what stands is reckoned from all of it by the sender's own time, so
messages may come twice and in any order. A proposal that nobody has confirmed follows its order; a
drip that runs does not: the nurse is shown what the order says now, and does it or leaves it.
"""

import json
from collections.abc import Mapping
from datetime import datetime, tzinfo
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.hospital.told import HeldError, Reason, Told
from central.infusions import model
from central.infusions.drip import FACTORS, MAX_RATE_GTT_MIN
from central.store import Tx
from gateway.his import events
from gateway.his.events import InfusionOrderEvent

# An order that nobody has confirmed for so long is not shown any more.
SHOWN_MS = 24 * 3_600_000
PROPOSED, CHANGED, STOPPED = "proposed", "changed", "stopped"
# Of two things told at the same moment the one further down counts. Senders stamp minutes.
_RANK = (events.NEW, events.CHANGE, events.STOP, events.CANCEL)
_OFF = (events.STOP, events.CANCEL)
# What a nurse goes by: when none of it is different, nothing changed for her.
_MATTERS = ("text", "volume_ml", "rate_text", "ml_per_h", "gtt_per_min", "factor")

OTHER_PATIENT = N_(
    "The infusion order %(order)s was told of for patient %(patient)s. Apply it anyway if this"
    " message is right, or set it aside."
)
NOTHING_NEW = N_("The same was told before: nothing changed.")
OLDER = N_("A newer message about this infusion order was applied before this one came.")


class UnknownOrderError(Exception):
    """There is no order of this number, or nothing is to be decided about it."""

    error_id = "infusion-order-unknown"


def take(tx: Tx, event: InfusionOrderEvent, told: Told) -> list[Reason]:
    """Keep what was told of an order, of a patient not known yet, too. Raises HeldError when
    another patient's order has this number."""
    row = tx.one(
        "SELECT * FROM infusion_orders WHERE sender = ? AND number = ?", (told.sender, event.order)
    )
    if row is None:
        order = tx.insert(
            "infusion_orders", sender=told.sender, number=event.order, patient=event.patient_id,
            visit=event.visit,
        )  # fmt: skip
    elif row["patient"] != event.patient_id and not told.force:
        raise HeldError(OTHER_PATIENT, order=event.order, patient=row["patient"])
    else:
        order = row["id"]
    body = {
        "group": event.group, "code": event.code, "text": event.text, "volume_ml": event.volume_ml,
        "rate_text": event.rate_text, "ml_per_h": event.rate_ml_per_h,
        "gtt_per_min": event.rate_drops_per_min, "factor": event.drop_factor,
        "starts_ms": _ms(event.starts_at, told.zone), "patient": event.patient_id,
        "visit": event.visit,
    }  # fmt: skip
    given = {key: value for key, value in body.items() if value not in ("", None)}
    sent_ms = _ms(event.sent_at, told.zone) or 0
    fact = tx.value(
        "INSERT OR IGNORE INTO infusion_order_facts (infusion_order, what, sent_ms, ref, body)"
        " VALUES (?, ?, ?, ?, ?) RETURNING id",
        (order, event.what, sent_ms, told.ref, json.dumps(given, ensure_ascii=False)),
    )
    if fact is None:
        return [(NOTHING_NEW, {})]
    newest = _reckon(tx, order)
    tx.changed("all", "infusions")
    return [] if newest == fact else [(OLDER, {})]


def _ms(at: datetime | None, zone: tzinfo | None) -> int | None:
    """A naive time is in `zone`, by default that of this process."""
    if at is None:
        return None
    if at.tzinfo is None and zone is not None:
        at = at.replace(tzinfo=zone)
    return int(at.timestamp() * 1000)


def _reckon(tx: Tx, order: int) -> int:
    """Bring the order into line with all that was told of it. Returns the newest fact."""
    facts = tx.all("SELECT * FROM infusion_order_facts WHERE infusion_order = ?", (order,))
    facts.sort(key=lambda each: (each["sent_ms"], _RANK.index(each["what"]), each["body"]))
    fields: dict[str, Any] = {}
    for fact in facts:
        fields |= json.loads(fact["body"])
    what = facts[-1]["what"]
    matters = {key: fields.get(key) for key in _MATTERS}
    stands = json.dumps(["off" if what in _OFF else "on", matters], ensure_ascii=False)
    tx.execute(
        "UPDATE infusion_orders SET patient = ?, visit = ?, what = ?, body = ?, stands = ?,"
        " told_ms = CASE WHEN stands = ? THEN told_ms ELSE ? END WHERE id = ?",
        (
            fields["patient"], fields["visit"], what, json.dumps(fields, ensure_ascii=False),
            stands, stands, tx.now_ms, order,
        ),
    )  # fmt: skip
    return int(facts[-1]["id"])


# --- what a nurse sees ---

_LIES = "{0}.ward IS NOT NULL AND {0}.discharged_ms IS NULL AND {0}.cancelled_ms IS NULL"
# Whose order it is lies in this bed now: the visit's stay, else another of the patient's.
_OPEN = (
    "SELECT o.*, s.ward, s.bed, i.ended_ms, i.volume_ml AS now_ml, i.factor AS now_factor"
    f" FROM infusion_orders o JOIN stays s ON s.patient = o.patient AND {_LIES.format('s')}"
    " AND (s.visit = o.visit OR NOT EXISTS (SELECT 1 FROM stays v WHERE v.patient = o.patient"
    f"  AND v.visit = o.visit AND {_LIES.format('v')}))"
    " LEFT JOIN infusions i ON i.id = o.infusion"
    " LEFT JOIN beds b ON b.ward = s.ward AND b.bed = s.bed"
    " WHERE o.stands IS NOT o.settled AND (o.infusion IS NULL OR i.ended_ms IS NULL)"
    " AND o.told_ms > :since AND (:ward IS NULL OR s.ward = :ward) AND (:id IS NULL OR o.id = :id)"
    " GROUP BY o.id ORDER BY s.ward, b.position, s.bed, o.id"
)


def waiting(tx: Tx, ward: str | None, order: int | None = None) -> list[dict[str, Any]]:
    """Orders about which a nurse has to decide, by bed. `task`: PROPOSED, CHANGED or STOPPED.
    `tubes`: the drops per minute of each tube at the ordered rate."""
    found = []
    given = {"ward": ward, "id": order, "since": tx.now_ms - SHOWN_MS}
    for row in tx.all(_OPEN, given):
        off = row["what"] in _OFF
        if row["infusion"] is None and off:
            continue  # withdrawn before anybody hung a bottle
        task = PROPOSED if row["infusion"] is None else STOPPED if off else CHANGED
        fields = json.loads(row["body"])
        found.append(dict(row) | fields | {"task": task, "tubes": tubes(fields)})
    return found


def tubes(order: Mapping[str, Any]) -> dict[int, int]:
    """Drops a minute by the drops per mL of the tube, as far as the rate is known in mL, and as
    far as a drip can be set so. There is no field for the tube: the nurse sees it."""
    per_h = order.get("ml_per_h")
    if not per_h:
        return {}
    rates = {factor: round(per_h * factor / 60) for factor in FACTORS}
    return {factor: rate for factor, rate in rates.items() if 0 < rate <= MAX_RATE_GTT_MIN}


def proposal(tx: Tx, order: int) -> dict[str, Any]:
    """An order that waits for a bottle. Raises UnknownOrderError."""
    found = _must_wait(tx, order)
    if found["task"] != PROPOSED:
        raise UnknownOrderError(order)
    return found


def as_form(order: Mapping[str, Any]) -> dict[str, Any]:
    """What the form of a new drip begins with. Nothing is taken for granted that was not told."""
    factor = order.get("factor") if order.get("factor") in FACTORS else None
    rate = order.get("gtt_per_min") or order["tubes"].get(factor)
    return {
        "place": f"{order['ward']}/{order['bed']}",
        "volume_ml": order.get("volume_ml") or "",
        "factor": str(factor or ""),
        "gtt_per_min": round(rate) if rate else "",
        "label": order.get("text", ""),
    }


def _must_wait(tx: Tx, order: int) -> dict[str, Any]:
    for each in waiting(tx, None, order):
        return each
    raise UnknownOrderError(order)


# --- what a nurse decides ---


def confirmed(tx: Tx, order: int, infusion: int, by: str) -> None:
    """A nurse has started this drip for the order. Raises UnknownOrderError."""
    found = proposal(tx, order)
    row = model.get(tx, infusion)
    tx.execute("UPDATE infusion_orders SET infusion = ? WHERE id = ?", (infusion, order))
    model.note(tx, infusion, "ordered", by=by, order=found["number"])
    started = dict(row) if row else {}
    _settle(tx, found, "confirmed", by, {"infusion": infusion, "volume_ml": started["volume_ml"]})


def settle(tx: Tx, order: int, by: str) -> dict[str, Any]:
    """A nurse has seen it: a proposal is put aside, a change or a stop was done or left. It comes
    again when the order changes. Returns what was to be decided. Raises UnknownOrderError."""
    found = _must_wait(tx, order)
    _settle(tx, found, "put_aside" if found["task"] == PROPOSED else "seen", by, {})
    return found


def _settle(tx: Tx, found: Mapping[str, Any], what: str, by: str, detail: dict[str, Any]) -> None:
    tx.execute(
        "UPDATE infusion_orders SET settled = stands, settled_by = ?, settled_ms = ? WHERE id = ?",
        (by, tx.now_ms, found["id"]),
    )
    audit.append(
        tx, by, f"infusion.order_{what}", f"bed/{found['ward']}/{found['bed']}",
        detail={"order": found["number"], **detail},
    )  # fmt: skip
    tx.changed(found["ward"], "infusions")
