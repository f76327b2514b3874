"""Escalation: tell the next one until somebody accepts. Nobody left to tell is an alarm."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from central import timers
from central.audit import model as audit
from central.calls import bedside, types
from central.calls import model as calls
from central.console.marks import N_
from central.directory import reach
from central.escalation import model, phones, plan, policy, telling
from central.escalation.plan import Course
from central.escalation.policy import Available, Hole
from central.faults import service as faults
from central.store import Row, Tx
from central.wards import model as wards
from gateway.mqtt import kinds

STEP = "escalation.step"
NOBODY_ANSWERS = "nobody-answers"
ROLES = ("nurse", "head_nurse", "duty_manager", "engineer")
# A loudspeaker that has told everybody every 10 s for a minute tells nobody any more.
AGAIN_AT_LEAST_S = 30


class PolicyHoleError(Exception):
    """The policy would let some calls reach nobody, or too late; `holes` says which."""

    error_id = "policy-hole"

    def __init__(self, holes: list[Hole]) -> None:
        super().__init__(f"{len(holes)} holes, the first: {holes[0]}")
        self.holes = holes


class PolicyChangedError(Exception):
    """Somebody else saved a version meanwhile; `newest` is its number."""

    error_id = "policy-changed"

    def __init__(self, newest: int) -> None:
        super().__init__(f"the newest version is {newest}")
        self.newest = newest


class UnknownVersionError(Exception):
    """The ward has no such version of its policy."""

    error_id = "policy-version-unknown"


# --- policies ---


def available(tx: Tx, ward: str) -> Available:
    """Who can be reached for calls of `ward`: boxes that exist, people who may log in."""
    row = wards.ward(tx, ward)
    neighbour = row["neighbour"] if row is not None else None
    held = {role for role in ROLES if model.people(tx, role, ward)}
    with_phone = {role for role in ROLES if reach.of_role(tx, role, ward)}
    if reach.of_ward(tx, ward):
        with_phone.add("ward")
    return Available(
        stations=len(wards.stations(tx, ward)),
        speakers=sum(bed["node"] is not None for bed in wards.beds(tx, ward)),
        neighbour_stations=len(wards.stations(tx, neighbour)) if neighbour else 0,
        has_neighbour=neighbour is not None,
        roles=frozenset(held),
        numbers=reach.ringing(tx),
        outside=frozenset(reach.outside(tx)),
        phones=frozenset(with_phone),
    )


def simulate(tx: Tx, ward: str, document: policy.Policy) -> list[Hole]:
    """Where `document` would fail in this ward, for every bed, call type and hour."""
    beds = [row["bed"] for row in wards.beds(tx, ward)]
    can = available(tx, ward)
    no_bed = policy.simulate(document, [None], types.TECHNICAL, can)
    of_beds = [type for type in types.TYPES if type not in types.TECHNICAL]
    return no_bed + policy.simulate(document, beds, of_beds, can)


def courses(tx: Tx, ward: str, document: policy.Policy) -> list[Course]:
    """The same for reading: which call goes which way, with the holes where they are."""
    beds = [row["bed"] for row in wards.beds(tx, ward)]
    return plan.courses(document, beds, available(tx, ward))


def save_policy(
    tx: Tx, ward: str, document: policy.Policy, by: str, *, based_on: int | None = None
) -> int:
    """Make `document` the ward's policy and return its version number. `based_on`: the version
    it was made from (0: the default one), where that is known. Raises FieldError for a malformed
    one, PolicyHoleError for one with holes, PolicyChangedError when there is a newer version."""
    policy.check(document)
    newest = model.newest(tx, ward)
    if based_on is not None and newest != based_on:
        raise PolicyChangedError(newest)
    number = _keep(tx, ward, document, by)
    audit.append(tx, by, "policy.save", f"policy/{ward}/{number}")
    return number


def _keep(tx: Tx, ward: str, document: policy.Policy, by: str) -> int:
    holes = simulate(tx, ward, document)
    if holes:
        raise PolicyHoleError(holes)
    return model.add_version(tx, ward, document, by)


def restore(tx: Tx, ward: str, number: int, by: str) -> int:
    """Make an earlier version the ward's policy again, as a new version whose number is returned.
    Raises UnknownVersionError, and PolicyHoleError where it has holes as things stand today."""
    row = model.version(tx, ward, number)
    if row is None:
        raise UnknownVersionError(f"ward {ward} has no version {number}")
    fresh = _keep(tx, ward, json.loads(row["document"]), by)
    audit.append(tx, by, "policy.restore", f"policy/{ward}/{fresh}", detail={"from": number})
    return fresh


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
                name = policy.target_key(step["target"])
                by_target[name] = by_target.get(name, 0) + 1
    return Replay(len(past), reached, by_target, no_rule)


def unattended_s(tx: Tx, ward: str) -> int:
    """After so many seconds a call that was accepted and not attended comes back."""
    return int(model.active(tx, ward).get("unattended_s", policy.DEFAULT_UNATTENDED_S))


def rule_now(tx: Tx, ward: str, bed: str | None, type: str) -> policy.Rule | None:
    """The rule by which a call made now would go. Where a ward's policy has a hole after all,
    the default policy serves."""
    for document in (model.active(tx, ward), model.default(tx, ward)):
        rule = policy.rule_for(document, bed, type, _minute(tx.now_ms))
        if rule is not None:
            return rule
    return None


# --- one call's way through its rule ---


def start(tx: Tx, call: Row) -> None:
    """Begin at the first step, with the rule that fits now. A call always gets one."""
    rule = rule_now(tx, call["ward"], call["bed"], call["type"])
    if rule is None:
        raise LookupError(f"no rule for {call['type']}")
    timers.cancel(tx, STEP, call["id"])
    model.set_rule(tx, call["id"], rule)
    _run(tx, call, rule, tx.now_ms, 0)


def cancel(tx: Tx, call_id: int) -> None:
    """Somebody accepted or attended: no further steps, no phone rings on, and the alarm about
    nobody is over."""
    timers.cancel(tx, STEP, call_id)
    phones.silence(tx, call_id)
    faults.clear_fault(tx, "central", _device(call_id), NOBODY_ANSWERS)


def go_on(tx: Tx, call: Row, level: int) -> None:
    """Nobody at the telephones of the step `level` takes it: the next step comes at once, unless
    it has come meanwhile."""
    rule, started_ms = model.rule_of(tx, call["id"])
    if call["level"] == level and level + 1 < len(rule["steps"]):
        timers.cancel(tx, STEP, call["id"])
        _run(tx, call, rule, started_ms, level + 1)


def _run(tx: Tx, call: Row, rule: policy.Rule, started_ms: int, level: int) -> None:
    """Do the step `level`, and at once the following ones where it reached nobody."""
    steps = rule["steps"]
    while level < len(steps):
        target = steps[level]["target"]
        reached = telling.tell(tx, call, rule, level)
        tx.execute("UPDATE calls SET level = ? WHERE id = ?", (level, call["id"]))
        calls.add_history(tx, call["id"], "step", level=level, reached=reached, **target)
        _tell_bed(tx, call, rule, level, reached)
        if target["kind"] == "station" and not reached:
            _alarm(tx, call, N_("no nurse station box is connected"))
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
        _alarm(tx, call, N_("everybody was told and nobody answers"))
    _repeat(tx, call, rule)


def _repeat(tx: Tx, call: Row, rule: policy.Rule) -> None:
    """Tell the last one again for as long as nobody answers, and let the telephones ring again;
    stations repeat by themselves."""
    telling.tell(tx, call, rule, len(rule["steps"]) - 1)
    for level in phones.levels(rule):
        phones.ring_again(tx, call, level, rule["steps"][level]["target"])
    calls.nudge(tx, call)
    again_s = max(rule.get("repeat_s", policy.DEFAULT_REPEAT_S), AGAIN_AT_LEAST_S)
    body = {"level": len(rule["steps"])}
    timers.arm(tx, tx.now_ms + again_s * 1000, STEP, call["id"], body)


def _tell_bed(tx: Tx, call: Row, rule: policy.Rule, level: int, reached: int) -> None:
    """The bed hears of a delay once, and of the head nurse only when she was told. A telephone
    that rings at once is none yet."""
    kinds_of = [step["target"]["kind"] for step in rule["steps"]]
    if reached and rule["steps"][level]["target"].get("role") == "head_nurse":
        bedside.tell(tx, call, kinds.DELAYED, "calls.delayed_head_nurse")
    elif level and kinds_of[level] != phones.PHONES and set(kinds_of[1:level]) <= {phones.PHONES}:
        bedside.tell(tx, call, kinds.DELAYED, "calls.still_calling")


def _alarm(tx: Tx, call: Row, detail: str) -> None:
    faults.raise_fault(
        tx,
        ward=call["ward"],
        node="central",
        device=_device(call["id"]),
        code=NOBODY_ANSWERS,
        detail=detail,
    )


def _device(call_id: int) -> str:
    return f"call {call_id}"


def _minute(at_ms: int) -> int:
    """Minute of the hospital's day; the process runs in the hospital's time zone."""
    local = datetime.fromtimestamp(at_ms / 1000)
    return local.hour * 60 + local.minute


def _on_birth(tx: Tx, node: str) -> None:
    """A station that has come (back) announces what is still open: its ward's calls, and the
    ones other wards have sent there."""
    row = wards.node(tx, node)
    if row is None or row["role"] != "station":
        return
    for call in calls.open_calls(tx):
        if call["state"] != calls.OPEN:
            continue
        rule, _ = model.rule_of(tx, call["id"])
        if call["ward"] == row["ward"]:
            if any(
                step["target"]["kind"] == "station" for step in rule["steps"][: call["level"] + 1]
            ):
                telling.announce(tx, call, row["ward"], telling.STATION, rule.get("repeat_s"))
        elif any(each["ward"] == row["ward"] for each in calls.targets(tx, call["id"])):
            telling.announce(tx, call, row["ward"], telling.NEIGHBOUR, rule.get("repeat_s"))


TIMERS = {STEP: _on_step}
BIRTHS = [_on_birth]
