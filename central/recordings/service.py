"""Rules of recording are made and taken away; recordings are found, heard and deleted. What is
done is in the audit."""

from central.audit import model as audit
from central.call_records.joining import SERVICE
from central.console.marks import N_
from central.directory import checks
from central.errors import FieldError
from central.recordings import model
from central.store import Row, Tx
from gateway.telephone.directory import WAYS

KEEP_DAYS = (1, 3650)
# Ways that a rule may name; "service": Wardline's own conversations.
DIRECTIONS = (*WAYS, SERVICE)
# What one hears of a recording within so long is one listening.
ONE_LISTENING_MS = 10 * 60_000


def add_rule(
    tx: Tx,
    *,
    extension: str = "",
    rights: str = "",
    direction: str = "",
    keep_days: int,
    by: str = "system",
) -> int:
    """Record every call that fits all of what is said, and keep it so many days. The rule's id.
    Raises FieldError."""
    if extension:
        try:
            checks.extension(tx, extension)
        except FieldError as error:
            raise FieldError("extension", error.message, **error.values) from None
    known = tx.one("SELECT 1 FROM permission_classes WHERE name = ?", (rights,))
    if rights and known is None:
        raise FieldError("rights", N_("There is no such permission class."))
    if direction and direction not in DIRECTIONS:
        raise FieldError("direction", N_("Choose a direction from the list."))
    if not (extension or rights or direction):
        raise FieldError("extension", N_("Say which calls: nothing records all of them."))
    checks.within("keep_days", keep_days, KEEP_DAYS)
    said = {"extension": extension, "rights": rights, "direction": direction}
    rule = tx.insert("recording_rules", **said, keep_days=keep_days, added_ms=tx.clock.real_ms())
    told = {key: value for key, value in said.items() if value}
    detail: dict[str, object] = {**told, "keep_days": keep_days}
    checks.changed(tx, by, "recording_rule.add", f"recording_rule/{rule}", detail)
    return rule


def remove_rule(tx: Tx, rule: int, *, by: str = "system") -> None:
    """Calls are no more recorded by it; its recordings stay for their days. Raises FieldError."""
    _rule(tx, rule)
    if rule <= model.BY_APPLICATION:
        raise FieldError("rule", N_("There is no such rule."))
    tx.execute(
        "UPDATE recording_rules SET removed_ms = ? WHERE id = ? AND removed_ms IS NULL",
        (tx.clock.real_ms(), rule),
    )
    checks.changed(tx, by, "recording_rule.remove", f"recording_rule/{rule}", {})


def keep(tx: Tx, rule: int, keep_days: int, *, by: str = "system") -> None:
    """Recordings of this rule are kept so long, those that are there as well. Raises FieldError."""
    _rule(tx, rule)
    checks.within("keep_days", keep_days, KEEP_DAYS)
    tx.execute("UPDATE recording_rules SET keep_days = ? WHERE id = ?", (keep_days, rule))
    ref, detail = f"recording_rule/{rule}", {"keep_days": keep_days}
    audit.append(tx, by, "recording_rule.keep", ref, detail=dict(detail))


def switch_key(tx: Tx, on: bool, *, by: str = "system") -> None:
    """Whether phones of the house may record by a key from now on."""
    removed = None if on else tx.clock.real_ms()
    tx.execute("UPDATE recording_rules SET removed_ms = ? WHERE id = ?", (removed, model.BY_KEY))
    what = "recording_key.allow" if on else "recording_key.bar"
    checks.changed(tx, by, what, "", {})


def _rule(tx: Tx, rule: int) -> Row:
    found = model.rule(tx, rule)
    if found is None:
        raise FieldError("rule", N_("There is no such rule."))
    return found


def found(
    tx: Tx, *, file: str, folder: str, rule: int, channel: str, started_ms: int, length_ms: int,
    bytes: int,
) -> int | None:  # fmt: skip
    """A recording is whole. Its id; None when it is known."""
    if model.known(tx, file):
        return None
    if model.rule(tx, rule) is None:
        rule = model.BY_KEY
    return tx.insert(
        "recordings", file=file, folder=folder, rule=rule, channel=channel,
        started_ms=started_ms, length_ms=length_ms, bytes=bytes,
    )  # fmt: skip


def listen(tx: Tx, recording: Row, by: str, address: str) -> None:
    """`by` hears a part of it, from `address`. A listening is written down once, however often
    one goes back and forth in it."""
    now_ms = tx.clock.real_ms()
    last_ms = model.heard_ms(tx, recording["id"], by)
    if last_ms is None or now_ms - last_ms >= ONE_LISTENING_MS:
        audit.append(
            tx, by, "recording.listen", f"recording/{recording['id']}", detail={"address": address}
        )
        model.hear(tx, recording["id"], by, now_ms)


def deleted(tx: Tx, recording: Row) -> None:
    """Its time was over and its file is gone."""
    tx.execute(
        "UPDATE recordings SET deleted_ms = ? WHERE id = ?",
        (tx.clock.real_ms(), recording["id"]),
    )
    audit.append(tx, "system", "recording.delete", f"recording/{recording['id']}")
