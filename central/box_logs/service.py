"""An engineer asks for the last lines of a box's log. The box tells them in portions and answers
the command behind the last one, on the same way: with the answer all of them are here, or one was
lost where the line was cut, and then he is told to ask again."""

from typing import Any

from central import commands
from central.audit import model as audit
from central.box_logs import model
from central.console.marks import N_
from central.errors import FieldError
from central.store import Row, Tx
from central.wards import model as wards
from gateway.mqtt import kinds

CHOICES = (50, 200, 1000)
KEPT = 10
# More than a box may send: what comes beyond is of nobody we asked.
MOST_PARTS = 200
NO_ANSWER, NO_LOG, TORN = "no-answer", "no-log", "torn"
WHY = {
    NO_ANSWER: N_("The box gave no answer. See whether it is in contact, and ask again."),
    NO_LOG: N_("This box keeps no log: a communicator has no room for one."),
    TORN: N_("Not all of it arrived, for the line was cut meanwhile. Ask again."),
}


class UnknownBoxError(Exception):
    """There is no box of this name."""

    error_id = "box-unknown"


def ask(tx: Tx, node: str, by: str, lines: int, grave: bool = False) -> int:
    """Ask a box for its last lines, with `grave` only those that a person must look at. Returns the
    number of the excerpt. Raises UnknownBoxError, FieldError."""
    row = wards.node(tx, node)
    if row is None:
        raise UnknownBoxError(node)
    if lines not in CHOICES:
        raise FieldError("lines", N_("Choose how many lines."))
    if row["state"] != kinds.READY:
        raise FieldError("lines", N_("The box is out of contact: its log cannot be asked for."))
    command = commands.send(
        tx, row["ward"], node, kinds.LOG, {"lines": lines, "grave": grave}
    )  # fmt: skip
    log = tx.insert(
        "box_logs", node=node, by=by, at_ms=tx.clock.real_ms(), command=command, lines=lines,
        grave=grave,
    )  # fmt: skip
    model.drop_but(tx, node, KEPT)
    audit.append(tx, by, "box_log.ask", f"node/{node}")
    return log


def take(tx: Tx, node: str, message: dict[str, Any]) -> None:
    """A portion came. What nobody asked this box for is left out."""
    number = message["command"]
    row = model.waiting(tx, node, int(number)) if number.isdecimal() and len(number) < 19 else None
    if row is None or not message["part"] < message["parts"] <= MOST_PARTS:
        return
    tx.execute("UPDATE box_logs SET parts = ? WHERE id = ?", (message["parts"], row["id"]))
    tx.execute(
        "INSERT OR REPLACE INTO box_log_parts (log, part, text) VALUES (?, ?, ?)",
        (row["id"], message["part"], "\n".join(message["lines"])),
    )


def _on_answer(tx: Tx, command: Row, result: str, reason: str | None) -> None:
    if command["type"] != kinds.LOG:
        return
    row = model.waiting(tx, command["node"], command["id"])
    if row is None:
        return
    came = tx.value("SELECT count(*) FROM box_log_parts WHERE log = ?", (row["id"],))
    if result == kinds.DONE:
        why = None if row["parts"] == came else TORN
    elif result == kinds.DECLINED:
        why = NO_LOG
    else:
        why = NO_ANSWER if result == kinds.EXPIRED else reason or result
    tx.execute(
        "UPDATE box_logs SET state = ?, reason = ?, ended_ms = ? WHERE id = ?",
        (model.FAILED if why else model.WHOLE, why, tx.clock.real_ms(), row["id"]),
    )


ACKS = [_on_answer]
