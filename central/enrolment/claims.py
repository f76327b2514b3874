"""What may become of a claim. No database here.

A claim's secret has 55 bits. Guesses are counted in the database (`limits`): 50 are free for an
address and 500 for all together within a day, then each waits longer, up to 2 s between any two
from anywhere. So in the seven days that a claim may live at most 300,000 guesses are heard; with
1,000 claims open at once one of them is right with a chance of 1 in 100 million.
"""

import hmac
import secrets
from typing import Protocol

from central.console.limits import Limit
from central.store import Row
from gateway.mqtt import claim

OPEN, USED, EXPIRED, REVOKED = "open", "used", "expired", "revoked"
HOUR_MS = 3_600_000
LASTS_MS = 24 * HOUR_MS
LONGEST_MS = 7 * 24 * HOUR_MS
# So long after its use the same key may fetch its answer again, when it was lost.
AGAIN_MS = 24 * HOUR_MS

# What a claim is for that is for a ward's broker and no box.
BROKER = "broker"

FREE_BY_ADDRESS = 50
FREE_FROM_ANYWHERE = 500
LONGEST_BY_ADDRESS_MS = 5 * 60_000
LONGEST_FROM_ANYWHERE_MS = 2_000


class Certificate(Protocol):
    """What was signed: see `provisioning.authority.authority.Issued`."""

    @property
    def serial(self) -> str: ...
    @property
    def chain(self) -> str: ...
    @property
    def begins_ms(self) -> int: ...
    @property
    def ends_ms(self) -> int: ...


def limits(address: str) -> list[Limit]:
    """What an attempt from there is counted under."""
    return [
        Limit(f"enrol:{address}", FREE_BY_ADDRESS, LONGEST_BY_ADDRESS_MS, first_ms=1_000),
        Limit("enrol:anywhere", FREE_FROM_ANYWHERE, LONGEST_FROM_ANYWHERE_MS, first_ms=100),
    ]


def broker_of(ward: str) -> str:
    """What the broker of a ward is called at the hospital's."""
    return f"ward-{ward}"


def names_of(row: Row) -> tuple[str, ...]:
    """The names of the certificates that a claim gives, its own first."""
    name = row["node"]
    if row["role"] == BROKER:
        return (name, f"{name}-events", f"{name}-broker")
    return (name,)


def new_secret() -> str:
    return claim.letters(secrets.randbits(claim.SECRET_BITS), claim.SECRET_LETTERS)


def digest(key: bytes, secret: str) -> str:
    """What a secret is kept as: of no use without `key`, which is not in the database."""
    return hmac.digest(key, secret.encode(), "sha256").hex()


def state(row: Row, now_ms: int) -> str:
    """What a claim is at `now_ms`: OPEN, USED, EXPIRED or REVOKED."""
    if row["revoked_ms"] is not None:
        return REVOKED
    if row["used_ms"] is not None:
        return USED
    return EXPIRED if now_ms >= row["expires_ms"] else OPEN


def gives(row: Row, key_id: str, now_ms: int) -> str:
    """What a claim gives to this key: "new", "again" (what it gave before, for that was lost on the
    way), or "" for nothing."""
    found = state(row, now_ms)
    if found == OPEN:
        return "new"
    recent = found == USED and now_ms < row["used_ms"] + AGAIN_MS
    return "again" if recent and row["key_id"] == key_id else ""
