"""Messages that reach a node: checked, refused with a reason, and what each kind does."""

from ward_node.compat import Any
from ward_node.contract import kinds, topics
from ward_node.core import commands, effects, messages


def take(
    node: Any, kind: str, payload: bytes, ward: str, name: str, now_ms: int, drip_ms: int
) -> None:
    """Act on what came on `ward`/`name`/`kind`; `node` is the Node."""
    if node.station is not None and ward == node.me.ward and name != node.me.node:
        if kind in topics.HEARD_BY_STATION:
            node.station.overhear(kind, payload, name, now_ms)
            return
    elif node.station is not None and kind in topics.FROM_NODE:
        return  # our own words, as the ward hears them
    message: dict[str, Any] = {}
    try:
        if ward != node.me.ward or name not in (node.me.node, topics.ALL):
            raise messages.RejectedMessageError(
                kind + " for ward " + ward + ", node " + name + " came to ward "
                + node.me.ward + ", node " + node.me.node
            )  # fmt: skip
        message = messages.decode(kind, payload)
        messages.check(kind, message)
        _act(node, kind, message, now_ms, drip_ms)
    except messages.RejectedMessageError as error:
        node.reject(str(error))
        command = message.get("id")
        if kind == topics.COMMAND and isinstance(command, str) and 0 < len(command) <= 200:
            node.answer(command, kinds.REFUSED, str(error))


def _act(node: Any, kind: str, message: dict[str, Any], now_ms: int, drip_ms: int) -> None:
    if kind == topics.COMMAND:
        commands.take(node, message, now_ms, drip_ms)
    elif kind == topics.RECEIPT:
        _receipt(node, message)
    elif kind == topics.CLOCK:
        node.clock.beacon(
            message["real_ms"], message["now_ms"], message["offset_min"], message["session"],
            now_ms, drip_ms,
        )  # fmt: skip
        node.clock.trouble = message.get("trouble")
    elif kind == topics.VOICE:
        node.live.take(message, now_ms)
    elif kind == topics.CONFIG:
        node.configure(message)
        node.out.append(effects.Remember("config", message))
        node.fetch(list(node.phrases.values()))
        if sorted(message["beds"]) != sorted(node.me.beds):
            told = ", ".join(message["beds"]) or "none"
            node.note("central counts other beds to this box: " + told, True)


def _receipt(node: Any, message: dict[str, Any]) -> None:
    """Central holds these events: nobody else needs to."""
    for entry in node.outbox.receipt(message["ids"]):
        if message.get("refused"):
            node.note("central refused " + entry.message["type"] + " " + entry.id, True)
        node.solitude.receipted(entry.id)
        node.proving.receipted(entry.id)
        bed = node.beds.get(entry.message["bed"])
        if bed is not None:
            bed.receipted(entry.id)
