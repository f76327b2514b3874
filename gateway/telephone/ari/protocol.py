"""REST over WebSocket as text: our requests, and what comes back. No I/O."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.telephone.ari.errors import GoneError, RefusedError
from gateway.telephone.ari.events import Event, event

# The channel is not there (404), is not with our application (409), or has just ended (412).
_GONE = frozenset({404, 409, 412})


class NotUnderstoodError(ValueError):
    """A message that is not what Asterisk sends."""

    error_id = "exchange-message-wrong"


@dataclass(frozen=True)
class Answer:
    """The answer to one of our requests."""

    request: str
    status: int
    reason: str
    body: Any

    def result(self, asked: str) -> Any:
        """The body. Raises GoneError, RefusedError."""
        if self.status < 400:
            return self.body
        why = self.body.get("message") if isinstance(self.body, dict) else None
        kind = GoneError if self.status in _GONE else RefusedError
        raise kind(f"{asked}: {why or self.reason} ({self.status})", self.status)


def request(
    id: str,
    method: str,
    uri: str,
    query: Mapping[str, Any] | None = None,
    body: Mapping[str, Any] | None = None,
) -> str:
    """A request as text. query: values that are None are left out."""
    message: dict[str, Any] = {
        "type": "RESTRequest",
        "transaction_id": id,
        "request_id": id,
        "method": method,
        "uri": uri,
    }
    asked = texts(query)
    if asked:
        message["query_strings"] = [{"name": name, "value": value} for name, value in asked.items()]
    if body is not None:
        message["content_type"] = "application/json"
        message["message_body"] = json.dumps(body, ensure_ascii=False)
    return json.dumps(message, ensure_ascii=False)


def texts(query: Mapping[str, Any] | None) -> dict[str, str]:
    """What is asked for as ARI writes it; what is None is left out."""
    return {name: _text(value) for name, value in (query or {}).items() if value is not None}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def received(text: str) -> Answer | Event:
    """What a message is. Raises NotUnderstoodError."""
    try:
        message = json.loads(text)
    except ValueError as error:
        raise NotUnderstoodError(f"not JSON: {error}") from error
    if not isinstance(message, dict) or not isinstance(message.get("type"), str):
        raise NotUnderstoodError("no object with a type")
    if message["type"] != "RESTResponse":
        return event(message)
    try:
        said = message.get("message_body") or "null"
        return Answer(
            str(message["request_id"]),
            int(message["status_code"]),
            str(message.get("reason_phrase", "")),
            json.loads(said),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise NotUnderstoodError(f"an answer that cannot be read: {error!r}") from error
