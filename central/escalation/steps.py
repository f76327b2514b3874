"""How far a call has been passed on, for the pages: who was told last, who is next and when."""

from typing import NamedTuple

from central import timers
from central.calls import model as calls
from central.console.marks import N_
from central.escalation import model
from central.escalation.policy import Target, target_key
from central.store import Row, Tx
from central.words import seen

# As in service.py, which imports what this module serves.
STEP = "escalation.step"

TARGETS = {
    "station": N_("nurse station"),
    "ward_speaker": N_("ward speakers"),
    "neighbour": N_("neighbouring ward"),
    "nurse": N_("nurse"),
    "head_nurse": N_("head nurse"),
    "duty_manager": N_("duty manager"),
    "engineer": N_("engineer"),
    "phones:ward": N_("phone of the nurse station"),
    "phones:nurse": N_("phones of the nurses"),
    "phones:head_nurse": N_("phone of the head nurse"),
    "phones:duty_manager": N_("phone of the duty manager"),
    "phones:engineer": N_("phone of the engineer"),
    "phones:numbers": N_("telephones"),
}
NAMES_SHOWN = 2


class Next(NamedTuple):
    """Who is told next, in words, and when (hospital ms)."""

    who: str
    at_ms: int


def told(tx: Tx, call: Row, lang: str) -> str | None:
    """Who was told last, None while it is only the ward's own station."""
    if not call["level"]:
        return None
    rule, _ = model.rule_of(tx, call["id"])
    return target_words(rule["steps"][min(call["level"], len(rule["steps"]) - 1)]["target"], lang)


def next_step(tx: Tx, call: Row, lang: str) -> Next | None:
    """Who is told next unless somebody accepts; None when it was accepted or everybody was told."""
    if call["state"] != calls.OPEN or call["exhausted_ms"] is not None:
        return None
    rule, _ = model.rule_of(tx, call["id"])
    due_ms = timers.pending_ms(tx, STEP, call["id"])
    if due_ms is None or call["level"] + 1 >= len(rule["steps"]):
        return None
    target = rule["steps"][call["level"] + 1]["target"]
    return Next(_people(tx, target, call["ward"], lang), due_ms)


def late(tx: Tx, since_ms: int, limit: int) -> list[Row]:
    """Calls made since then that had to be passed on, came back, or nobody answered at all. The
    nurse station's own telephone is no passing on."""
    return tx.all(
        "SELECT c.* FROM calls c WHERE opened_ms >= ? AND (level > 1 OR returned > 0 OR (level = 1"
        " AND (SELECT json_extract(rule, '$.steps[1].target.of') FROM escalations e"
        " WHERE e.call = c.id) IS NOT 'ward') OR EXISTS"
        " (SELECT 1 FROM call_history h WHERE h.call = c.id AND h.what = 'exhausted'))"
        " ORDER BY opened_ms DESC, id DESC LIMIT ?",
        (since_ms, limit),
    )


def why(tx: Tx, call: Row, lang: str) -> list[str]:
    """Why a call counts as late, in words."""
    reasons = []
    who = told(tx, call, lang)
    if who is not None:
        reasons.append(seen(lang, N_("passed on as far as: %(who)s"), who=who))
    if call["returned"]:
        words = N_("accepted, but nobody was at the bed (%(n)s×)")
        reasons.append(seen(lang, words, n=call["returned"]))
    if tx.value("SELECT 1 FROM call_history WHERE call = ? AND what = 'exhausted'", (call["id"],)):
        reasons.append(seen(lang, N_("nobody on the list answered")))
    return reasons


def target_words(target: Target, lang: str) -> str:
    """Whom a target means."""
    what = seen(lang, TARGETS[target_key(target)])
    return what + " " + seen(lang, ", ").join(target["numbers"]) if "numbers" in target else what


def _people(tx: Tx, target: Target, ward: str, lang: str) -> str:
    """Whom the target means, with the names of those who hold a role."""
    names = model.holders(tx, target["role"], ward)[:NAMES_SHOWN] if "role" in target else []
    if not names:
        return target_words(target, lang)
    joined = seen(lang, ", ").join(names)
    return seen(lang, "%(what)s (%(names)s)", what=target_words(target, lang), names=joined)
