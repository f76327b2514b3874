"""How each target of an escalation step is told, and how many of it could be reached."""

from collections.abc import Callable

from central import commands, say
from central.calls import bedside, types
from central.calls import model as calls
from central.escalation import model, phones
from central.escalation.policy import DEFAULT_REPEAT_S, Rule, Target
from central.store import HOSPITAL, Row, Tx
from central.wards import model as wards
from central.words import spoken
from gateway.mqtt import kinds

# What the words of each place begin with; the call's type follows.
STATION = "calls.station_"
WARD = "escalation.ward_"
NEIGHBOUR = "escalation.neighbour_"


def tell(tx: Tx, call: Row, rule: Rule, level: int) -> int:
    """Do the step `level` of the rule. Returns how many boxes or people it reached; of telephones,
    how many may ring."""
    target = rule["steps"][level]["target"]
    if target["kind"] == phones.PHONES:
        return phones.ring(tx, call, level, target)
    return _TELL[target["kind"]](tx, call, rule, target)


def announce(tx: Tx, call: Row, ward: str, prefix: str, repeat_s: int | None = None) -> int:
    """Let the stations of `ward` announce the call until it is silenced. Returns how many of
    them are connected and so can be heard. One that is not is told again at its birth."""
    words_id, values = bedside.words_at_station(tx, call, prefix)
    say.to_station(
        tx,
        ward,
        bedside.utterance(call["id"]),
        words_id,
        klass=types.of(call["type"]).speech_class,
        chime=call["priority"],
        repeat_every_ms=(repeat_s or DEFAULT_REPEAT_S) * 1000,
        press=bedside.press(call),
        **values,
    )
    return sum(node["state"] == kinds.READY for node in wards.stations(tx, ward))


def _station(tx: Tx, call: Row, rule: Rule, target: Target) -> int:
    return announce(tx, call, call["ward"], STATION, rule.get("repeat_s"))


def _ward_speaker(tx: Tx, call: Row, rule: Rule, target: Target) -> int:
    """The boxes' own loudspeakers say where and what kind of call, and nothing private."""
    words_id, values = bedside.words_at_station(tx, call, WARD)
    lang = wards.lang(tx, call["ward"])
    body = {
        "utterance": bedside.utterance(call["id"]),
        "class": types.of(call["type"]).speech_class,
        "chime": call["priority"],
        "repeat_every_ms": None,
        "words": {"lang": lang, "text": spoken(lang, words_id, **values)},
        "beds": [],
        "press": bedside.press(call),
    }
    boxes = [node for node in wards.nodes(tx, call["ward"]) if node["role"] == "bedside"]
    for node in boxes:
        commands.send(tx, call["ward"], node["id"], kinds.SPEAK, body)
    return sum(node["state"] == kinds.READY for node in boxes)


def _neighbour(tx: Tx, call: Row, rule: Rule, target: Target) -> int:
    ward = wards.ward(tx, call["ward"])
    if ward is None or ward["neighbour"] is None:
        return 0
    calls.add_target(tx, call["id"], "neighbour", ward=ward["neighbour"])
    return announce(tx, call, ward["neighbour"], NEIGHBOUR, rule.get("repeat_s"))


def _role(tx: Tx, call: Row, rule: Rule, target: Target) -> int:
    calls.add_target(tx, call["id"], "role", role=target["role"])
    tx.changed(HOSPITAL, "board")
    return model.people(tx, target["role"], call["ward"])


_TELL: dict[str, Callable[[Tx, Row, Rule, Target], int]] = {
    "station": _station,
    "ward_speaker": _ward_speaker,
    "neighbour": _neighbour,
    "role": _role,
}
