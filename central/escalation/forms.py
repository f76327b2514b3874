"""The form of a policy: what is shown for a document, what was typed, and the document of it.

The form works without scripts: each button sends all of it, and one that adds, takes out or
moves something is answered with the changed form. What was typed is kept as it was typed.
"""

import copy
import re
from collections.abc import Callable
from typing import Any

from werkzeug.datastructures import MultiDict

from central.console.marks import N_
from central.errors import FieldError
from central.escalation.policy import Policy, Rule, Target, target_key

MAX_RULES = 100
MAX_STEPS = 20
SECONDS, MINUTES = "s", "min"
_FACTOR = {SECONDS: 1, MINUTES: 60}
_NEXT_STEP_S = 60
NUMBERS = "numbers"
# Of a step, what says whom it tells.
_WHO = ("target", "numbers", "order")
# Keys that may be left empty, and what the form calls them is what the document calls them.
_OPTIONAL_S = ("repeat_s", "exhausted_after_s")

# A rule and a policy as the form holds them: texts as typed.
Typed = dict[str, Any]


def target_id(target: Target) -> str:
    """A target as one word of the form: "station", "role:head_nurse", "phones:ward"; all that
    name telephones by their numbers are one, "phones:numbers"."""
    return f"role:{target['role']}" if target["kind"] == "role" else target_key(target)


def _target(step: Typed) -> Target:
    kind, _colon, more = step["target"].partition(":")
    if kind == "phones":
        order = {"order": step["order"]} if step["order"] else {}
        if more == NUMBERS:
            return {"kind": kind, "numbers": _numbers(step["numbers"])} | order
        return {"kind": kind, "of": more} | order
    return {"kind": kind, "role": more} if more else {"kind": kind}


def _numbers(text: str) -> list[str]:
    """The extensions of "8003, 8101", each once."""
    return list(dict.fromkeys(re.findall(r"[^\s,;、，；]+", text)))


# --- a document as the form shows it ---


def shown(document: Policy) -> Typed:
    """The form of a document that is in order."""
    return {
        "name": document["name"],
        "unattended_s": str(document.get("unattended_s", "")),
        "rules": [_rule_shown(rule) for rule in document["rules"]],
    }


def _rule_shown(rule: Rule) -> Typed:
    every = rule["beds"] == "all"
    return {
        "types": list(rule["types"]),
        "all_beds": every,
        "beds": [] if every else list(rule["beds"]),
        "from": rule.get("from", ""),
        "to": rule.get("to", ""),
        **{key: str(rule.get(key, "")) for key in _OPTIONAL_S},
        "steps": [_step_shown(step["after_s"], step["target"]) for step in rule["steps"]],
    }


