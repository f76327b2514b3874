"""Escalation: tell the next one, and the next, until somebody accepts. Telling nobody is an alarm."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from central import say, timers
from central.audit import model as audit
from central.calls import bedside, types
from central.calls import model as calls
from central.escalation import model, policy
from central.escalation.policy import Available, Hole
from central.faults import service as faults
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from central.words import spoken
from gateway.mqtt import kinds

STEP = "escalation.step"
NOBODY_ANSWERS = "nobody-answers"
# A loudspeaker that has told everybody every 10 s for a minute tells nobody any more.
AGAIN_AT_LEAST_S = 30
# Beyond this a call that nobody could answer is history, not sound.
SOUND_TTL_MS = 15 * 60_000


class PolicyHoleError(Exception):
    """The policy would let some calls reach nobody, or too late; `holes` says which."""

    error_id = "policy-hole"

    def __init__(self, holes: list[Hole]) -> None:
        super().__init__(f"{len(holes)} holes, the first: {holes[0]}")
        self.holes = holes


# --- policies ---


def available(tx: Tx, ward: str) -> Available:
    """Who can be reached for calls of `ward`: boxes that exist, people who may log in."""
    row = wards.ward(tx, ward)
    neighbour = row["neighbour"] if row is not None else None
    held = {role for role in ("nurse", "head_nurse", "duty_manager", "engineer")
            if model.people(tx, role, ward)}  # fmt: skip
    return Available(
        stations=len(wards.stations(tx, ward)),
        speakers=sum(bed["node"] is not None for bed in wards.beds(tx, ward)),
        neighbour_stations=len(wards.stations(tx, neighbour)) if neighbour else 0,
        has_neighbour=neighbour is not None,
        roles=frozenset(held),
    )


def simulate(tx: Tx, ward: str, document: policy.Policy) -> list[Hole]:
    """Where `document` would fail in this ward, for every bed, call type and hour."""
    beds = [row["bed"] for row in wards.beds(tx, ward)]
    can = available(tx, ward)
    no_bed = policy.simulate(document, [None], [types.FAULT], can)
    return no_bed + policy.simulate(document, beds, types.TYPES, can)


def save_policy(tx: Tx, ward: str, document: policy.Policy, by: str) -> int:
    """Make `document` the ward's policy and return its version number.
    Raises FieldError for a malformed one and PolicyHoleError for one with holes."""
    policy.check(document)
    holes = simulate(tx, ward, document)
    if holes:
        raise PolicyHoleError(holes)
    number = model.add_version(tx, ward, document, by)
    audit.append(tx, by, "policy.save", f"policy/{ward}/{number}")
    return number


@dataclass(frozen=True)
class Replay:
    """What a policy would have done with past calls: `reached[i]` calls came to step i of their
    rule; `by_target` the same by whom the step tells; `no_rule` calls had no rule."""

    calls: int
    reached: list[int]
    by_target: dict[str, int]
    no_rule: int


def replay(tx: Tx, ward: str, document: policy.Policy, since_ms: int) -> Replay:
    """Play the calls of `ward` since then against `document`: a step is reached when nobody had
    accepted or attended by its time."""
    reached: list[int] = []
    by_target: dict[str, int] = {}
    no_rule = 0
    past = calls.find(tx, ward=ward, since_ms=since_ms, limit=-1)
    for call in past:
        rule = policy.rule_for(document, call["bed"], call["type"], _minute(call["opened_ms"]))
        if rule is None:
            no_rule += 1
            continue
        ends = [call[key] for key in ("accepted_ms", "ended_ms") if call[key] is not None]
        waited_ms = min(ends, default=tx.now_ms) - call["opened_ms"]
        for level, step in enumerate(rule["steps"]):
            if step["after_s"] * 1000 <= waited_ms:
                reached += [0] * (level + 1 - len(reached))
                reached[level] += 1
                name = step["target"].get("role", step["target"]["kind"])
                by_target[name] = by_target.get(name, 0) + 1
    return Replay(len(past), reached, by_target, no_rule)


def unattended_s(tx: Tx, ward: str) -> int:
    """After so many seconds a call that was accepted and not attended comes back."""
    return int(model.active(tx, ward).get("unattended_s", policy.DEFAULT_UNATTENDED_S))


# --- one call's way through its rule ---


def start(tx: Tx, call: Row) -> None:
    """Begin at the first step, with the rule that fits now. A call always gets one: where a
    ward's policy has a hole after all, the default policy serves."""
    for document in (model.active(tx, call["ward"]), policy.default()):
        rule = policy.rule_for(document, call["bed"], call["type"], _minute(tx.now_ms))
        if rule is not None:
            break
    if rule is None:
        raise LookupError(f"no rule for {call['type']}")
    timers.cancel(tx, STEP, call["id"])
    model.set_rule(tx, call["id"], rule)
    _run(tx, call, rule, tx.now_ms, 0)


def cancel(tx: Tx, call_id: int) -> None:
    """Somebody accepted or attended: no further steps, and the alarm about nobody is over."""
    timers.cancel(tx, STEP, call_id)
    faults.clear_fault(tx, "central", _device(call_id), NOBODY_ANSWERS)


