"""Commands to nodes: a durable row first, sent after the commit, again until answered."""

import json
from typing import Any

from central.store import Row, Tx
from gateway.mqtt import kinds

TTL_MS = 60_000
RESEND_MS = 3_000
# For so long a box that is away is still told what it has to stop.
STOP_MS = 24 * 3_600_000


def send(
    tx: Tx,
    ward: str,
    node: str,
    type: str,
    body: dict[str, Any],
    *,
    bed: str | None = None,
    ttl_ms: int = TTL_MS,
) -> int:
    """Ask `node` for something; shapes of `body` are in gateway/mqtt/schemas/command.json.
    Words in the body need only {"lang", "text"}: the bridge adds the audio. Returns its id."""
    tx.changed(ward, "commands")
    if type == kinds.SPEAK:
        # An earlier stop that is still on its way must not end what is said from now on.
        tx.execute(
            "UPDATE commands SET result = 'declined', reason = 'said again' WHERE result IS NULL"
            " AND node = ? AND type = ? AND json_extract(body, '$.utterance') = ?",
            (node, kinds.STOP, body["utterance"]),
        )
    return tx.insert(
        "commands",
        ward=ward,
        node=node,
        type=type,
        bed=bed,
        body=json.dumps(body, ensure_ascii=False),
        created_ms=tx.now_ms,
        expires_real_ms=tx.clock.real_ms() + ttl_ms,
    )


def unsent(tx: Tx) -> list[Row]:
    """Open commands never sent, or unanswered for RESEND_MS (longer with each attempt). Those
    for a node that is away wait for its birth instead of piling up in the broker."""
    return tx.all(
        "SELECT c.* FROM commands c JOIN nodes n ON n.id = c.node AND n.state = 'ready'"
        " WHERE c.result IS NULL AND c.expires_real_ms > :now AND (c.sent_real_ms IS NULL"
        " OR c.sent_real_ms <= :now - :resend * min(c.attempts, 20)) ORDER BY c.id LIMIT 500",
        {"now": tx.clock.real_ms(), "resend": RESEND_MS},
    )


def mark_sent(tx: Tx, command_ids: list[int]) -> None:
    tx.connection.executemany(
        "UPDATE commands SET sent_real_ms = ?, attempts = attempts + 1 WHERE id = ?",
        [(tx.clock.real_ms(), each) for each in command_ids],
    )


def any_expired(tx: Tx) -> bool:
    """Whether `expire` would find any: a look costs no commit."""
    return bool(
        tx.value(
            "SELECT 1 FROM commands WHERE result IS NULL AND expires_real_ms <= ? LIMIT 1",
            (tx.clock.real_ms(),),
        )
    )


def expire(tx: Tx) -> list[Row]:
    """Close commands nobody answered in time, and return them. To stop is wanted for longer than
    to speak: a box that was cut off repeats what it was told to, until it hears otherwise."""
    tx.execute(
        "UPDATE commands SET expires_real_ms = :now + :ttl WHERE result IS NULL"
        " AND expires_real_ms <= :now AND type = :stop AND created_ms > :oldest",
        {
            "now": tx.clock.real_ms(),
            "ttl": TTL_MS,
            "stop": kinds.STOP,
            "oldest": tx.now_ms - STOP_MS,
        },
    )
    return tx.all(
        "UPDATE commands SET result = 'expired', reason = 'no answer from the node'"
        " WHERE result IS NULL AND expires_real_ms <= ? RETURNING *",
        (tx.clock.real_ms(),),
    )


def take_back(tx: Tx, ward: str, type: str, field: str, value: str) -> None:
    """Send no more what nobody has answered yet and is not wanted any more: a box that was
    restarted meanwhile would carry it out. `field` of the body tells which."""
    tx.execute(
        "UPDATE commands SET result = 'declined', reason = 'taken back' WHERE result IS NULL"
        " AND ward = ? AND type = ? AND json_extract(body, '$.' || ?) = ?",
        (ward, type, field, value),
    )


def answered(tx: Tx, node: str, command_id: int, result: str, reason: str | None) -> Row | None:
    """Note a node's answer. None when it was given no such command, or has answered before."""
    return tx.one(
        "UPDATE commands SET result = ?, reason = ? WHERE id = ? AND node = ? AND result IS NULL"
        " RETURNING *",
        (result, reason, command_id, node),
    )
