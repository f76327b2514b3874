"""How every box is, on one line each: what it told of itself, what is proven at its beds, how long
its certificate lasts, and which of that deserves a look."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from central.enrolment import model as enrolment
from central.proving import judging
from central.proving import model as proving
from central.store import Row, Tx
from central.wards import measured
from central.wards import model as wards
from gateway.mqtt import kinds

# A box renews its certificate when a third of its time is left; one that has only so much left
# has failed to for long.
RENEWED_BY = 0.25
# From here on to the fault (`measured.HOT`) it is warmer than a box in good air gets.
WARM_C = 70
CLOCK_OFF_MS = 60_000

# What deserves a look, and is marked in its column.
AWAY, FAULTY, UNPROVEN, WARM, FULL, CLOCK, CERTIFICATE = MARKS = (
    "away", "faults", "proven", "temperature", "disk", "clock", "certificate",
)  # fmt: skip


@dataclass(frozen=True)
class Proof:
    """The bed of a box that was proved longest ago: when (hospital ms, None: never) and how long
    ago that is by the real clock."""

    bed: str
    at_ms: int | None
    ago_ms: int | None


@dataclass(frozen=True)
class Box:
    """`row`: of the table of nodes; `health`: what its last heartbeat told. certificate_ends_ms:
    real time, None where it has none; `revoked` where its last one is. `marks`: of MARKS."""

    row: Row
    health: dict[str, Any]
    faults: int
    oldest: Proof | None
    overdue: int
    certificate_ends_ms: int | None
    revoked: bool
    marks: frozenset[str] = field(default=frozenset())


def boxes(tx: Tx, ward: str | None = None) -> list[Box]:
    """Those of a ward, or all; those that deserve a look first."""
    faults = {
        row["node"]: row["n"]
        for row in tx.all(
            "SELECT node, count(*) AS n FROM faults WHERE cleared_ms IS NULL GROUP BY node"
        )
    }
    beds: dict[str, list[Row]] = {}
    for row in proving.beds(tx, ward):
        beds.setdefault(row["node"], []).append(row)
    certificates = enrolment.newest(tx)
    found = [
        _box(tx, row, faults.get(row["id"], 0), beds.get(row["id"], []), certificates)
        for row in wards.nodes(tx, ward)
    ]
    return sorted(found, key=lambda box: (not box.marks, AWAY not in box.marks))


def _box(
    tx: Tx, row: Row, faults: int, beds: list[Row], certificates: dict[str, Row]
) -> Box:  # fmt: skip
    health = json.loads(row["health"])
    certificate = certificates.get(row["id"])
    revoked = certificate is not None and certificate["revoked_ms"] is not None
    overdue = sum(judging.is_overdue(tx, each) or each["failures"] > 0 for each in beds)
    marks = set(_measured(health))
    if row["state"] != kinds.READY:
        marks.add(AWAY)
    if faults:
        marks.add(FAULTY)
    if overdue:
        marks.add(UNPROVEN)
    if certificate is not None and (revoked or _ends_soon(certificate, tx.clock.real_ms())):
        marks.add(CERTIFICATE)
    return Box(
        row, health, faults, _oldest(tx, beds), overdue,
        None if certificate is None or revoked else certificate["ends_ms"], revoked,
        frozenset(marks),
    )  # fmt: skip


def _measured(health: dict[str, Any]) -> Iterable[str]:
    if (health.get("temperature_c") or 0) >= WARM_C:
        yield WARM
    free_mb = health.get("disk_free_mb")
    if free_mb is not None and free_mb < measured.DISK_LOW.well:
        yield FULL
    if abs(health.get("clock_behind_ms") or 0) > CLOCK_OFF_MS:
        yield CLOCK


def _ends_soon(certificate: Row, real_ms: int) -> bool:
    lasts_ms = certificate["ends_ms"] - certificate["begins_ms"]
    return bool(certificate["ends_ms"] - real_ms < lasts_ms * RENEWED_BY)


def _oldest(tx: Tx, beds: list[Row]) -> Proof | None:
    """A bed that was never proved is the oldest."""
    if not beds:
        return None
    bed = min(beds, key=lambda each: each["good_real_ms"] or 0)
    good_ms = bed["good_real_ms"]
    ago_ms = None if good_ms is None else max(0, tx.clock.real_ms() - good_ms)
    return Proof(bed["bed"], bed["good_ms"], ago_ms)


def totals(found: Iterable[Box]) -> dict[str, int]:
    """How many boxes carry each of MARKS."""
    listed = list(found)
    return {mark: sum(mark in box.marks for box in listed) for mark in MARKS}


def versions(found: Iterable[Box]) -> dict[str, int]:
    """How many boxes run each version, the most frequent first."""
    counts: dict[str, int] = {}
    for box in found:
        if box.row["firmware"]:
            counts[box.row["firmware"]] = counts.get(box.row["firmware"], 0) + 1
    return dict(sorted(counts.items(), key=lambda each: -each[1]))