def announce(tx: Tx, call: Row, ward: str, prefix: str, repeat_s: int | None = None) -> int:
    """Let the stations of `ward` announce the call until it is silenced. Returns how many of
    them are connected and so can be heard."""
    words_id, values = bedside.words_at_station(tx, call, prefix)
    say.to_station(
        tx,
        ward,
        bedside.utterance(call["id"]),
        words_id,
        klass=types.of(call["type"]).speech_class,
        chime=call["priority"],
        repeat_every_ms=(repeat_s or policy.DEFAULT_REPEAT_S) * 1000,
        ttl_ms=SOUND_TTL_MS,
        **values,
    )
    return sum(node["state"] == kinds.READY for node in wards.stations(tx, ward))


def _run(tx: Tx, call: Row, rule: policy.Rule, started_ms: int, level: int) -> None:
    """Do the step `level`, and at once the following ones where it reached nobody."""
    steps = rule["steps"]
    while level < len(steps):
        target = steps[level]["target"]
        reached = _TELL[target["kind"]](tx, call, rule, target)
        tx.execute("UPDATE calls SET level = ? WHERE id = ?", (level, call["id"]))
        calls.add_history(tx, call["id"], "step", level=level, reached=reached, **target)
        _tell_bed(tx, call, level, target, reached)
        if target["kind"] == "station" and not reached:
            _alarm(tx, call, "no nurse station box is connected")
        level += 1
        if reached:
            break
    else:
        reached = 0
    calls.nudge(tx, call)
    if level < len(steps):
        due_ms = max(tx.now_ms, started_ms + steps[level]["after_s"] * 1000)
    else:
        wait_s = rule.get("exhausted_after_s", policy.DEFAULT_EXHAUSTED_AFTER_S) if reached else 0
        due_ms = tx.now_ms + wait_s * 1000
    timers.arm(tx, due_ms, STEP, call["id"], {"level": level})


def _on_step(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    call = calls.one(tx, int(ref))
    if call is None or call["state"] != calls.OPEN:
        return
    rule, started_ms = model.rule_of(tx, call["id"])
    if body["level"] < len(rule["steps"]):
        _run(tx, call, rule, started_ms, body["level"])
        return
    if call["exhausted_ms"] is None:
        tx.execute("UPDATE calls SET exhausted_ms = ? WHERE id = ?", (tx.now_ms, call["id"]))
        calls.add_history(tx, call["id"], "exhausted", late_ms=late_ms)
        _alarm(tx, call, "everybody was told and nobody answers")
    _repeat(tx, call, rule)


def _repeat(tx: Tx, call: Row, rule: policy.Rule) -> None:
    """Tell the last one again, and in the ward itself, for as long as nobody answers."""
    for step in (rule["steps"][0], rule["steps"][-1]):
        _TELL[step["target"]["kind"]](tx, call, rule, step["target"])
    calls.nudge(tx, call)
    again_s = max(rule.get("repeat_s", policy.DEFAULT_REPEAT_S), AGAIN_AT_LEAST_S)
    body = {"level": len(rule["steps"])}
    timers.arm(tx, tx.now_ms + again_s * 1000, STEP, call["id"], body)


def _tell_station(tx: Tx, call: Row, rule: policy.Rule, target: policy.Target) -> int:
    return announce(tx, call, call["ward"], "calls.station_", rule.get("repeat_s"))


def _tell_ward(tx: Tx, call: Row, rule: policy.Rule, target: policy.Target) -> int:
    """Every box's own loudspeaker says where, and nothing that is private."""
    words_id, values = bedside.words_at_station(tx, call, "escalation.ward_")
    lang = wards.lang(tx, call["ward"])
    body = {
        "utterance": bedside.utterance(call["id"]),
        "class": types.of(call["type"]).speech_class,
        "chime": call["priority"],
        "words": {"lang": lang, "text": spoken(lang, words_id, **values)},
        "beds": [],
    }
    return say_to_boxes(tx, call["ward"], body)


def _tell_neighbour(tx: Tx, call: Row, rule: policy.Rule, target: policy.Target) -> int:
    ward = wards.ward(tx, call["ward"])
    if ward is None or ward["neighbour"] is None:
        return 0
    calls.add_target(tx, call["id"], "neighbour", ward=ward["neighbour"])
    return announce(tx, call, ward["neighbour"], "escalation.neighbour_", rule.get("repeat_s"))


def _tell_role(tx: Tx, call: Row, rule: policy.Rule, target: policy.Target) -> int:
    calls.add_target(tx, call["id"], "role", role=target["role"])
    tx.changed(HOSPITAL, "board")
    return model.people(tx, target["role"], call["ward"])


_TELL: dict[str, Callable[[Tx, Row, policy.Rule, policy.Target], int]] = {
    "station": _tell_station,
    "ward_speaker": _tell_ward,
    "neighbour": _tell_neighbour,
    "role": _tell_role,
}
