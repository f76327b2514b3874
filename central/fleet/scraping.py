"""Keys of scrapers: made, checked, revoked."""

import hashlib
import re
import secrets

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.fleet import model
from central.store import Row, Tx

MOST_KEYS = 50
# Written back only so often: a scraper that only reads shall not write each time.
USED_EVERY_MS = 60 * 60_000
_LABEL = re.compile(r"[\w.-]{1,40}")


class UnknownKeyError(Exception):
    """There is no key of this number."""

    error_id = "scraper-key-unknown"


def make_key(tx: Tx, label: str, by: str) -> str:
    """A new key, returned once. Raises FieldError."""
    label = label.strip()
    if not _LABEL.fullmatch(label):
        raise FieldError(
            "label", N_("Enter what reads the figures: letters, digits, dot, dash; at most 40.")
        )
    if tx.value("SELECT count(*) FROM scraper_keys WHERE revoked_ms IS NULL") >= MOST_KEYS:
        raise FieldError("label", N_("There are %(most)s keys. Revoke some first."), most=MOST_KEYS)
    key = f"wm_{secrets.token_urlsafe(32)}"
    tx.insert(
        "scraper_keys", label=label, digest=_hash(key), made_ms=tx.clock.real_ms(), made_by=by
    )
    audit.append(tx, by, "scraper_key.make", f"scraper/{label}")
    return key


def revoke_key(tx: Tx, key_id: int, by: str) -> None:
    """From the commit on the key opens nothing. Raises UnknownKeyError."""
    row = model.key(tx, key_id)
    if row is None:
        raise UnknownKeyError(key_id)
    if row["revoked_ms"] is None:
        tx.execute(
            "UPDATE scraper_keys SET revoked_ms = ?, revoked_by = ? WHERE id = ?",
            (tx.clock.real_ms(), by, key_id),
        )
        audit.append(tx, by, "scraper_key.revoke", f"scraper/{row['label']}")


def holder(tx: Tx, key: str) -> Row | None:
    """The row of a key that is valid."""
    return model.by_digest(tx, _hash(key)) if key else None


def is_use_news(key: Row, real_ms: int) -> bool:
    """Whether it is worth writing down that the key was used."""
    return (key["used_ms"] or 0) < real_ms - USED_EVERY_MS


def note_use(tx: Tx, key: Row) -> None:
    tx.execute("UPDATE scraper_keys SET used_ms = ? WHERE id = ?", (tx.clock.real_ms(), key["id"]))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()
