"""Policies in words: whom each step tells and when, and what differs between two versions."""

import difflib
import re
from dataclasses import dataclass, field
from typing import Any

from central.calls import types
from central.console.context import _, lang, lasted, ward_name
from central.console.marks import N_
from central.escalation import forms, model, phones, plan, policy
from central.escalation.plan import Course, Span
from central.escalation.policy import Available, Policy, Rule, StepHole, Target
from central.escalation.service import AGAIN_AT_LEAST_S, ROLES, available
from central.escalation.steps import TARGETS, target_words
from central.store import Tx
from central.wards import model as wards

# As the form offers them; of the last one the numbers are still to be typed.
KINDS: tuple[Target, ...] = (
    {"kind": "station"}, {"kind": "ward_speaker"}, {"kind": "neighbour"},
    *({"kind": "role", "role": role} for role in ROLES),
    *({"kind": "phones", "of": of} for of in ("ward", *ROLES)),
    {"kind": "phones", "numbers": []},
)  # fmt: skip
ORDERS = {"": N_("all at once"), "in_turn": N_("one after the other")}
NAMES_SHOWN = 3
_STATION = N_("nurse station: board and loudspeaker")


@dataclass(frozen=True)
class Reach:
    """Who is behind the targets of a ward's policy."""

    available: Available = field(default_factory=Available)
    neighbour: str = ""
    holders: dict[str, list[str]] = field(default_factory=dict)
    # The extensions by whose telephones they are: "ward", "head_nurse".
    numbers: dict[str, list[str]] = field(default_factory=dict)

    def choices(self) -> list[dict[str, Any]]:
        """Every target with its words, and why it reaches nobody just now, or None."""
        return [
            {
                "id": forms.target_id(target),
                "words": self._offered(target),
                "missing": hole((None, *missing)) if missing else None,
            }
            for target in KINDS
            for missing in [self.available.missing(target)]
        ]

    def _offered(self, target: Target) -> str:
        """As `who`, but short for telephones: of a narrow choice only the beginning is seen."""
        if target["kind"] != phones.PHONES:
            return who(target, self)
        if "numbers" in target:
            return "☎ " + _(TARGETS["phones:numbers"])
        words = "☎ " + _(TARGETS["station" if target["of"] == "ward" else target["of"]])
        numbers = self.numbers.get(target["of"])
        if not numbers:
            return words
        return _("%(what)s (%(names)s)", what=words, names=_(", ").join(numbers))


def reach(tx: Tx, ward: str) -> Reach:
    row = wards.ward(tx, ward)
    neighbour = row["neighbour"] if row is not None else None
    return Reach(
        available(tx, ward),
        ward_name(neighbour) if neighbour else "",
        {role: model.holders(tx, role, ward) for role in ROLES},
        {
            of: phones.numbers(tx, ward, {"kind": phones.PHONES, "of": of})
            for of in ("ward", *ROLES)
        },
    )


def who(target: Target, known: Reach | None = None) -> str:
    """Whom a step tells; with the names of those who are meant, where they are `known`."""
    kind = target["kind"]
    if kind == "station":
        return _(_STATION)
    names = []
    if known and kind == "neighbour":
        names = [known.neighbour] if known.neighbour else []
    elif known and kind == "role":
        names = known.holders.get(target["role"], [])
    elif known and "of" in target:
        names = known.numbers.get(target["of"], [])
    words = _short(target)
    if not names:
        return words
    more = ["…"] if len(names) > NAMES_SHOWN else []
    return _("%(what)s (%(names)s)", what=words, names=_(", ").join(names[:NAMES_SHOWN] + more))


def remark(target: Target, known: Reach) -> str:
    """What is to be known of a step that is no hole: whom find-me would look for outside; ""."""
    named = target.get("numbers") or known.numbers.get(target.get("of", ""), [])
    outside = [each for each in named if each in known.available.outside]
    if not outside:
        return ""
    return _(
        "Find-me outside the house is left out for %(numbers)s: what nurse calls say stays inside.",
        numbers=_(", ").join(outside),
    )


def _short(target: Target) -> str:
    return target_words(target, lang())


def hole(each: StepHole) -> str:
    """Why a step, or the lack of one, is a hole, and what to do."""
    _step, text, values = each
    if "role" in values:
        values = values | {"role": _(TARGETS[values["role"]])}
    return _(text, **values)


def hours(spans: tuple[Span, ...]) -> str:
    if spans == plan.WHOLE_DAY:
        return _("whole day")
    return _(", ").join(f"{_clock(start)}–{_clock(end)}" for start, end in spans)


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _after(step: dict[str, Any]) -> str:
    return lasted(step["after_s"] * 1000)


