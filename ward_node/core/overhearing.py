"""What other boxes of the ward say or are told, as its nurse station hears it.

Only a station reads this module: a board at a bed has better use for the memory.
"""

from ward_node.compat import Any
from ward_node.contract import kinds, topics
from ward_node.core import messages


def take(node: Any, kind: str, payload: bytes, name: str, now_ms: int) -> None:
    """What came from, or for, the box `name`; `node` is the Node of the station."""
    try:
        message = messages.decode(kind, payload, heard=True)
        check(kind, message)
        node.station.hear(kind, name, message, now_ms)
    except messages.RejectedMessageError as error:
        node.reject(name + ": " + str(error))


def check(kind: str, message: dict[str, Any]) -> None:
    """Raises RejectedMessageError with the first thing that is wrong."""
    if kind == topics.EVENT:
        _event(message)
    elif kind == topics.BEDS:
        _beds(message)
    else:
        messages.check(kind, message)


def _event(message: dict[str, Any]) -> None:
    for name in ("id", "node", "ward"):
        messages.want_name(message, name)
    messages.want_integer(message, "boot")
    messages.want_integer(message, "seq", 1)
    messages.want_integer(message, "age_ms")
    messages.want_one_of(message, "type", kinds.EVENT_TYPES)
    if message.get("bed") is not None:
        messages.want_text(message, "bed", 32)
    messages.want_object(message.get("about", {}), "about")
    messages.want_truth(message, "age_known")
    if "over" in message:
        over = messages.want_object(message["over"], "over")
        messages.want_integer(over, "boot")
        messages.want_integer(over, "seq", 1)
        messages.want_integer(over, "age_ms")


def _beds(message: dict[str, Any]) -> None:
    messages.want_integer(message, "boot")
    for bed in messages.want_object(message.get("beds"), "beds").values():
        messages.want_object(bed, "beds")
        messages.want_one_of(bed, "state", kinds.BED_STATES)
        if type(bed.get("receipted")) is not bool:
            raise messages.RejectedMessageError("receipted is missing or not true or false")
        messages.want_truth(bed, "accepted")
        if "for_ms" in bed:
            messages.want_integer(bed, "for_ms")
