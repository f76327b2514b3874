"""The ways by which messages come, and how one that is kept is read again."""

from collections.abc import Callable

from central.hospital import model
from central.store import Row, Tx
from gateway.his.http import reading
from gateway.his.message import Parsed, parse

MLLP, HTTP, POLL = "mllp", "http", "poll"


def _mllp(tx: Tx, row: Row) -> Parsed:
    return parse(row["raw"], model.encoding_of(tx, row["peer"]))


def _json(tx: Tx, row: Row) -> Parsed:
    return reading.parse(
        row["type"], row["raw"], row["encoding"], row["sender"], row["control_id"]
    )  # fmt: skip


READERS: dict[str, Callable[[Tx, Row], Parsed]] = {MLLP: _mllp, HTTP: _json, POLL: _json}


def parse_again(tx: Tx, row: Row) -> Parsed:
    """A kept message, with the settings of today."""
    return READERS[row["way"]](tx, row)
