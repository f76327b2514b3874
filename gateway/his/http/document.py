"""The OpenAPI document, made from the schemas that check what comes."""

from functools import cache
from typing import Any

from gateway.his.http.reading import MAX_BODY_BYTES
from gateway.his.http.schemas import EXAMPLES, SCHEMAS

VERSION = "1.0"
BASE = "/api/his/v1"
KEY_PATTERN = "^[!-~]+$"
MAX_KEY = 128
# A kind in the singular, for the names of operations.
_OPERATIONS = {
    "stays": "sendStay", "charges": "sendCharges", "accounts": "sendAccount",
    "settlements": "sendSettlement",
    "infusion-orders": "sendInfusionOrder", "examinations": "sendExamination",
}  # fmt: skip

_ABOUT = f"""Facts of the hospital information system, one per request.

**Key.** `Authorization: Bearer <key>`. An engineer makes one for each system in the console, under
Interfaces. The key's system is the sender; locations are mapped to beds per sender.

**Encoding.** `Content-Type: application/json` is UTF-8. `application/json; charset=GB18030` (or
GBK, GB2312) is taken as well. Answers are UTF-8. A body has at most {MAX_BODY_BYTES} bytes.

**Idempotency-Key.** Each message has one of its own, and it is sent again under the same one when
no answer came. The same key with the same content has the same answer and no second effect; with
another content it is answered 422. What was refused (400, 422) does not use its key up.

**Answers.** 200: applied. 202: kept, and waits for a person, who has to map a location, for
example; the state is told under /messages/{{id}}. 400, 401, 404, 413, 415, 422: not taken; the
answer names the field and the remedy. 503: could not be stored; send it again later under the same
key.

Times are ISO 8601; without a zone they are the hospital's local time. Money is whole fen. Facts may
come in any order: `sent_at` tells which is newer."""

_ERROR = {
    "type": "object",
    "required": ["error_id", "error", "field"],
    "properties": {
        "error_id": {"type": "string", "description": "Stable, for programs."},
        "error": {
            "type": "string",
            "description": "What is wrong and what to do, in the language of Accept-Language.",
        },
        "field": {
            "type": "string",
            "description": "Such as charges[0].amount_fen; empty for the request as a whole.",
        },
    },
}
_ANSWER = {
    "type": "object",
    "required": ["id", "state", "remarks"],
    "properties": {
        "id": {"type": "integer", "description": "The number of the message here."},
        "state": {
            "type": "string",
            "enum": ["done", "waiting", "refused", "set_aside"],
            "description": "set_aside: a person has seen to it otherwise.",
        },
        "remarks": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Why it waits, or what was noticed.",
        },
    },
}


def _said(about: str, schema: str) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{schema}"}}}
    return {"description": about, "content": content}


_UNTAKEN = {
    "400": _said("Not understood.", "Error"),
    "401": _said("No valid key.", "Error"),
    "503": _said("Could not be stored now. Send it again later.", "Error"),
}
_UNSENT = {
    "413": _said("The body is too large.", "Error"),
    "415": _said("The Content-Type is not taken.", "Error"),
    "422": _said("Understood, but impossible; or the key was used for another content.", "Error"),
}


def _post(kind: str) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{kind}"}
    return {
        "operationId": _OPERATIONS[kind],
        "summary": SCHEMAS[kind]["description"],
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": True,
                "description": "This message's own number, the same when it is sent again.",
                "schema": {
                    "type": "string", "minLength": 1, "maxLength": MAX_KEY,
                    "pattern": KEY_PATTERN,
                },
            }
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": schema, "example": EXAMPLES[kind]}},
        },
        "responses": {
            "200": _said("Applied.", "Answer"),
            "202": _said("Kept; waits for a person.", "Answer"),
            **_UNTAKEN,
            **_UNSENT,
        },
    }  # fmt: skip


@cache
def document() -> dict[str, Any]:
    """OpenAPI 3.1. The same object each time: not to be changed."""
    number = {"type": "integer", "minimum": 1, "maximum": 2**53 - 1}
    state = {
        "operationId": "readMessage",
        "summary": "What became of a message of this system.",
        "parameters": [{"name": "id", "in": "path", "required": True, "schema": number}],
        "responses": {
            "200": _said("Its state.", "Answer"),
            "404": _said("This system has sent no such message.", "Error"),
            **_UNTAKEN,
        },
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Wardline: hospital facts", "version": VERSION, "description": _ABOUT},
        "servers": [{"url": BASE}],
        "security": [{"key": []}],
        "paths": {
            **{f"/{kind}": {"post": _post(kind)} for kind in SCHEMAS},
            "/messages/{id}": {"get": state},
        },
        "components": {
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "schemas": {**SCHEMAS, "Error": _ERROR, "Answer": _ANSWER},
        },
    }
