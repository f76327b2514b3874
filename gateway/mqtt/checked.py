"""Messages in and out, each checked against the JSON Schema of its kind."""

import json
from functools import cache
from importlib import resources
from typing import Any

import fastjsonschema

from gateway.mqtt import kinds, topics

MAX_PAYLOAD_BYTES = 256 * 1024
# What a node says is short; a rogue one shall not fill the store with what it "is about".
MAX_FROM_NODE_BYTES = 16 * 1024
# Every reader of JSON agrees on whole numbers up to here (RFC 7493), and SQLite can hold them.
LARGEST_NUMBER = 2**53 - 1


class RejectedMessageError(Exception):
    """A message that must not be acted on; says why in words an engineer can use."""

    error_id = "message-rejected"


@cache
def _validator(kind: str) -> Any:
    schema = resources.files("gateway.mqtt.schemas").joinpath(f"{kind}.json").read_text()
    return fastjsonschema.compile(json.loads(schema))


def _whole(text: str) -> int:
    # Compared by length first: a number of a million digits takes seconds to read.
    number = int(text) if len(text) <= len(str(-LARGEST_NUMBER)) else LARGEST_NUMBER + 1
    return int(_bounded(number, text))


def _bounded(number: float, text: str) -> float:
    if not -LARGEST_NUMBER <= number <= LARGEST_NUMBER:
        raise ValueError(f"the number {text[:40]} is out of range")
    return number


def _no_number(text: str) -> None:
    raise ValueError(f"{text} is no number")


_WRITER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_READER = json.JSONDecoder(
    parse_int=_whole,
    parse_float=lambda text: _bounded(float(text), text),
    parse_constant=_no_number,
)


def _read(payload: bytes) -> Any:
    """The JSON value of a payload. Raises ValueError for what the database, the answer or another
    reader could not take: NaN, numbers out of range, halves of a character."""
    value = _READER.decode(payload.decode())
    if b"\\u" in payload:  # halves come by escapes alone
        json.dumps(value, ensure_ascii=False).encode()
    return value


def decode(topic: str, payload: bytes) -> tuple[str, str, str, dict[str, Any]]:
    """(ward, node, kind, message) of what arrived. Raises RejectedMessageError with the reason."""
    try:
        ward, node, kind = topics.parse(topic)
    except ValueError as error:
        raise RejectedMessageError(str(error)) from error
    limit = MAX_FROM_NODE_BYTES if kind in topics.FROM_NODE else MAX_PAYLOAD_BYTES
    if len(payload) > limit:
        raise RejectedMessageError(f"{len(payload)} bytes; more than {limit} are refused")
    try:
        message = _read(payload)
        _validator(kind)(message)
    except UnicodeError as error:
        raise RejectedMessageError("not UTF-8") from error
    except RecursionError as error:
        raise RejectedMessageError("nested too deeply") from error
    except fastjsonschema.JsonSchemaException as error:
        raise RejectedMessageError(f"not a valid {kind} message: {error}") from error
    except ValueError as error:
        raise RejectedMessageError(f"not JSON: {error}") from error
    _check_origin(ward, node, kind, message)
    return ward, node, kind, message


def _check_origin(ward: str, node: str, kind: str, message: dict[str, Any]) -> None:
    """An event must speak of the ward and node that the broker let it be published for."""
    if kind != topics.EVENT:
        return
    if message["ward"] != ward or message["node"] != node:
        raise RejectedMessageError(
            f"sent for ward {ward}, node {node} but speaks of ward {message['ward']},"
            f" node {message['node']}"
        )
    if message["id"] != kinds.event_id(node, message["boot"], message["seq"]):
        raise RejectedMessageError(f"the id of event {message['boot']}:{message['seq']} is another")


def encode(kind: str, message: dict[str, Any]) -> bytes:
    """The payload of a message of ours. Raises RejectedMessageError when it breaks the contract."""
    try:
        _validator(kind)(message)
    except fastjsonschema.JsonSchemaException as error:
        raise RejectedMessageError(f"not a valid {kind} message: {error}") from error
    try:
        return _WRITER.encode(message).encode()
    except UnicodeError as error:
        raise RejectedMessageError("half a character") from error
