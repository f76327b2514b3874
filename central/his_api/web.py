"""The HTTP side of the hospital's facts. A key opens it and nothing else: no session is looked at,
so no form's token is needed either."""

import logging
import re
from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from central.console.context import DEFAULT_LANG, console, read, transaction
from central.console.marks import N_
from central.his_api import model, service
from central.store import Row, StoreUnavailableError
from central.words import LOCALES, seen
from gateway.his.http import document
from gateway.his.http.reading import MAX_BODY_BYTES, codec
from gateway.his.http.schemas import SCHEMAS

log = logging.getLogger("wardline.his")

blueprint = Blueprint("his_api", __name__, url_prefix=document.BASE)
WITHOUT_SESSION = True

NO_KEY = N_("No valid key. Send Authorization: Bearer and the key that an engineer made.")
NO_NUMBER = N_(
    "The header Idempotency-Key is missing or not usable. Send 1 to %(most)s letters, digits or"
    " signs without blanks, another for each message."
)
NOT_JSON = N_(
    "This Content-Type is not taken. Send application/json; the charset may be UTF-8 or GB18030."
)
LARGE = N_("The body is too large: at most %(most)s bytes are taken. Send it in parts.")
NOT_FOUND = N_("This system has sent no message of this number.")
NOT_STORED = N_(
    "It could not be stored just now. Send it again later, under the same Idempotency-Key."
)
NOT_UNDERSTOOD = N_("The request could not be understood. Compare it with the OpenAPI document.")
RETRY_AFTER_S = 5
_NUMBER = re.compile(document.KEY_PATTERN.replace("$", r"\Z"))


def words(text: str, /, **values: Any) -> str:
    """`text` in the language that the request asks for; no session, no user."""
    lang = request.accept_languages.best_match(list(LOCALES)) or DEFAULT_LANG
    return seen(lang, text, **values)


def _answer(status: int, body: bytes) -> Response:
    return Response(body, status, content_type="application/json; charset=utf-8")


def _refuse(status: int, error_id: str, text: str, field: str = "", **values: Any) -> Response:
    return _answer(status, service.error(error_id, words(text, **values), field))


def _key() -> Row | None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return service.system_of(read(), key.strip()) if scheme.lower() == "bearer" else None


def _no_key() -> Response:
    log.warning("%s %s from %s: no valid key", request.method, request.path, request.remote_addr)
    response = _refuse(401, "api-key-wrong", NO_KEY, "Authorization")
    response.headers["WWW-Authenticate"] = "Bearer"
    return response


@blueprint.get("/openapi.json")
def openapi() -> Any:
    """The document; open to all, for it holds nothing of a hospital."""
    return document.document()


@blueprint.post(f"/<any({', '.join(repr(kind) for kind in SCHEMAS)}):fact>")
def send(fact: str) -> Response:
    """One fact."""
    request.max_content_length = MAX_BODY_BYTES
    if (key := _key()) is None:
        return _no_key()
    encoding = codec(request.mimetype_params.get("charset", ""))
    if request.mimetype != "application/json" or encoding is None:
        return _refuse(415, "content-type-wrong", NOT_JSON, "Content-Type")
    number = request.headers.get("Idempotency-Key", "")
    if not _NUMBER.match(number) or len(number) > document.MAX_KEY:
        return _refuse(
            400, "idempotency-key-wrong", NO_NUMBER, "Idempotency-Key", most=document.MAX_KEY
        )
    raw = request.get_data(cache=False)
    zone = console().timezone
    with transaction() as tx:
        answer = service.take(
            tx, key, request.remote_addr or "?", fact, raw, encoding, number, zone, words
        )
    return _answer(answer.status, answer.body)


@blueprint.get("/messages/<message>")
def state(message: str) -> Response:
    """What became of a message of the system that asks."""
    if (key := _key()) is None:
        return _no_key()
    number = int(message) if re.fullmatch(r"[0-9]{1,18}", message) else 0
    row = model.message_of(read(), key["system"], number)
    if row is None:
        return _refuse(404, "message-unknown", NOT_FOUND)
    return _answer(200, service.told(row, words))


@blueprint.errorhandler(StoreUnavailableError)
def _not_stored(error: StoreUnavailableError) -> Response:
    log.error("%s %s: nothing stored: %s", request.method, request.path, error)
    response = _refuse(503, StoreUnavailableError.error_id, NOT_STORED)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


@blueprint.errorhandler(RequestEntityTooLarge)
def _too_large(error: RequestEntityTooLarge) -> Response:
    return _refuse(413, "body-too-large", LARGE, most=MAX_BODY_BYTES)


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    return _refuse(error.code or 400, f"http-{error.code}", NOT_UNDERSTOOD)
