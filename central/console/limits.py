"""How long the next log-in has to wait after wrong passwords. No HTTP here.

Wrong passwords are counted for a name from one address, for an address whatever the name, and,
gently, for a name from anywhere. So a stranger can neither guess on nor lock anybody out: a
device that has logged in under a name before is counted by itself alone, and an address that
has is not counted among the strangers. The counts stand in the database, so a restart forgives
nobody.
"""

import hashlib
from dataclasses import dataclass

from central.console import model
from central.store import Tx

# So many wrong passwords are a slip of the finger; each further one doubles the delay.
FREE_BY_NAME = 4
# Many people of a hospital share one address behind a proxy, so it is given more.
FREE_BY_ADDRESS = 20
# Of one name from all unknown addresses and devices together.
FREE_FROM_ANYWHERE = 30
FIRST_DELAY_MS = 2_000
LONGEST_DELAY_MS = 15 * 60_000
LONGEST_FROM_ANYWHERE_MS = 60_000
FORGET_AFTER_MS = 24 * 3_600_000
# A device or address not used under a name for so long is a stranger's again.
KNOWN_FOR_MS = 90 * 24 * 3_600_000
KNOWN_MOST = 50


class LockedOutError(Exception):
    """Too many wrong passwords; the next try is heard only later."""

    error_id = "login-locked"

    def __init__(self, wait_ms: int) -> None:
        super().__init__(f"try again in {wait_ms} ms")
        self.wait_ms = wait_ms


@dataclass(frozen=True)
class Origin:
    """Where a log-in comes from: the address, and the secret the device was given at an earlier
    log-in, "" for none."""

    address: str
    device: str = ""

    @property
    def places(self) -> tuple[str, ...]:
        """What is remembered of it after a log-in; of the secret only its hash."""
        if not self.device:
            return (f"address:{self.address}",)
        digest = hashlib.sha256(self.device.encode()).hexdigest()
        return f"address:{self.address}", f"device:{digest}"


@dataclass(frozen=True)
class Limit:
    """What is counted, how many failures are free, and the longest delay after them."""

    subject: str
    free: int
    longest_ms: int
    first_ms: int = FIRST_DELAY_MS
    # One that others add to, too: a success takes back only its own attempt.
    shared: bool = True


def of(tx: Tx, name: str, origin: Origin) -> list[Limit]:
    """The limits that hold for a log-in under `name` from there."""
    known = [place for place in origin.places if model.is_known(tx, name, place)]
    for place in known:
        if place.startswith("device:"):
            return [Limit(f"own:{name}@{place}", FREE_BY_NAME, LONGEST_DELAY_MS, shared=False)]
    limits = [
        Limit(f"own:{name}@{origin.address}", FREE_BY_NAME, LONGEST_DELAY_MS, shared=False),
        Limit(f"address:{origin.address}", FREE_BY_ADDRESS, LONGEST_DELAY_MS),
    ]
    if not known:
        limits.append(Limit(f"name:{name}", FREE_FROM_ANYWHERE, LONGEST_FROM_ANYWHERE_MS))
    return limits


def count_attempt(tx: Tx, limits: list[Limit]) -> None:
    """Count an attempt before its password is looked at. Raises LockedOutError, and then counts
    nothing, while one of the limits has to wait."""
    now_ms = tx.clock.real_ms()
    # Made-up names leave nothing behind for ever.
    tx.execute("DELETE FROM login_failures WHERE last_real_ms < ?", (now_ms - FORGET_AFTER_MS,))
    rows = {each.subject: model.failures(tx, each.subject) for each in limits}
    wait_ms = max(row["until_real_ms"] - now_ms if row else 0 for row in rows.values())
    if wait_ms > 0:
        raise LockedOutError(wait_ms)
    for each in limits:
        row = rows[each.subject]
        count = (row["count"] if row else 0) + 1
        delay_ms = 0
        if count > each.free:
            delay_ms = min(each.first_ms << min(count - each.free - 1, 20), each.longest_ms)
        model.set_failures(tx, each.subject, count, now_ms, now_ms + delay_ms)


def succeeded(tx: Tx, name: str, origin: Origin, limits: list[Limit]) -> None:
    """The password was right: take the attempt back, and know the place from now on."""
    for each in limits:
        model.forgive(tx, each.subject, all_of_it=not each.shared)
    model.know(tx, name, origin.places, KNOWN_FOR_MS, KNOWN_MOST)


def forget(tx: Tx, name: str) -> None:
    """A new password: nothing counts against the name any more, and no place is known."""
    model.forget_name(tx, name)
