"""Messages in and out, each checked against the JSON Schema of its kind."""

import json
from functools import cache
from importlib import resources
from typing import Any

import fastjsonschema

from gateway.mqtt import topics

MAX_PAYLOAD_BYTES = 256 * 1024


class RejectedMessageError(Exception):
    """A message that must not be acted on; says why in words an engineer can use."""

    error_id = "message-rejected"


@cache
def _validator(kind: str) -> Any:
    schema = resources.files("gateway.mqtt.schemas").joinpath(f"{kind}.json").read_text()
    return fastjsonschema.compile(json.loads(schema))


def decode(topic: str, payload: bytes) -> tuple[str, str, str, dict[str, Any]]:
    """(ward, node, kind, message) of what arrived. Raises RejectedMessageError with the reason."""
    try:
        ward, node, kind = topics.parse(topic)
    except ValueError as error:
        raise RejectedMessageError(str(error)) from error
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise RejectedMessageError(
            f"{len(payload)} bytes; more than {MAX_PAYLOAD_BYTES} are refused"
        )
    try:
        message = json.loads(payload)
        _validator(kind)(message)
    except UnicodeDecodeError as error:
        raise RejectedMessageError("not UTF-8") from error
    except json.JSONDecodeError as error:
        raise RejectedMessageError(f"not JSON: {error}") from error
    except RecursionError as error:
        raise RejectedMessageError("nested too deeply") from error
    except fastjsonschema.JsonSchemaException as error:
        raise RejectedMessageError(f"not a valid {kind} message: {error}") from error
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


def encode(kind: str, message: dict[str, Any]) -> bytes:
    """The payload of a message of ours. Raises RejectedMessageError when it breaks the contract."""
    try:
        _validator(kind)(message)
    except fastjsonschema.JsonSchemaException as error:
        raise RejectedMessageError(f"not a valid {kind} message: {error}") from error
    return json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
