"""Changes of what stands in the directory already, each checked, audited and told to the exchange.

What a thing is known by stays: an extension's number, a phone's hardware address, the name of a
class. Another one is another thing.
"""

import secrets
from collections.abc import Mapping, Sequence
from typing import Any

from central.audit import model as audit
from central.console import model as users
from central.console.marks import N_
from central.directory import checks, model, outside, present, relied, service
from central.errors import FieldError
from central.store import Tx

NO_PERSON = N_("There is no such person.")


def change_person(
    tx: Tx, person: int, name: str, *, ward: str | None, user: str | None, by: str
) -> None:
    """user: the log-in of the same person. Raises FieldError."""
    before = present.person(tx, str(person))
    if before is None:
        raise FieldError("person", NO_PERSON)
    after = {"name": checks.label("name", name), "ward": ward, "user": user}
    checks.check_ward(tx, ward)
    if user is not None:
        if users.user(tx, user) is None:
            raise FieldError("user", N_("There is no such log-in."))
        if tx.value("SELECT 1 FROM people WHERE user = ? AND id != ?", (user, person)):
            raise FieldError("user", N_("This log-in belongs to another person of the directory."))
    with relied.kept(tx, "user"):
        tx.execute(
            "UPDATE people SET name = :name, ward = :ward, user = :user WHERE id = :id",
            after | {"id": person},
        )
    # A person's name is not the exchange's business.
    difference = present.different(before, after)
    if difference:
        audit.append(tx, by, "person.change", f"person/{person}", detail=difference)


def change_extension(
    tx: Tx,
    number: str,
    label: str,
    *,
    ring_s: int,
    person: int | None,
    ward: str | None,
    phones: Sequence[str],
    by: str,
) -> None:
    """phones: exactly these ring for it from now on. Raises FieldError."""
    before = present.extension(tx, checks.extension(tx, number)["number"])
    after = {
        "label": checks.label("label", label),
        "ring_s": ring_s,
        "person": person,
        "ward": ward,
    }
    checks.within("ring_s", ring_s, service.RING_S)
    checks.check_ward(tx, ward)
    if person is not None and present.person(tx, str(person)) is None:
        raise FieldError("person", NO_PERSON)
    with relied.kept(tx, "phones"):
        if phones != (before or {}).get("phones"):
            for device in phones:
                if model.phone(tx, device) is None:
                    raise FieldError("phones", N_("There is no such phone."))
            service.ring(tx, number, phones, by=by)
        tx.execute(
            "UPDATE extensions SET label = :label, ring_s = :ring_s, person = :person,"
            " ward = :ward WHERE number = :number",
            after | {"number": number},
        )
    _changed(tx, by, "extension.change", f"extension/{number}", before, after)


def change_phone(
    tx: Tx,
    device: str,
    number: str,
    *,
    label: str,
    rights: str,
    lang: str,
    lines: int,
    groups: Sequence[str],
    by: str,
) -> None:
    """number: the extension it shows when it calls. It rings for that, too; for which others, the
    extensions say. Raises FieldError."""
    checks.phone(tx, device)
    before = present.phone(tx, device)
    service.check_phone(tx, number, rights, lang, lines, groups)
    after = {
        "number": number,
        "label": checks.label("label", label or device),
        "rights": rights,
        "lang": lang,
        "lines": lines,
    }
    with relied.kept(tx, "number"):
        tx.execute(
            "UPDATE phones SET number = :number, label = :label, rights = :rights, lang = :lang,"
            " lines = :lines WHERE device = :device",
            after | {"device": device},
        )
        if number != (before or {}).get("number"):
            # The old number stops ringing here, unless it is somebody else's affair by now.
            tx.execute(
                "DELETE FROM extension_phones WHERE device = ? AND number = ?",
                (device, (before or {}).get("number")),
            )
            tx.execute("INSERT OR IGNORE INTO extension_phones VALUES (?, ?)", (number, device))
    tx.execute("DELETE FROM phone_groups WHERE device = ?", (device,))
    for each in dict.fromkeys(groups):
        tx.insert("phone_groups", device=device, name=each)
    _changed(tx, by, "phone.change", f"phone/{device}", before, after | {"groups": list(groups)})


def new_password(tx: Tx, device: str, *, by: str) -> None:
    """The phone must be given its new password before it can call or ring again. Raises
    FieldError."""
    checks.phone(tx, device)
    password = secrets.token_hex(service.PASSWORD_BYTES)
    tx.execute("UPDATE phones SET password = ? WHERE device = ?", (password, device))
    checks.changed(tx, by, "phone.password", f"phone/{device}", {})


