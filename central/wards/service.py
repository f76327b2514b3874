"""The life of nodes as central sees it: born, heard of, lost; and what they are told."""

import json
import zlib
from functools import cache
from typing import Any

from central.enrolment import model as enrolment
from central.faults import model as fault_rows
from central.faults import service as faults
from central.store import Row, Tx
from central.wards import gaps, measured, model, starts
from central.wards import skew as clocks
from central.words import catalogue, spoken
from gateway.mqtt import kinds

# Words with this prefix are given to every node, for when it is alone.
NODE_WORDS = "node."
# Of these, what only a station says; and the words for one of its ward's beds.
STATION_WORDS = "node.station_"
STATION_BED = "node.station_bed"
CLOCK = "clock"
# Boxes nobody set up that get a fault line. A rogue ward may invent names without end.
STRANGERS_SHOWN = 20
# The heartbeat fields kept for the fleet page.
HEALTH = (
    "outbox",
    "dropped",
    "merged",
    "quarantined",
    "last_reject",
    "poll_ms",
    "silent_beds",
    "alone",
    "uptime_ms",
    "speaker_test",
    "speaker_tested_ago_ms",
    "speaker_driven_ago_ms",
    "supply",
    "battery_pct",
    "undervoltage",
    "temperature_c",
    "disk_free_pct",
    "disk_free_mb",
    "update",
)
# Of these, what is written down at once when it changes. The rest always changes.
DRIFTING = ("temperature_c", "disk_free_pct", "disk_free_mb")
NEWS = tuple(key for key in HEALTH if not key.endswith("_ms") and key not in DRIFTING)


def state_told(tx: Tx, ward: str, node: str, message: dict[str, Any]) -> bool:
    """Take a birth, will or clean end. True when the node was (re)born. A will of an earlier
    session, come late, says nothing about the node that lives now. A box that says to start anew is
    lost when it stays silent, as any."""
    row = model.node(tx, node)
    if row is None or row["ward"] != ward:
        if row is not None or model.strangers(tx) < STRANGERS_SHOWN:
            faults.raise_fault(
                tx, ward=None, node=node, device="box", code="unknown-node", detail=f"ward {ward}"
            )
        return False
    session = message["session"]
    if message["state"] != kinds.READY:
        if message.get("restarts") or starts.is_over(tx, node, session, row["session"]):
            return False
        lost(tx, node, message["state"], 0)
        return False
    if starts.is_over(tx, node, session, row["session"]):
        return False
    tx.execute(
        "UPDATE nodes SET state = 'ready', session = ?, firmware = ?, hardware = ?, born_ms = ?,"
        " seen_ms = ?, trial = ?, updatable = ? WHERE id = ?",
        (
            session,
            message.get("firmware"),
            message.get("hardware"),
            tx.now_ms,
            tx.now_ms,
            bool(message.get("trial")),
            bool(message.get("updatable")),
            node,
        ),
    )
    faults.clear_fault(tx, node, "box", "lost")
    if session != row["session"]:
        # A box that starts tells its outbox's troubles again where there are any.
        faults.clear_fault(tx, node, "outbox")
    tx.changed(ward, "nodes")
    tx.changed(ward, "commands")
    return True


def lost(tx: Tx, node: str, state: str = kinds.LOST, silent_ms: int | None = None) -> None:
    """The node is not there, silent for `silent_ms`: a fault that people see and hear. One whose
    claim no box has used yet is missed by nobody: it lies in its carton."""
    row = model.node(tx, node)
    if row is None or row["state"] == state:
        return
    if row["session"] is None and enrolment.in_its_carton(tx, node):
        return
    tx.execute("UPDATE nodes SET state = ? WHERE id = ?", (state, node))
    tx.changed(row["ward"], "nodes")
    faults.raise_fault(
        tx, ward=row["ward"], node=node, device="box", code="lost", detail=state,
        known_after_ms=silent_ms,
    )  # fmt: skip


def lives(tx: Tx, node: str, session: int, *, passes: bool = False) -> bool:
    """Heartbeats of this start come, and nothing keeps those: it lives, whether its birth was heard
    here or not. passes: none come of the start that central takes for the newest; that one is over,
    whatever their numbers. True when the node was so (re)born."""
    row = model.node(tx, node)
    if row is None or row["session"] == session:
        return False
    if row["session"] is not None and session < row["session"]:
        if not passes:
            return False
        starts.passed(tx, node, row["session"], session)
    born = {"state": kinds.READY, "session": session}
    return state_told(tx, row["ward"], node, dict(row) | born)


