"""Speaking in a ward: which nodes are asked to say which words, in the ward's language."""

from typing import Any

from central import commands
from central.store import Tx
from central.wards import model as wards
from central.words import spoken
from gateway.mqtt import kinds


def to_station(
    tx: Tx,
    ward: str,
    utterance: str,
    words_id: str,
    /,
    *,
    klass: str,
    chime: str = "medium",
    repeat_every_ms: int | None = None,
    ttl_ms: int = commands.TTL_MS,
    press: dict[str, Any] | None = None,
    **values: Any,
) -> int:
    """Let the station nodes of `ward` say the words `words_id`, again every `repeat_every_ms`
    until `stop` or, about a `press`, until somebody is at the bed.
    Returns how many nodes were asked: 0 means nobody can hear it."""
    text = spoken(wards.lang(tx, ward), words_id, **values)
    return text_to_station(
        tx, ward, utterance, text, klass=klass, chime=chime, repeat_every_ms=repeat_every_ms,
        ttl_ms=ttl_ms, press=press,
    )  # fmt: skip


def text_to_station(
    tx: Tx,
    ward: str,
    utterance: str,
    text: str,
    /,
    *,
    klass: str,
    chime: str = "medium",
    repeat_every_ms: int | None = None,
    ttl_ms: int = commands.TTL_MS,
    press: dict[str, Any] | None = None,
) -> int:
    """The same with a text in the ward's language."""
    body = {
        "utterance": utterance,
        "class": klass,
        "chime": chime,
        "repeat_every_ms": repeat_every_ms,
        "words": {"lang": wards.lang(tx, ward), "text": text},
    }
    if press is not None:
        body["press"] = press
    stations = wards.stations(tx, ward)
    for node in stations:
        commands.send(tx, ward, node["id"], kinds.SPEAK, body, ttl_ms=ttl_ms)
    return len(stations)


def to_beds(
    tx: Tx,
    ward: str,
    utterance: str,
    text: str,
    *,
    klass: str,
    beds: list[str] | None = None,
    chime: str = "low",
    ttl_ms: int = commands.TTL_MS,
) -> int:
    """Let the bedside nodes of `ward` say `text` at `beds` (None: at all of them).
    Returns how many nodes were asked."""
    by_node: dict[str, list[str]] = {}
    for row in wards.beds(tx, ward):
        if row["node"] and (beds is None or row["bed"] in beds):
            by_node.setdefault(row["node"], []).append(row["bed"])
    words = {"lang": wards.lang(tx, ward), "text": text}
    for node, its_beds in by_node.items():
        body = {"utterance": utterance, "class": klass, "chime": chime, "words": words}
        commands.send(tx, ward, node, kinds.SPEAK, body | {"beds": its_beds}, ttl_ms=ttl_ms)
    return len(by_node)


def stop(tx: Tx, ward: str, utterance: str) -> None:
    """Let every node of the ward fall silent about `utterance`."""
    commands.take_back(tx, ward, kinds.SPEAK, "utterance", utterance)
    for node in wards.nodes(tx, ward):
        commands.send(tx, ward, node["id"], kinds.STOP, {"utterance": utterance})
