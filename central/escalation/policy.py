"""Escalation policies: what a document must say, which rule fits, and where it has holes.

Sans-IO: it is given documents and who can be reached, and answers.
"""

import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import fastjsonschema

from central.calls import types
from central.console.marks import N_
from central.errors import FieldError
from gateway.telephone.directory import DirectoryError, extension

_FOLDER = Path(__file__).parent
MINUTES_OF_DAY = 24 * 60
# An emergency has reached everybody it can reach within this time.
EMERGENCY_LAST_STEP_S = 60
DEFAULT_REPEAT_S = 10
DEFAULT_EXHAUSTED_AFTER_S = 60
DEFAULT_UNATTENDED_S = 180
# When the default policy also rings the nurse station's telephone, by the first type of a rule. The
# loudspeaker has then said a nurse call twice and an emergency once, and nobody was there: she who
# carries the handset is elsewhere. For equipment that only needs mending nobody is rung.
DEFAULT_RING_S = {types.EMERGENCY: 5, types.NURSE: 15, types.CUT_OFF: 2, types.OUTAGE: 15}

Policy = dict[str, Any]
Rule = dict[str, Any]
Target = dict[str, Any]


# Nurse calls name wards, beds and needs: they are not told on lines that leave the house, to
# whoever answers there.
ONLY_OUTSIDE = N_(
    "%(number)s is found outside only, where nurse calls do not ring: what they say stays in the"
    " house. Give it a phone inside."
)


@dataclass(frozen=True)
class Available:
    """Who can be reached for a ward as things stand."""

    stations: int = 0
    speakers: int = 0
    neighbour_stations: int = 0
    has_neighbour: bool = False
    roles: frozenset[str] = frozenset()
    # Every extension of the house, and whether a telephone rings for it.
    numbers: Mapping[str, bool] = field(default_factory=dict)
    # The extensions that find-me looks for outside the house, too, or only there.
    outside: frozenset[str] = frozenset()
    # "ward" when its nurse station has a telephone, and the roles whose people have one.
    phones: frozenset[str] = frozenset()

    def missing(self, target: Target) -> tuple[str, dict[str, Any]] | None:
        """Why `target` reaches nobody (an English message id and its values), or None."""
        kind = target["kind"]
        if kind == "station" and not self.stations:
            return N_("The ward has no nurse station box: add one under Nodes."), {}
        if kind == "ward_speaker" and not self.speakers:
            return N_("No bed of the ward has a loudspeaker box: connect the beds under Nodes."), {}
        if kind == "neighbour" and not self.has_neighbour:
            return N_("The ward has no neighbouring ward: set one, or take the step out."), {}
        if kind == "neighbour" and not self.neighbour_stations:
            return N_("The neighbouring ward has no nurse station box: add one under Nodes."), {}
        if kind == "role" and target["role"] not in self.roles:
            return N_("Nobody holds the role %(role)s: add such a user."), {"role": target["role"]}
        return self._without_phone(target) if kind == "phones" else None

    def _without_phone(self, target: Target) -> tuple[str, dict[str, Any]] | None:
        for number in target.get("numbers", ()):
            if number not in self.numbers:
                return N_("There is no extension %(number)s: correct it."), {"number": number}
            if not self.numbers[number] and number in self.outside:
                return ONLY_OUTSIDE, {"number": number}
            if not self.numbers[number]:
                text = N_("No phone rings for %(number)s: name one in the directory of phones.")
                return text, {"number": number}
        of = target.get("of")
        if of == "ward" and of not in self.phones:
            text = N_("The ward's nurse station has no phone: give it one, or take the step out.")
            return text, {}
        if of is not None and of not in self.phones:
            return N_("Nobody who is %(role)s has a phone: give them one, or take the step out."), {
                "role": of
            }
        return None


@dataclass(frozen=True, order=True)
class Hole:
    """A bed, call type and hours of the day for which a policy fails, and why: an English
    message id with its values. `bed` None stands for calls that belong to no bed."""

    bed: str | None
    type: str
    reason: str
    values: tuple[tuple[str, Any], ...] = ()
    hours: tuple[int, ...] = field(default=(), compare=False)