def _step_shown(after_s: int, target: Target) -> Typed:
    unit = MINUTES if after_s and after_s % 60 == 0 else SECONDS
    return {
        "after": str(after_s // _FACTOR[unit]),
        "unit": unit,
        "target": target_id(target),
        "numbers": ", ".join(target.get("numbers", ())),
        "order": target.get("order", ""),
    }


# --- what was typed ---


def typed(form: "MultiDict[str, str]") -> Typed:
    """What was typed, whatever it is, to be shown again and to be read by `document`."""
    return {
        "name": form.get("name", "").strip(),
        "unattended_s": form.get("unattended_s", "").strip(),
        "rules": [_rule_typed(form, f"r{n}") for n in range(_count(form, "rules", MAX_RULES))],
    }


def _count(form: "MultiDict[str, str]", name: str, most: int) -> int:
    return max(0, min(form.get(name, 0, type=int), most))


def _rule_typed(form: "MultiDict[str, str]", name: str) -> Typed:
    def text(key: str) -> str:
        return form.get(f"{name}-{key}", "").strip()

    return {
        "types": form.getlist(f"{name}-types"),
        "all_beds": text("all_beds") != "no",
        "beds": form.getlist(f"{name}-beds"),
        **{key: text(key) for key in ("from", "to", *_OPTIONAL_S)},
        "steps": [
            {key: form.get(f"{name}s{n}-{key}", "").strip() for key in ("after", "unit", *_WHO)}
            for n in range(_count(form, f"{name}-steps", MAX_STEPS))
        ],
    }


# --- the document of what was typed ---


def document(given: Typed) -> Policy:
    """The document. Raises FieldError, its field the path of what cannot be read; whether the
    whole is a good policy is for `policy.check` and the trial to say."""
    made: Policy = {"name": given["name"]}
    if given["unattended_s"]:
        made["unattended_s"] = _whole(given["unattended_s"], "unattended_s")
    made["rules"] = [_rule(each, f"rules[{n}]") for n, each in enumerate(given["rules"])]
    return made


def _rule(given: Typed, path: str) -> Rule:
    if not given["types"]:
        raise FieldError(f"{path}.types", N_("Choose at least one kind of call."))
    if not given["all_beds"] and not given["beds"]:
        raise FieldError(f"{path}.beds", N_("Choose at least one bed, or all beds."))
    rule: Rule = {"types": given["types"], "beds": "all" if given["all_beds"] else given["beds"]}
    rule |= {key: given[key] for key in ("from", "to") if given[key]}
    for key in _OPTIONAL_S:
        if given[key]:
            rule[key] = _whole(given[key], f"{path}.{key}")
    rule["steps"] = [
        {
            "after_s": _whole(step["after"], f"{path}.steps[{n}].after_s")
            * _FACTOR.get(step["unit"], 1),
            "target": _target(step),
        }
        for n, step in enumerate(given["steps"])
    ]
    return rule


def _whole(text: str, field: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text):
        raise FieldError(field, N_("Give a whole number."))
    return int(text)


# --- what the buttons do ---


def change(given: Typed, order: str) -> tuple[Typed, str]:
    """Do what a button asks, such as "step-up 0 2": the form as it is then, and the id of the
    field or button that is to have the focus. An order that makes no sense changes nothing."""
    name, *numbers = order.split() or [""]
    changed = copy.deepcopy(given)
    rules = changed["rules"]
    places = [int(each) for each in numbers if each.isdecimal()]
    if name == "rule-add" and len(rules) < MAX_RULES:
        rules.insert(0, _fresh_rule())
        return changed, "r0-types-0"
    if name.startswith("rule-") and len(places) == 1 and places[0] < len(rules):
        return changed, _on_rule(rules, name, places[0])
    if name == "step-add" and len(places) == 1 and places[0] < len(rules):
        steps = rules[places[0]]["steps"]
        if len(steps) < MAX_STEPS:
            steps.append(_next_step(steps))
        return changed, f"r{places[0]}s{len(steps) - 1}-after"
    if name.startswith("step-") and len(places) == 2 and places[0] < len(rules):
        steps = rules[places[0]]["steps"]
        if places[1] < len(steps):
            return changed, f"r{places[0]}{_on_step(steps, name, places[1])}"
    return changed, ""


def _fresh_rule() -> Typed:
    steps = [
        _step_shown(0, {"kind": "station"}),
        _step_shown(_NEXT_STEP_S, {"kind": "role", "role": "duty_manager"}),
    ]
    empty = {"types": [], "all_beds": True, "beds": [], "from": "", "to": ""}
    return {**empty, **dict.fromkeys(_OPTIONAL_S, ""), "steps": steps}


def _next_step(steps: list[Typed]) -> Typed:
    """A minute after the last one, the same person; to be chosen otherwise."""
    after_s = 0
    if steps and steps[-1]["after"].isdecimal():
        after_s = int(steps[-1]["after"]) * _FACTOR.get(steps[-1]["unit"], 1) + _NEXT_STEP_S
    return _step_shown(after_s, {"kind": "role", "role": "duty_manager"})


def _on_rule(rules: list[Typed], name: str, at: int) -> str:
    if name == "rule-remove":
        del rules[at]
        return f"r{min(at, len(rules) - 1)}-remove" if rules else "rule-add"
    if name == "rule-copy" and len(rules) < MAX_RULES:
        rules.insert(at, copy.deepcopy(rules[at]))
        return f"r{at}-from"
    return _moved(rules, name, at, "r{}-{}", _exchange)


def _on_step(steps: list[Typed], name: str, at: int) -> str:
    if name == "step-remove":
        del steps[at]
        return f"s{min(at, len(steps) - 1)}-remove" if steps else "-step-add"
    return _moved(steps, name, at, "s{}-{}", _exchange_targets)


def _moved(
    rows: list[Typed], name: str, at: int, place: str, exchange: Callable[[Typed, Typed], None]
) -> str:
    """Let a row and the one above or below it change places; its button keeps the focus unless
    it can go no further."""
    way = name.rpartition("-")[2]
    there = at + {"up": -1, "down": 1}.get(way, 0)
    if there == at or not 0 <= there < len(rows):
        return ""
    exchange(rows[at], rows[there])
    if there in (0, len(rows) - 1):
        way = "down" if there == 0 else "up"
    return place.format(there, way)


def _exchange(one: Typed, other: Typed) -> None:
    kept = dict(one)
    one.clear()
    one.update(other)
    other.clear()
    other.update(kept)


def _exchange_targets(one: Typed, other: Typed) -> None:
    """The times stay, so that they keep growing; who is told changes places."""
    for key in _WHO:
        one[key], other[key] = other[key], one[key]
