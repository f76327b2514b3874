"""Telephones as a step of an escalation: which ring, what they say of the call, how it went.

They ring beside all the rest: the next step comes at its time, or at once when nobody takes it.
"""

import itertools
import json
from collections.abc import Sequence

from central.calls import bedside, types
from central.calls import model as calls
from central.console.marks import N_
from central.directory import reach
from central.escalation import model
from central.escalation.policy import Rule, Target
from central.store import Row, Tx
from central.telephone import model as ringings
from central.telephone import service as telephone
from central.wards import model as wards
from central.words import seen, spoken
from gateway.telephone.telling import Outcome

KIND = "call"
PHONES = "phones"
# What a call that has just been made is said without; then the time is rounded to whole ones of it.
SINCE_MS = 10_000
# A telephone that has rung in vain is left in peace for so long.
AGAIN_MS = 120_000

# By what became of it at one telephone.
OUTCOMES = {
    Outcome.TAKEN: N_("phone %(number)s accepted it"),
    Outcome.PASSED_ON: N_("phone %(number)s passed it on"),
    Outcome.BUSY: N_("phone %(number)s was busy"),
    Outcome.NO_ANSWER: N_("phone %(number)s did not answer"),
    Outcome.UNREACHABLE: N_("phone %(number)s is not there"),
    Outcome.INCOMPATIBLE: N_("phone %(number)s answered and could not be spoken to"),
    Outcome.UNDECIDED: N_("phone %(number)s was answered, nobody decided"),
    Outcome.SPEECHLESS: N_("phone %(number)s was answered, the words could not be spoken"),
    Outcome.FAILED: N_("phone %(number)s could not be rung: the exchange is away"),
}


def numbers(tx: Tx, ward: str, target: Target) -> list[str]:
    """The extensions that a step means for calls of `ward`, as things stand."""
    if "numbers" in target:
        return list(dict.fromkeys(target["numbers"]))
    if target["of"] == "ward":
        return reach.of_ward(tx, ward)
    return reach.of_role(tx, target["of"], ward)


def ring(tx: Tx, call: Row, level: int, target: Target) -> int:
    """Ring the telephones of the step `level`, unless they ring. Returns how many may ring."""
    groups = [reach.found(tx, each) for each in numbers(tx, call["ward"], target)]
    if target.get("order") != "in_turn":
        groups = [list(dict.fromkeys(itertools.chain(*groups)))]
    ready = reach.telephones(tx, list(itertools.chain(*groups)))
    if ready and not _rings(tx, _ref(call["id"], level)):
        telephone.ring(
            tx, KIND, _ref(call["id"], level), groups, caller=display(call, _lang(tx, call))
        )
    return ready


def ring_again(tx: Tx, call: Row, level: int, target: Target) -> None:
    """Nobody at all has answered: ring once more, but not without end."""
    before = ringings.latest(tx, KIND, _ref(call["id"], level))
    if before is None or (
        before["over_ms"] is not None and tx.now_ms - before["over_ms"] >= AGAIN_MS
    ):
        ring(tx, call, level, target)


def silence(tx: Tx, call_id: int) -> None:
    """Whatever rings about this call falls silent."""
    for ref in _refs(tx, call_id):
        telephone.stop(tx, KIND, ref)


def about(ref: str) -> tuple[int, int]:
    """The call and the level of the step that a ringing is about."""
    call_id, _, level = ref.partition("/")
    return int(call_id), int(level)


def words(tx: Tx, ref: str, lang: str) -> str | None:
    """What is said of the call; None once somebody has seen to it."""
    call = calls.one(tx, about(ref)[0])
    if call is None or call["state"] != calls.OPEN:
        return None
    words_id, values = bedside.words_at_station(tx, call)
    said = spoken(lang, words_id, **values)
    waited_ms = (tx.now_ms - call["opened_ms"]) // SINCE_MS * SINCE_MS
    if waited_ms < SINCE_MS:
        return said
    return spoken(lang, "escalation.phone_since", what=said, ms=waited_ms)


def display(call: Row, lang: str) -> str:
    """What the displays of telephones show: the bed, and that it is an emergency if it is."""
    kind = types.of(call["type"])
    what = seen(lang, N_("emergency") if kind.emergency else kind.title)
    if call["bed"] is None:
        return what
    return seen(lang, N_("Bed %(bed)s: %(what)s"), bed=call["bed"], what=what)


def note(tx: Tx, call: Row, level: int, outcomes: dict[str, str]) -> None:
    """Keep in the history how it went at each telephone."""
    calls.add_history(tx, call["id"], "rang", level=level, outcomes=outcomes)


def outcome_words(outcomes: dict[str, str], lang: str) -> list[str]:
    """How it went at each telephone."""
    return [
        seen(lang, OUTCOMES[Outcome(outcome)], number=number)
        for number, outcome in outcomes.items()
        if outcome in OUTCOMES
    ]


def state(tx: Tx, call: Row, lang: str) -> list[str]:
    """Of a call that nobody has accepted: which telephones ring, or how it went there last."""
    if call["state"] != calls.OPEN:
        return []
    told = []
    for ref in _refs(tx, call["id"]):
        row = ringings.latest(tx, KIND, ref)
        if row is None:
            continue
        if row["over_ms"] is None:
            every = [each for group in ringings.groups(row) for each in group]
            told.append(seen(lang, N_("ringing phone %(number)s"), number=_joined(every, lang)))
        elif row["outcome"] is not None:
            told += outcome_words(json.loads(row["outcome"])["outcomes"], lang)
    return told


def _joined(every: Sequence[str], lang: str) -> str:
    return seen(lang, N_(", ")).join(every)


def _refs(tx: Tx, call_id: int) -> list[str]:
    """What the ringings about this call are called."""
    return [_ref(call_id, level) for level in levels(model.rule_of(tx, call_id)[0])]


def levels(rule: Rule) -> list[int]:
    """Which steps of a rule are telephones."""
    return [n for n, step in enumerate(rule["steps"]) if step["target"]["kind"] == PHONES]


def _ref(call_id: int, level: int) -> str:
    return f"{call_id}/{level}"


def _rings(tx: Tx, ref: str) -> bool:
    row = ringings.latest(tx, KIND, ref)
    return row is not None and row["over_ms"] is None


def _lang(tx: Tx, call: Row) -> str:
    return wards.lang(tx, call["ward"])
