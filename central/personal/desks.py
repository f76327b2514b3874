"""Free seating: a person's extension goes with him to whichever phone he logs in at."""

from datetime import datetime, timedelta

from central import timers
from central.console.marks import N_
from central.directory import checks
from central.errors import FieldError
from central.personal import model, pins
from central.store import Row, Tx

# The timer that ends a seat; its ref is the phone.
LEAVE = "desk.leave"
_MINUTE_MS = 60_000


def put(
    tx: Tx,
    number: str,
    *,
    rights: str,
    pin: str | None = None,
    leave_min: int | None = None,
    by: str = "system",
) -> None:
    """From now on the person of the extension `number` may log in at any phone by `pin` (None:
    the one there is), and may dial there what `rights` says. A seat ends each day at leave_min,
    minutes after midnight; None is never. Raises FieldError."""
    checks.extension(tx, number)
    if tx.one("SELECT 1 FROM permission_classes WHERE name = ?", (rights,)) is None:
        raise FieldError("rights", N_("There is no such permission class."))
    if leave_min is not None:
        checks.within("leave_min", leave_min, (0, 24 * 60 - 1))
    known = model.desk(tx, number)
    if pin is None and known is None:
        raise FieldError("pin", N_("A PIN has 6 to 8 digits."))
    same = known is not None and (known["rights"], known["leave_min"]) == (rights, leave_min)
    if same and pin is None:
        return
    kept = known["pin_hash"] if known is not None else ""
    if pin is not None:
        kept = pins.hashed(pin, number)
    tx.execute(
        "INSERT INTO desks (number, rights, pin_hash, leave_min) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (number) DO UPDATE SET rights = excluded.rights,"
        " pin_hash = excluded.pin_hash, leave_min = excluded.leave_min",
        (number, rights, kept, leave_min),
    )
    if pin is not None:
        pins.forget(tx, number)
    seat = tx.one("SELECT * FROM seats WHERE number = ?", (number,))
    if seat is not None:
        _until(tx, seat["device"], leave_min)
    detail: dict[str, object] = {"rights": rights, "new_pin": pin is not None}
    checks.changed(tx, by, "desk.put", f"extension/{number}", detail)


def remove(tx: Tx, number: str, *, by: str = "system") -> None:
    """He may log in at no phone any more, and his seat ends. Raises FieldError."""
    if model.desk(tx, number) is None:
        raise FieldError("number", N_("Nobody logs in at phones by this extension."))
    _leave(tx, tx.one("SELECT * FROM seats WHERE number = ?", (number,)), by)
    tx.execute("DELETE FROM desks WHERE number = ?", (number,))
    checks.changed(tx, by, "desk.remove", f"extension/{number}", {})


def sit(tx: Tx, number: str, device: str, *, by: str) -> None:
    """The phone is his until he leaves, logs in elsewhere, or somebody logs in there; he is who he
    says he is. Raises FieldError."""
    checks.phone(tx, device)
    desk = model.desk(tx, number)
    if desk is None:
        raise FieldError("number", N_("Nobody logs in at phones by this extension."))
    for before in tx.all("SELECT * FROM seats WHERE number = ? OR device = ?", (number, device)):
        _leave(tx, before, by)
    tx.insert("seats", device=device, number=number, since_ms=tx.now_ms)
    _until(tx, device, desk["leave_min"])
    checks.changed(tx, by, "desk.sit", f"phone/{device}", {"number": number})


def leave(tx: Tx, device: str, *, by: str) -> str | None:
    """The phone is its own again; the extension that leaves it, None where nobody sat."""
    seat = tx.one("SELECT * FROM seats WHERE device = ?", (device,))
    _leave(tx, seat, by)
    return None if seat is None else str(seat["number"])


def _leave(tx: Tx, seat: Row | None, by: str) -> None:
    if seat is None:
        return
    device = seat["device"]
    tx.execute("DELETE FROM seats WHERE device = ?", (device,))
    timers.cancel(tx, LEAVE, device)
    checks.changed(tx, by, "desk.leave", f"phone/{device}", {"number": seat["number"]})


def _until(tx: Tx, device: str, leave_min: int | None) -> None:
    timers.cancel(tx, LEAVE, device)
    if leave_min is not None:
        timers.arm(tx, _next_ms(tx.now_ms, leave_min), LEAVE, device)


def _next_ms(now_ms: int, minute: int) -> int:
    """When it is that minute after midnight next, by the hospital's clock."""
    now = datetime.fromtimestamp(now_ms / 1000).astimezone()
    at = now.replace(hour=minute // 60, minute=minute % 60, second=0, microsecond=0)
    if at <= now:
        at += timedelta(days=1)
    return int(at.timestamp() * 1000)
