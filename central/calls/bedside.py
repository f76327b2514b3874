"""What the bed and the station are told of a call: lights by phase, words that are true."""

import json
from typing import Any

from central import commands, say
from central.calls import model, types
from central.store import Row, Tx
from central.wards import model as wards
from central.words import spoken
from gateway.mqtt import kinds

UTTERANCE = "call-"
# The words for the nurse station; other prefixes are for ears that shall hear less.
AT_STATION = "calls.station_"


def utterance(call_id: int) -> str:
    """The name of everything spoken about a call, by which it is silenced."""
    return f"{UTTERANCE}{call_id}"


def call_of(utterance: str) -> int | None:
    """The call that an utterance is about, or None."""
    number = utterance.removeprefix(UTTERANCE)
    return int(number) if number != utterance and number.isdigit() else None


def tell(tx: Tx, call: Row, phase: str, words_id: str | None = None) -> None:
    """Tell the bed the phase of its call, with words when `words_id` is given."""
    tx.execute("UPDATE calls SET phase = ? WHERE id = ?", (phase, call["id"]))
    if call["bed"] is None:
        return
    if phase == kinds.ENDED:
        commands.take_back(tx, call["ward"], kinds.CALL, "call", str(call["id"]))
    _send(tx, call, phase, words_id)
    # The lamp shows the most urgent call: a lesser one's news must not leave it too calm.
    others = [
        each for each in model.at_bed(tx, call["ward"], call["bed"]) if each["id"] != call["id"]
    ]
    if others and (phase == kinds.ENDED or not _calmer_than(others[0], call)):
        _send(tx, others[0], others[0]["phase"], None)


def again(tx: Tx, call: Row) -> None:
    """Repeat the phase to a bed whose box has forgotten it, without words."""
    _send(tx, call, call["phase"], None)


def words_at_station(tx: Tx, call: Row, prefix: str = AT_STATION) -> tuple[str, dict[str, Any]]:
    """The id of the words that announce this call, and their values. What opened the call may
    have brought more telling words of its own in `about`."""
    about = json.loads(call["about"])
    values = {
        "ward": call["ward"],
        "bed": call["bed"] or about.get("bed", ""),
        "count": about.get("count", 1),
    }
    if prefix == AT_STATION and about.get("words"):
        return str(about["words"]), values
    words_id = prefix + call["type"]
    if call["type"] == types.INFUSION and about.get("unconfirmed"):
        words_id += "_unconfirmed"
    if call["bed"] is None and call["type"] not in types.TECHNICAL:
        words_id = prefix + "ward"
    return words_id, values


def press(call: Row) -> dict[str, Any]:
    """Which press of which bed a command is about, so that a node which has seen somebody at the
    bed since knows that the command comes too late. Nothing but the bed where no event of a node
    opened the call."""
    about = {"ward": call["ward"], "bed": call["bed"]}
    if call["boot"] is not None:
        about |= {"node": call["node"], "boot": call["boot"], "seq": call["seq"]}
    return about


def silence(tx: Tx, call: Row) -> None:
    """Everybody who is still announcing this call stops."""
    spoken_in = {call["ward"]} | {each["ward"] for each in model.targets(tx, call["id"])}
    for ward in sorted(spoken_in - {""}):
        say.stop(tx, ward, utterance(call["id"]))


def _calmer_than(call: Row, other: Row) -> bool:
    key = (types.RANK[call["priority"]], call["state"] == model.ACCEPTED)
    return key > (types.RANK[other["priority"]], other["state"] == model.ACCEPTED)


def _send(tx: Tx, call: Row, phase: str, words_id: str | None) -> None:
    bed = wards.bed(tx, call["ward"], call["bed"])
    node = bed["node"] if bed is not None and bed["node"] else call["node"]
    if node is None:
        return
    words = None
    if words_id is not None:
        lang = wards.lang(tx, call["ward"])
        words = {"lang": lang, "text": spoken(lang, words_id)}
    body = {
        "call": str(call["id"]),
        "phase": phase,
        "priority": call["priority"],
        "words": words,
        "press": press(call),
    }
    commands.send(tx, call["ward"], node, kinds.CALL, body, bed=call["bed"])