# What to do, by the JSON Schema rule that failed.
_REMEDIES = {
    "required": N_("Something is missing here: add %(allowed)s."),
    "enum": N_("Use one of: %(allowed)s."),
    "type": N_("This must be of the type %(allowed)s."),
    "minimum": N_("The smallest allowed number is %(allowed)s."),
    "maximum": N_("The largest allowed number is %(allowed)s."),
    "pattern": N_("Write a time as 22:00."),
    "additionalProperties": N_("There is a word here that a policy does not know: take it out."),
    "minItems": N_("At least %(allowed)s entry is needed."),
    "maxItems": N_("At most %(allowed)s entries are allowed."),
    "minLength": N_("This may not be empty."),
    "maxLength": N_("At most %(allowed)s letters are allowed."),
}


@cache
def _schema() -> Any:
    return fastjsonschema.compile(json.loads((_FOLDER / "policy.schema.json").read_text()))


@cache
def default(phone: bool = False) -> Policy:
    """The policy of a ward that has none of its own; `phone`: its nurse station has a telephone,
    which then rings, too. Not to be changed by the caller."""
    document: Policy = json.loads((_FOLDER / "default.json").read_text())
    for rule in document["rules"]:
        after_s = DEFAULT_RING_S.get(rule["types"][0])
        if phone and after_s is not None:
            step = {"after_s": after_s, "target": {"kind": "phones", "of": "ward"}}
            rule["steps"].insert(1, step)
    return document


def target_key(target: Target) -> str:
    """What a target is, as one word: "station", "head_nurse", "phones:ward", "phones:numbers"."""
    if target["kind"] == "phones":
        return f"phones:{target.get('of', 'numbers')}"
    return str(target.get("role", target["kind"]))


def parse(text: str) -> Policy:
    """The policy that a JSON text holds. Raises FieldError naming the line or the path."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        message = N_("Line %(line)s, column %(column)s is not JSON: %(what)s.")
        raise FieldError(
            "document", message, line=error.lineno, column=error.colno, what=error.msg
        ) from error
    check(document)
    return document


def check(document: Any) -> None:
    """Raises FieldError, its `field` the path of what is wrong, such as rules[0].steps[1]."""
    try:
        _schema()(document)
    except fastjsonschema.JsonSchemaValueException as error:
        allowed = error.rule_definition
        if isinstance(allowed, list):
            allowed = ", ".join(str(each) for each in allowed)
        raise FieldError(_path(error.path), _REMEDIES[str(error.rule)], allowed=allowed) from error
    for number, rule in enumerate(document["rules"]):
        _check_rule(f"rules[{number}]", rule)


def _path(parts: list[Any]) -> str:
    """fastjsonschema's path (["data", "rules", "0", "beds"]) as people write it."""
    text = ""
    for part in parts[1:]:
        text += f"[{part}]" if str(part).isdigit() else f".{part}"
    return text.lstrip(".") or "document"


def _check_rule(path: str, rule: Rule) -> None:
    if isinstance(rule["beds"], str) and rule["beds"] != "all":
        raise FieldError(f"{path}.beds", N_('Write "all", or a list of beds.'))
    if ("from" in rule) != ("to" in rule):
        raise FieldError(path, N_("Give both times, or leave both empty for the whole day."))
    if "from" in rule and rule["from"] == rule["to"]:
        raise FieldError(
            f"{path}.to", N_("Both times are equal: leave both empty for the whole day.")
        )
    for number, step in enumerate(rule["steps"]):
        target = step["target"]
        if (target["kind"] == "role") != ("role" in target):
            where = f"{path}.steps[{number}].target"
            raise FieldError(where, N_("Give a role with the kind role, and only there."))
        _check_phones(f"{path}.steps[{number}].target", target)


