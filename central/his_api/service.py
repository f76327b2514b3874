"""Facts that systems of the hospital send over HTTP: who may, what is taken, what is answered."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.his_api import model
from central.hospital import model as messages
from central.hospital.taking import digest_of, take_message
from central.hospital.ways import HTTP
from central.store import Row, Tx
from gateway.his.http import reading
from gateway.his.http.refusals import IMPOSSIBLE, BodyRefusal

# Written back only so often, so that a key in use costs no more than its message.
USED_EVERY_MS = 60_000
MOST_KEYS = 200
_SYSTEM = re.compile(r"[\w.-]{1,40}\Z")

KEY_REUSED = N_(
    "This Idempotency-Key was used for message %(id)s, which has another content. Give each message"
    " a key of its own, and send it again unchanged."
)

# A text of the catalogues with its values, in the language of the one who asks.
Words = Callable[..., str]


class UnknownKeyError(Exception):
    """There is no key of this number."""

    error_id = "api-key-unknown"


@dataclass(frozen=True)
class Answer:
    """What is answered: the HTTP status and the JSON body."""

    status: int
    body: bytes


def make_key(tx: Tx, system: str, by: str) -> str:
    """A new key for a system; a second one lets it change over without a gap. Returned once, and
    kept only as a hash. Raises FieldError."""
    system = system.strip()
    if not _SYSTEM.match(system):
        text = N_("Enter the system's name: letters, digits, dot, dash; at most 40.")
        raise FieldError("system", text)
    if tx.value("SELECT count(*) FROM api_keys WHERE revoked_ms IS NULL") >= MOST_KEYS:
        raise FieldError(
            "system", N_("There are %(most)s keys. Revoke some first."), most=MOST_KEYS
        )
    key = f"wl_{secrets.token_urlsafe(32)}"
    tx.insert(
        "api_keys", system=system, start=key[:7], digest=_hash(key), made_ms=tx.now_ms, made_by=by
    )
    audit.append(tx, by, "api_key.make", f"system/{system}", detail={"label": key[:7]})
    return key


def revoke_key(tx: Tx, key_id: int, by: str) -> None:
    """From the commit on the key opens nothing. Raises UnknownKeyError."""
    row = model.key(tx, key_id)
    if row is None:
        raise UnknownKeyError(key_id)
    if row["revoked_ms"] is not None:
        return
    tx.execute(
        "UPDATE api_keys SET revoked_ms = ?, revoked_by = ? WHERE id = ?", (tx.now_ms, by, key_id)
    )
    audit.append(
        tx, by, "api_key.revoke", f"system/{row['system']}", detail={"label": row["start"]}
    )


def system_of(tx: Tx, key: str) -> Row | None:
    """The row of a key that is valid."""
    return model.by_digest(tx, _hash(key)) if key else None


def take(
    tx: Tx,
    key: Row,
    address: str,
    kind: str,
    raw: bytes,
    encoding: str,
    control_id: str,
    zone: tzinfo | None,
    words: Words,
) -> Answer:
    """Store a body and let it happen. `control_id`: the Idempotency-Key, under which the same
    content has the same answer and no second effect."""
    system = key["system"]
    if (key["used_ms"] or 0) < tx.now_ms - USED_EVERY_MS:
        tx.execute("UPDATE api_keys SET used_ms = ? WHERE id = ?", (tx.now_ms, key["id"]))
    content = reading.same(kind, raw, encoding)
    before = model.sent_before(tx, system, control_id)
    if before is not None and before["digest"] != digest_of(content):
        said = words(KEY_REUSED, id=before["id"])
        return Answer(IMPOSSIBLE, error("idempotency-key-reused", said, "Idempotency-Key"))
    parsed = reading.parse(kind, raw, encoding, system, control_id)
    refusal = parsed.refusal

    def answering(message: int) -> bytes:
        if isinstance(refusal, BodyRefusal):
            return error("his-body-refused", words(refusal.text, **refusal.values), refusal.at)
        row = messages.message(tx, message)
        assert row is not None
        return told(row, words)

    body = take_message(
        tx, address, raw, parsed, zone, way=HTTP, answering=answering, content=content
    )
    assert body is not None
    if isinstance(refusal, BodyRefusal):
        return Answer(refusal.status, body)
    return Answer(200 if json.loads(body)["state"] == messages.DONE else 202, body)


def told(row: Row, words: Words) -> bytes:
    """The state of a message."""
    remarks = [words(text, **values) for text, values in messages.reasons(row)]
    return _json({"id": row["id"], "state": row["state"], "remarks": remarks})


def error(error_id: str, words: str, field: str = "") -> bytes:
    """Why nothing was taken."""
    return _json({"error_id": error_id, "error": words, "field": field})


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
