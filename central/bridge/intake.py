"""From a message to durable rows: everything here runs inside the store's writer."""

import json
import logging
from collections.abc import Callable
from typing import Any

from central import commands, events, timers
from central.capabilities import Rules
from central.faults import service as faults
from central.store import Tx, is_trouble
from central.wards import model as wards

log = logging.getLogger("wardline.bridge")

QUARANTINE_KEPT = 10_000
QUARANTINE_PAYLOAD_BYTES = 4096
# Timers of one commit; and while events wait for the rules.
FIRE_AT_ONCE = 200
FIRE_IN_A_FLOOD = 8
# More digits than any command's number has, and few enough for SQLite.
COMMAND_DIGITS = 18

Arrived = tuple[dict[str, Any], int]  # an event message and the hospital time it arrived


def store_events(tx: Tx, arrived: list[Arrived]) -> list[bool | str]:
    """Store valid event messages. False for a repeat; why one could not be stored for a reason of
    its own, which holds up no other. Raises what the database raises when it can store nothing."""
    try:
        with tx.savepoint():
            return [_store(tx, each) for each in arrived]
    except Exception as error:
        if is_trouble(error):
            raise
    return [_store_alone(tx, each) for each in arrived]


def _store(tx: Tx, arrived: Arrived) -> bool:
    return events.store(tx, events.from_message(*arrived, tx.now_ms))


def _store_alone(tx: Tx, arrived: Arrived) -> bool | str:
    try:
        with tx.savepoint():
            return _store(tx, arrived)
    except Exception as error:
        if is_trouble(error):
            raise
        log.exception("event %s could not be stored", arrived[0]["id"])
        return f"not stored: {error}"


def act(tx: Tx, rules: Rules, limit: int) -> int:
    """Let the rules act on the oldest `limit` stored events; returns on how many.

    A rule that fails undoes only its own rows: the event stays stored, and because a press
    nobody acts on could cost a life, the ward is told by a spoken fault.
    """
    found = events.waiting(tx, limit)
    for event in found:
        failures = [
            failure
            for rule in rules.events.get(event.type, ())
            if (failure := guarded(tx, rule, event)) is not None
        ]
        if failures:
            events.note_failure(tx, event, "; ".join(failures))
            _rule_failed(tx, event.ward, f"bed {event.bed}" if event.bed else event.node, failures)
    events.acted(tx, found)
    return len(found)


def fire_due(tx: Tx, rules: Rules) -> int:
    """Fire the timers whose moment has come, the oldest first; returns how many. While presses
    wait for their calls only a few: what passes old calls on must not keep new ones from a lamp."""
    found = timers.due(tx, FIRE_IN_A_FLOOD if events.any_waiting(tx) else FIRE_AT_ONCE)
    for timer in found:
        rule = rules.timers.get(timer["kind"])
        failure: str | None = f"nobody answers the timer {timer['kind']}"
        timers.fired(tx, timer)
        if rule is not None:
            late_ms = max(0, tx.now_ms - timer["due_ms"])
            body = json.loads(timer["body"])
            failure = guarded(tx, rule, timer["ref"], body, late_ms)
        if failure is not None:
            timers.failed(tx, timer, failure)
            _rule_failed(tx, None, f"timer {timer['kind']} {timer['ref']}", [failure])
    return len(found)


def take_ack(tx: Tx, rules: Rules, node: str, message: dict[str, Any]) -> None:
    """A node's answer to a command of its own; answers to others' commands are no answers."""
    kind, _, number = message["id"].rpartition("-")
    if not (number.isdecimal() and len(number) <= COMMAND_DIGITS):
        return
    if kind:
        rule = rules.answers.get(kind)
        if rule is not None:
            guarded(tx, rule, number, node, message["result"], message.get("reason"))
        return
    command = commands.answered(tx, node, int(number), message["result"], message.get("reason"))
    if command is not None:
        _tell_acks(tx, rules, command)


def expire_commands(tx: Tx, rules: Rules) -> None:
    for command in commands.expire(tx):
        _tell_acks(tx, rules, command)


def births(tx: Tx, rules: Rules, node: str) -> None:
    """Let every capability tell a newborn node what it must know again."""
    for rule in rules.births:
        failure = guarded(tx, rule, node)
        if failure is not None:
            _rule_failed(tx, None, f"birth of {node}", [failure])


def quarantine(tx: Tx, topic: str, payload: bytes, reason: str) -> None:
    """Keep what could not be understood; the node it came from gets a fault line."""
    parts = topic.split("/")
    node = wards.node(tx, parts[3]) if len(parts) == 5 else None
    tx.insert(
        "quarantine",
        at_ms=tx.now_ms,
        topic=topic[:500],
        ward=node["ward"] if node else None,
        node=node["id"] if node else None,
        payload=payload[:QUARANTINE_PAYLOAD_BYTES],
        reason=reason[:1000],
    )
    tx.execute(
        "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?",
        (QUARANTINE_KEPT,),
    )
    if node is not None:
        faults.raise_fault(
            tx, ward=node["ward"], node=node["id"], device="messages", code="malformed",
            detail=reason[:300],
        )  # fmt: skip


def probe(tx: Tx) -> None:
    """Write something small: succeeds once the disk takes writes again."""
    tx.execute("INSERT OR REPLACE INTO probe (id, at_ms) VALUES (1, ?)", (tx.now_ms,))


def guarded(tx: Tx, rule: Callable[..., None], *facts: Any) -> str | None:
    """Run a rule on its facts in a savepoint of its own; returns why it failed, or None."""
    try:
        with tx.savepoint():
            rule(tx, *facts)
    except Exception as error:
        if is_trouble(error):
            raise  # the disk or the lock, not the rule
        log.exception("a rule failed")
        return f"{type(error).__name__}: {error}"
    return None


def _tell_acks(tx: Tx, rules: Rules, command: Any) -> None:
    for rule in rules.acks:
        failure = guarded(tx, rule, command, command["result"], command["reason"])
        if failure is not None:
            _rule_failed(tx, command["ward"], f"command {command['id']}", [failure])


def _rule_failed(tx: Tx, ward: str | None, device: str, failures: list[str]) -> None:
    faults.raise_fault(
        tx, ward=ward, node="central", device=device, code="rule-failed",
        detail="; ".join(failures)[:300],
    )  # fmt: skip