def heard_of(
    tx: Tx, node: str, heartbeat: dict[str, Any], skew: clocks.Skew = clocks.UNKNOWN
) -> None:
    """A heartbeat: the node lives; its health is kept for the fleet page."""
    row = model.node(tx, node)
    if row is None or starts.is_over(tx, node, heartbeat["boot"], row["session"]):
        return
    health = {key: heartbeat[key] for key in HEALTH if key in heartbeat}
    if "wall_ms" in heartbeat:
        health["has_clock"] = heartbeat["wall_ms"] is not None
    health["clock_behind_ms"] = skew.behind_ms
    if heartbeat.get("wall_ms") is None or skew.behind_ms is not None:
        _judge_clock(tx, row, skew)
    _judge_machine(tx, row, heartbeat)
    tx.execute(
        "UPDATE nodes SET seen_ms = ?, health = ? WHERE id = ?",
        (tx.now_ms, json.dumps(health, ensure_ascii=False), node),
    )
    if row["state"] != kinds.READY and row["session"] == heartbeat["boot"]:
        tx.execute("UPDATE nodes SET state = 'ready' WHERE id = ?", (node,))
        faults.clear_fault(tx, node, "box", "lost")
        tx.changed(row["ward"], "commands")
    tx.changed(row["ward"], "nodes")


def _judge_clock(tx: Tx, node: Row, found: clocks.Skew) -> None:
    """Raise or clear the faults of a box's wall clock."""
    for code in (clocks.SLOW, clocks.FAST):
        is_open = fault_rows.find_open(tx, node["id"], CLOCK, code) is not None
        if code == found.fault and not is_open:
            faults.raise_fault(
                tx, ward=node["ward"], node=node["id"], device=CLOCK, code=code,
                detail=f"off by {abs(found.behind_ms or 0) // 1000} s",
            )  # fmt: skip
        elif code != found.fault and is_open:
            faults.clear_fault(tx, node["id"], CLOCK, code)


def _judge_machine(tx: Tx, node: Row, heartbeat: dict[str, Any]) -> None:
    """Raise or clear the faults of a box's warmth and disk."""
    for each in measured.LIMITS:
        value = heartbeat.get(each.key)
        if value is None:
            continue
        is_open = fault_rows.find_open(tx, node["id"], each.device, each.code) is not None
        is_bad = each.is_bad(value, is_open)
        if is_bad and not is_open:
            faults.raise_fault(
                tx, ward=node["ward"], node=node["id"], device=each.device, code=each.code,
                detail=f"{value} {each.unit}",
            )  # fmt: skip
        elif is_open and not is_bad:
            faults.clear_fault(tx, node["id"], each.device, each.code)


def beds_told(tx: Tx, ward: str, node: str, message: dict[str, Any]) -> None:
    """Keep what each bed of a node is doing, as the node itself says."""
    for bed, told in message["beds"].items():
        tx.execute(
            "UPDATE beds SET state = ? WHERE ward = ? AND bed = ? AND node = ?",
            (told["state"], ward, bed, node),
        )
    tx.changed(ward, "beds")


@cache
def _node_words(lang: str) -> list[tuple[str, str]]:
    """What nodes say that holds no value, by id."""
    words = [each for each in catalogue(lang).items() if each[0].startswith(NODE_WORDS)]
    return sorted((words_id, text) for words_id, text in words if "{" not in text)


def config_for(tx: Tx, node: Row) -> dict[str, Any]:
    """The retained config message of a node, its phrases without audio yet."""
    ward = node["ward"]
    lang = model.lang(tx, ward)
    station = node["role"] == "station"
    phrases = {
        words_id: {"lang": lang, "text": text}
        for words_id, text in _node_words(lang)
        if station or not words_id.startswith(STATION_WORDS)
    }
    if station:
        # A station that is alone says where before what; together they would be too many.
        for row in model.beds(tx, ward):
            text = spoken(lang, STATION_BED, ward=ward, bed=row["bed"])
            phrases[f"{STATION_BED}/{row['bed']}"] = {"lang": lang, "text": text}
    config: dict[str, Any] = {
        "version": 1,
        "lang": lang,
        "beds": [row["bed"] for row in model.beds(tx, ward) if row["node"] == node["id"]],
        "phrases": phrases,
        **model.settings(tx, ward),
    }
    exact = json.dumps(config, sort_keys=True, ensure_ascii=False).encode()
    return config | {"revision": zlib.crc32(exact)}


EVENTS = gaps.EVENTS
TIMERS = gaps.TIMERS