def course(each: Course, document: Policy, beds: int, known: Reach) -> dict[str, Any]:
    """A course as a timeline: `steps` with `at`, `who`, the same `short`, the `holes` there and
    a `remark`; `then`: what happens when nobody accepts. `beds`: how many the ward has."""
    rule = None if each.rule is None else document["rules"][each.rule]
    steps = [
        {
            "at": _after(step),
            "who": who(step["target"], known),
            "short": _short(step["target"]),
            "holes": [hole(one) for one in each.holes if one[0] == number],
            "remark": remark(step["target"], known),
        }
        for number, step in enumerate(rule["steps"] if rule else ())
    ]
    return {
        "type": each.type,
        "title": _(types.of(each.type).title),
        "priority": types.of(each.type).priority,
        "rule": None if each.rule is None else each.rule + 1,
        "hours": hours(each.spans),
        "beds": "" if each.beds == (None,) else _beds([str(one) for one in each.beds], beds),
        "steps": steps,
        "holes": [hole(one) for one in each.holes if one[0] is None],
        "then": _then(rule) if rule else "",
    }


def _beds(beds: list[str], of: int) -> str:
    return _("all beds") if len(beds) == of else _("beds %(beds)s", beds=_(", ").join(beds))


def _then(rule: Rule) -> str:
    again_s = max(rule.get("repeat_s", policy.DEFAULT_REPEAT_S), AGAIN_AT_LEAST_S)
    wait_s = rule.get("exhausted_after_s", policy.DEFAULT_EXHAUSTED_AFTER_S)
    return _(
        "If still nobody accepts: %(wait)s later it is an alarm of its own, and the last one is"
        " told again every %(again)s.",
        wait=lasted(wait_s * 1000),
        again=lasted(again_s * 1000),
    )


def in_one_line(each: dict[str, Any]) -> str:
    """A course as one sentence: 0 s nurse station → 45 s ward speakers → …"""
    if not each["steps"]:
        return str(_(", ").join(each["holes"]))
    return " → ".join(f"{step['at']} {step['short']}" for step in each["steps"])


def place(path: str) -> tuple[str, str]:
    """Where in the form the path of an error is: in words, and as the id of the element."""
    found = re.match(r"rules\[(\d+)\](?:\.steps\[(\d+)\])?", path)
    if found is None:
        return _("the policy"), "policy-form"
    rule = int(found[1])
    if found[2] is None:
        return _("rule %(n)s", n=rule + 1), f"r{rule}"
    step = int(found[2])
    return _("rule %(n)s, step %(m)s", n=rule + 1, m=step + 1), f"r{rule}s{step}"


# --- what differs between two versions ---


def lines(document: Policy) -> list[str]:
    """The whole policy, one fact a line."""
    told = [_("Name: %(name)s", name=_(document["name"]))]
    comes_back_s = document.get("unattended_s", policy.DEFAULT_UNATTENDED_S)
    told.append(
        _("An accepted call nobody comes to is open again after %(time)s",
          time=lasted(comes_back_s * 1000))
    )  # fmt: skip
    for rule in document["rules"]:
        told += [f"{_title(rule)}: {fact}" for fact in _facts(rule)]
    return told


def _title(rule: Rule) -> str:
    words = _(", ").join(_(types.of(type).title) for type in rule["types"])
    return f"{words} ({rule['from']}–{rule['to']})" if "from" in rule else words


def _facts(rule: Rule) -> list[str]:
    beds = rule["beds"]
    facts = [_("all beds") if beds == "all" else _("beds %(beds)s", beds=_(", ").join(beds))]
    facts += [f"{_after(step)} {_told(step['target'])}" for step in rule["steps"]]
    repeat_s = rule.get("repeat_s", policy.DEFAULT_REPEAT_S)
    facts.append(_("said again every %(time)s", time=lasted(repeat_s * 1000)))
    wait_s = rule.get("exhausted_after_s", policy.DEFAULT_EXHAUSTED_AFTER_S)
    facts.append(_("an alarm %(time)s after the last step", time=lasted(wait_s * 1000)))
    return facts


def _told(target: Target) -> str:
    order = ORDERS["in_turn"] if target.get("order") == "in_turn" else None
    return who(target) if order is None else f"{who(target)} ({_(order)})"


def difference(old: Policy, new: Policy) -> list[tuple[str, str]]:
    """("−", a line that is gone) and ("+", a line that came), in the order of the policy."""
    signs = {"- ": "−", "+ ": "+"}
    found = difflib.ndiff(lines(old), lines(new), charjunk=None)
    return [(signs[line[:2]], line[2:]) for line in found if line[:2] in signs]