def set_group(tx: Tx, name: str, phones: Sequence[str], *, by: str, fresh: bool = False) -> None:
    """Exactly `phones` pick up for each other under `name` from now on. fresh: there must be no
    such group yet. Raises FieldError."""
    before = present.group(tx, name)
    service.check_group("name", name)
    if fresh and before is not None:
        raise FieldError("name", N_("This name is taken."))
    if not phones:
        raise FieldError("phones", N_("Choose at least one phone; without any there is no group."))
    for device in phones:
        if model.phone(tx, device) is None:
            raise FieldError("phones", N_("There is no such phone."))
    tx.execute("DELETE FROM phone_groups WHERE name = ?", (name,))
    for device in dict.fromkeys(phones):
        tx.insert("phone_groups", device=device, name=name)
    code = "group.add" if before is None else "group.change"
    _changed(tx, by, code, f"group/{name}", before, {"phones": sorted(set(phones))})


def change_service(tx: Tx, number: str, fallback: Sequence[str], *, by: str) -> None:
    """The extensions of `fallback` ring when Wardline is away. Raises FieldError."""
    before = present.service(tx, number)
    if before is None:
        raise FieldError("number", N_("There is no such service."))
    for each in fallback:
        if model.extension(tx, each) is None:
            raise FieldError("fallback", N_("There is no extension %(number)s."), number=each)
    tx.execute("DELETE FROM service_fallbacks WHERE service = ?", (number,))
    for each in dict.fromkeys(fallback):
        tx.insert("service_fallbacks", service=number, number=each)
    after = {"fallback": sorted(set(fallback))}
    _changed(tx, by, "service.change", f"service/{number}", before, after)


def change_class(tx: Tx, name: str, label: str, routes: Sequence[str], *, by: str) -> None:
    """Phones of the class may dial by exactly `routes` from now on. Raises FieldError."""
    before = present.permission_class(tx, name)
    if before is None:
        raise FieldError("name", N_("There is no such permission class."))
    label = checks.label("label", label)
    tx.execute("UPDATE permission_classes SET label = ? WHERE name = ?", (label, name))
    if list(routes) != before["routes"]:
        outside.allow(tx, name, routes, by=by)
    if label != before["label"]:
        checks.changed(tx, by, "class.change", f"class/{name}", {"label": label})


def change_trunk(
    tx: Tx,
    name: str,
    host: str,
    *,
    user: str,
    password: str | None,
    most_calls: int,
    inbound: Mapping[str, str],
    by: str,
) -> None:
    """password: None leaves it as it is. Raises FieldError."""
    before = present.trunk(tx, name)
    if before is None:
        raise FieldError("name", N_("There is no such line to the world."))
    kept = tx.value("SELECT password FROM trunks WHERE name = ?", (name,))
    if not user:
        password = password or ""
    secret = kept if password is None else password
    outside.check_trunk(user, secret, most_calls)
    tx.execute(
        "UPDATE trunks SET host = ?, user = ?, password = ?, most_calls = ? WHERE name = ?",
        (host, user, secret, most_calls, name),
    )
    tx.execute("DELETE FROM trunk_numbers WHERE trunk = ?", (name,))
    outside.put_inbound(tx, name, inbound)
    after: dict[str, Any] = {"host": host, "user": user, "most_calls": most_calls}
    after["inbound"] = [f"{each} {inbound[each]}" for each in sorted(inbound)]
    if secret != kept:
        after["password"] = "***"
    _changed(tx, by, "trunk.change", f"trunk/{name}", before, after)


def change_route(
    tx: Tx, name: str, trunk: str, patterns: Sequence[str], *, strip: int, limit_s: int,
    always: bool = False, by: str,
) -> None:  # fmt: skip
    """As `outside.add_route`, for a route that is there. Raises FieldError."""
    before = present.route(tx, name)
    if before is None:
        raise FieldError("name", N_("There is no such route."))
    outside.check_route(tx, trunk, patterns, strip, limit_s)
    tx.execute(
        "UPDATE routes SET trunk = ?, strip = ?, limit_s = ?, always = ? WHERE name = ?",
        (trunk, strip, limit_s, int(always), name),
    )
    tx.execute("DELETE FROM route_patterns WHERE route = ?", (name,))
    outside.put_patterns(tx, name, patterns)
    after = {"trunk": trunk, "strip": strip, "limit_s": limit_s, "always": int(always)}
    after |= {"patterns": sorted(set(patterns))}
    _changed(tx, by, "route.change", f"route/{name}", before, after)


def _changed(
    tx: Tx, by: str, what: str, ref: str, before: present.Values | None, after: present.Values
) -> None:
    """Audit what is different, and nothing where nothing is."""
    difference = present.different(before or {}, after)
    if difference:
        checks.changed(tx, by, what, ref, difference)