def _check_phones(path: str, target: Target) -> None:
    given = ("numbers" in target) + ("of" in target)
    if given != (target["kind"] == "phones"):
        text = N_("Give numbers, or whose phones, with the kind phones, and only there.")
        raise FieldError(path, text)
    if "order" in target and not given:
        raise FieldError(path, N_("There is a word here that a policy does not know: take it out."))
    for each in target.get("numbers", ()):
        try:
            extension(each)
        except DirectoryError:
            raise FieldError(path, N_("An extension has 2 to 8 digits.")) from None


def minute(text: str) -> int:
    """Minute of the day of "22:00"."""
    return int(text[:2]) * 60 + int(text[3:])


def rule_for(policy: Policy, bed: str | None, type: str, minute_of_day: int) -> Rule | None:
    """The first rule that fits, or None. A rule from 22:00 to 06:00 spans midnight."""
    for rule in policy["rules"]:
        if type not in rule["types"]:
            continue
        if rule["beds"] != "all" and bed not in rule["beds"]:
            continue
        if "from" in rule:
            start, end = minute(rule["from"]), minute(rule["to"])
            length = (end - start) % MINUTES_OF_DAY
            if (minute_of_day - start) % MINUTES_OF_DAY >= length:
                continue
        return rule
    return None


def simulate(
    policy: Policy, beds: Iterable[str | None], call_types: Iterable[str], available: Available
) -> list[Hole]:
    """Play every bed, call type and hour, and return what would go wrong, sorted.

    Each hour is tried at its start and at every minute at which a rule begins or ends, so a
    gap of a few minutes is found. A call without a bed is only ever of equipment."""
    minutes = set(range(0, MINUTES_OF_DAY, 60))
    for rule in policy["rules"]:
        minutes |= {minute(rule[key]) for key in ("from", "to") if key in rule}
    found: dict[Hole, set[int]] = {}
    kinds = list(call_types)
    for bed in beds:
        for type in kinds:
            for at in sorted(minutes):
                rule = rule_for(policy, bed, type, at)
                for _step, reason, values in rule_holes(rule, type, available):
                    hole = Hole(bed, type, reason, tuple(sorted(values.items())))
                    found.setdefault(hole, set()).add(at // 60)
    holes = [
        Hole(each.bed, each.type, each.reason, each.values, tuple(sorted(hours)))
        for each, hours in found.items()
    ]
    return sorted(holes, key=lambda each: (each.bed or "", each.type, each.reason))


# The step a hole is at (None: there is no step at all), why, and the values of the words.
StepHole = tuple[int | None, str, dict[str, Any]]


def rule_holes(rule: Rule | None, type: str, available: Available) -> list[StepHole]:
    """What is wrong with the steps a call of `type` would go through, in their order."""
    if rule is None:
        text = N_(
            "No rule fits: the call would reach nobody. Add its kind, bed and hours to a rule."
        )
        return [(None, text, {})]
    holes: list[StepHole] = []
    steps = rule["steps"]
    after_s = [step["after_s"] for step in steps]
    last = len(steps) - 1
    if after_s[0] != 0:
        text = N_("The first step must come at once: give it 0 s, not %(s)s s.")
        holes.append((0, text, {"s": after_s[0]}))
    for number, (sooner, later) in enumerate(itertools.pairwise(after_s), 1):
        if later <= sooner:
            text = N_("This step must come later than the one before it: give it a longer time.")
            holes.append((number, text, {}))
    if types.of(type).emergency and after_s[-1] > EMERGENCY_LAST_STEP_S:
        text = N_("An emergency may take at most %(most)s s to its last step, not %(s)s s.")
        holes.append((last, text, {"most": EMERGENCY_LAST_STEP_S, "s": after_s[-1]}))
    if steps[0]["target"]["kind"] == "phones":
        text = N_("The first step may be no phone, for a call never waits for one: put it second.")
        holes.append((0, text, {}))
    for number, step in enumerate(steps):
        if missing := available.missing(step["target"]):
            holes.append((number, *missing))
    if steps[-1]["target"]["kind"] != "role":
        text = N_("The last step must be a person: choose the duty manager, for example.")
        holes.append((last, text, {}))
    return holes
