"""A ward's faults as calls: opened with the first, widened by others, ended by recovery.

One call per ward and type, whatever fails with it: a cut line is one call, not one per bed.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

from central import say, timers
from central.calls import bedside, types
from central.calls import model as calls
from central.calls import service as calling
from central.escalation import telling
from central.faults import service as faults
from central.faults.service import JUDGE
from central.store import Row, Tx
from central.technical import judging
from central.technical.judging import Verdict
from central.wards import model as wards
from gateway.mqtt import kinds

REPEAT_S = 60
# What changes meanwhile is said together: a flood of faults may not keep the speaker busy.
SAY_AGAIN_MS = 20_000


def judge(tx: Tx, ward: str, body: dict[str, Any] | None = None, late_ms: int = 0) -> None:
    """Bring the technical calls of a ward into line with its faults."""
    unwell, settles_ms = judging.unwell(_lately(tx, ward), tx.now_ms)
    again_ms = [] if settles_ms is None else [settles_ms]
    boxes = wards.nodes(tx, ward)
    away = any(fault["code"] == "lost" for fault in unwell) and all(
        box["state"] not in (kinds.READY, "unknown") for box in boxes
    )
    beds: dict[str, list[str]] = {}
    for row in wards.beds(tx, ward):
        beds.setdefault(row["node"], []).append(row["bed"])
    wanted = {each.type: each for each in judging.verdicts(unwell, away, beds)}
    for type in types.TECHNICAL:
        call = calls.live(tx, ward, None, type)
        verdict = wanted.get(type)
        if verdict is not None and call is None:
            _open(tx, ward, verdict, unwell)
        elif verdict is not None and call is not None:
            _widen(tx, call, verdict)
            again_ms += _say_anew(tx, call["id"])
        elif call is not None and _ours(call):
            _end(tx, call)
    if again_ms:
        timers.cancel(tx, JUDGE, ward)
        timers.arm(tx, min(again_ms), JUDGE, ward)


def _lately(tx: Tx, ward: str) -> list[Row]:
    """The ward's open faults and those raised lately, oldest first."""
    return tx.all(
        "SELECT * FROM faults WHERE ward = ? AND (cleared_ms IS NULL OR raised_ms > ?)"
        " ORDER BY raised_ms, id",
        (ward, tx.now_ms - judging.FLAPS_WITHIN_MS),
    )


def _open(tx: Tx, ward: str, verdict: Verdict, unwell: Sequence[Row]) -> None:
    """Unless somebody has seen to these very faults and ended the call by hand."""
    last = tx.one(
        "SELECT * FROM calls WHERE ward = ? AND bed IS NULL AND type = ? ORDER BY id DESC LIMIT 1",
        (ward, verdict.type),
    )
    seen_to = last is not None and tx.value(
        "SELECT 1 FROM call_history WHERE call = ? AND what = 'resolved'", (last["id"],)
    )
    if last is not None and seen_to and set(verdict.faults) <= set(_faults(last)):
        for fault in unwell:
            if fault["code"] in judging.UNREAD:
                faults.clear_fault(tx, fault["node"], fault["device"], fault["code"])
        return
    call_id = calling.open_call(tx, ward, None, verdict.type, about=_about(verdict))
    _keep(tx, call_id, _said(tx, verdict.faults))


def _widen(tx: Tx, call: Row, verdict: Verdict) -> None:
    """Other devices are concerned than the call says."""
    before = set(_faults(call))
    if before == set(verdict.faults):
        return
    _keep(tx, call["id"], _about(verdict))
    more = sorted(set(verdict.faults) - before)
    if more:
        calls.add_history(tx, call["id"], "spread", faults=more)
    calls.nudge(tx, call)


def _say_anew(tx: Tx, call_id: int) -> list[int]:
    """Let the station speak of what is concerned now, where it has said something else. Returns
    when to look again, if it must wait."""
    call = calls.one(tx, call_id)
    assert call is not None
    about = json.loads(call["about"])
    said = about.get("said", {"faults": [], "at_ms": 0})
    if set(said["faults"]) == set(about.get("faults", [])):
        return []
    if tx.now_ms < said["at_ms"] + SAY_AGAIN_MS:
        return [said["at_ms"] + SAY_AGAIN_MS]
    if call["state"] == calls.OPEN and call["type"] != types.CUT_OFF:
        telling.announce(tx, call, call["ward"], telling.STATION, REPEAT_S)
    elif set(about["faults"]) - set(said["faults"]):
        _say_once(tx, call, *bedside.words_at_station(tx, call))
    _keep(tx, call_id, _said(tx, about["faults"]))
    return []


def _keep(tx: Tx, call_id: int, about: dict[str, Any]) -> None:
    tx.execute(
        "UPDATE calls SET about = json_patch(about, ?) WHERE id = ?",
        (json.dumps(about, ensure_ascii=False), call_id),
    )


def _said(tx: Tx, faults: Sequence[str]) -> dict[str, Any]:
    return {"said": {"faults": list(faults), "at_ms": tx.now_ms}}


def _end(tx: Tx, call: Row) -> None:
    calling.recovered(tx, call["id"], "central")
    bed = json.loads(call["about"]).get("bed", "")
    words = "faults.recovered" if bed and _is_bed(call) else "faults.box_recovered"
    _say_once(tx, call, words, {"ward": call["ward"], "bed": bed})


def _say_once(tx: Tx, call: Row, words_id: str, values: dict[str, Any]) -> None:
    """Beside the call's own announcement, which says what it is about until it is accepted."""
    utterance = f"technical-{call['id']}-{words_id}"
    say.to_station(
        tx, call["ward"], utterance, words_id, klass=kinds.TECHNICAL, chime="low", **values
    )


def _about(verdict: Verdict) -> dict[str, Any]:
    return {
        "words": verdict.words,
        "bed": verdict.bed,
        "count": verdict.number,
        "faults": list(verdict.faults),
        "beds": list(verdict.beds),
    }


def _faults(call: Row) -> list[str]:
    found: list[str] = json.loads(call["about"]).get("faults", [])
    return found


def _ours(call: Row) -> bool:
    """Not a call that a person opened for something no fault tells of."""
    return bool(_faults(call))


def _is_bed(call: Row) -> bool:
    return all("/bed " in each for each in _faults(call))


TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {JUDGE: judge}
