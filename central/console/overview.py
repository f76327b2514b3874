"""All wards at a glance, the health of the whole, and search: what no single capability knows."""

from pathlib import Path
from typing import Any

from central.admissions import model as admissions
from central.calls import model as calls
from central.calls.types import TECHNICAL
from central.directory import model as directory
from central.escalation import model as policies
from central.escalation import service as escalation
from central.escalation import steps
from central.faults import model as faults
from central.hospital import model as hospital
from central.patients import model as registered
from central.store import Row, Tx
from central.wards import model as wards

SEARCH_LIMIT = 50
# Of the calls of a ward that nobody has accepted.
WAITING_SHOWN = 3
LATE_WITHIN_MS = 24 * 3_600_000
LATE_SHOWN = 20


def wards_at_a_glance(tx: Tx) -> list[dict[str, Any]]:
    """One row per ward, worst first: unaccepted emergencies, then other unaccepted calls,
    then by how long the oldest of them has waited."""
    rows = []
    for ward in wards.wards(tx):
        open_calls = calls.open_calls(tx, ward["id"])
        waiting = [call for call in open_calls if call["state"] == calls.OPEN]
        row = {
            "ward": ward["id"],
            "high": sum(call["priority"] == "high" for call in waiting),
            "medium": sum(call["priority"] == "medium" for call in waiting),
            "low": sum(call["priority"] == "low" for call in waiting),
            "accepted": len(open_calls) - len(waiting),
            "waiting": waiting[:WAITING_SHOWN],
            "oldest_ms": min((call["opened_ms"] for call in waiting), default=None),
            "faults": len(faults.open_faults(tx, ward["id"])),
            "nodes_away": sum(node["state"] != "ready" for node in wards.nodes(tx, ward["id"])),
        }
        rows.append(row)
    rows.sort(
        key=lambda r: (
            -r["high"],
            -r["medium"],
            r["oldest_ms"] or tx.now_ms,
            -r["faults"],
            r["ward"],
        )
    )
    return rows


def late(tx: Tx) -> list[Row]:
    """The calls of the last day that were late, newest first."""
    return steps.late(tx, tx.now_ms - LATE_WITHIN_MS, LATE_SHOWN)


def health(tx: Tx) -> dict[str, Any]:
    """Simple counts an administrator looks at in the morning."""
    nodes = wards.nodes(tx)
    path = Path(str(tx.one("PRAGMA database_list")["file"]))  # type: ignore[index]
    return {
        "wards": len(wards.wards(tx)),
        "beds": tx.value("SELECT count(*) FROM beds"),
        "nodes": len(nodes),
        "nodes_ready": sum(node["state"] == "ready" for node in nodes),
        "faults": len(faults.open_faults(tx)),
        "calls_open": len(calls.open_calls(tx)),
        "commands_open": tx.value("SELECT count(*) FROM commands WHERE result IS NULL"),
        "quarantined": tx.value("SELECT count(*) FROM quarantine"),
        "his_waiting": hospital.counts(tx)[hospital.WAITING],
        "users": tx.value("SELECT count(*) FROM users WHERE NOT disabled"),
        "database_mb": path.stat().st_size / 1e6 if path.exists() else 0,
    }


def policy_holes(tx: Tx) -> dict[str, int]:
    """How many holes the policy of each ward has as things stand, wards without any left out.
    A policy was whole when it was saved: since then a person or a box may have gone."""
    counted = {
        ward["id"]: len(escalation.simulate(tx, ward["id"], policies.active(tx, ward["id"])))
        for ward in wards.wards(tx)
    }
    return {ward: holes for ward, holes in counted.items() if holes}


def search(
    tx: Tx,
    words: str,
    ward: str | None,
    *,
    wards_too: bool,
    patients: bool,
    phones: bool,
    registry: bool,
) -> dict[str, list[dict[str, Any]]]:
    """Beds, patients, nodes, calls, extensions and phones that hold `words`, at most SEARCH_LIMIT
    of each. Within `ward` for those bound to one, without wards, patients (and their calls) or
    phones for those they do not concern; the numbers of the house are for everybody. `registry`:
    patients, too, wherever they are. A bed is found as "5", "3-5" or "3/5"."""
    wanted = words.casefold().strip()
    everywhere = wards.wards(tx) if wards_too else []
    where = [row["id"] for row in everywhere if ward in (None, row["id"])]
    found: dict[str, list[dict[str, Any]]] = {"beds": [], "patients": [], "nodes": [], "calls": []}
    for each in where:
        for bed in wards.beds(tx, each):
            name = bed["bed"].casefold()
            if wanted in (name, f"{each}-{name}".casefold(), f"{each}/{name}".casefold()):
                found["beds"].append({"ward": each, "bed": bed["bed"]})
        for node in wards.nodes(tx, each):
            if wanted in node["id"].casefold():
                found["nodes"].append({"ward": each, "node": node["id"], "state": node["state"]})
        for stay in admissions.stays(tx, each) if patients else ():
            if wanted in stay["name"].casefold() or wanted == stay["patient"].casefold():
                found["patients"].append({"ward": each, "bed": stay["bed"], "name": stay["name"]})
    if wanted.lstrip("#").isdecimal():
        call = calls.one(tx, int(wanted.lstrip("#")))
        if call is not None and call["ward"] in where and (patients or call["type"] in TECHNICAL):
            found["calls"].append({"id": call["id"], "ward": call["ward"], "bed": call["bed"]})
    found["extensions"] = [dict(row) for row in directory.find_extensions(tx, wanted)]
    found["phones"] = [dict(row) for row in directory.find_phones(tx, wanted)] if phones else []
    everybody = registered.find(tx, words, SEARCH_LIMIT) if registry else []
    found["registered"] = [dict(row) for row in everybody]
    return {kind: rows[:SEARCH_LIMIT] for kind, rows in found.items()}
