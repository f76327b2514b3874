"""Taking things out of the directory: what goes with them, and what must be let go of first.

What rings for nurse calls or in place of Wardline, and what the outside world rings, must be given
up where it is named; speed dials and find-me, a convenience, go with the number they lead to.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from central.audit import model as audit
from central.console.marks import N_
from central.directory import checks, facilities, model, places, present, relied, service
from central.errors import FieldError
from central.flows import editing as menus
from central.personal import leaving
from central.store import Row, Tx

IN_USE = N_("It is still used by: %(users)s. Change or remove those first.")
IN_POLICY = N_("The escalation policy of ward %(ward)s names it. Take it out of the policy first.")
POLICY, PLACE, MENU = "policy", "place", "flow"
OTHERS = N_("Something else still uses it. Take it out there first.")


@dataclass(frozen=True)
class Use:
    """A thing that uses another: its kind as in the audit, what it is known by, and its name. A
    policy is known by its ward."""

    kind: str
    ref: str
    name: str


def _uses(kind: str, rows: list[Row]) -> list[Use]:
    """Of rows that begin with what a thing is known by and its name."""
    return [Use(kind, str(row[0]), str(row[1] or row[0])) for row in rows]


def uses_of_person(tx: Tx, ref: str) -> list[Use]:
    rows = tx.all("SELECT number, number FROM extensions WHERE person = ? ORDER BY 1", (ref,))
    return _uses("extension", rows)


def uses_of_extension(tx: Tx, ref: str) -> list[Use]:
    """Phones that show it, services that fall back on it, lines whose callers it rings for, wards
    whose escalation policy names it."""
    phones = tx.all("SELECT device, label FROM phones WHERE number = ? ORDER BY 1", (ref,))
    services = tx.all("SELECT service, service FROM service_fallbacks WHERE number = ?", (ref,))
    named = [Use(POLICY, ward, ward) for ward in relied.wards_naming(tx, ref)]
    found = _uses("phone", phones) + _uses("service", services)
    return [*found, *_menus(tx, ref), *_inbound(tx, ref), *named]


def uses_of_service(tx: Tx, ref: str) -> list[Use]:
    """Lines whose callers it answers, and what it is for spoken menus."""
    return [*_inbound(tx, ref), *_menus(tx, ref)]


def uses_of_room(tx: Tx, ref: str) -> list[Use]:
    """What it is for spoken menus."""
    return _menus(tx, ref)


def _menus(tx: Tx, number: str) -> list[Use]:
    """Places that menus lead to, and menus that name the number themselves."""
    named = [Use(MENU, flow, flow) for flow in menus.naming(tx, number)]
    return [Use(PLACE, name, name) for name in places.at(tx, number)] + named


def _inbound(tx: Tx, number: str) -> list[Use]:
    rows = tx.all("SELECT DISTINCT trunk, trunk FROM trunk_numbers WHERE inside = ?", (number,))
    return _uses("trunk", rows)


def uses_of_class(tx: Tx, ref: str) -> list[Use]:
    rows = tx.all("SELECT device, label FROM phones WHERE rights = ? ORDER BY 1", (ref,))
    return _uses("phone", rows)


def uses_of_trunk(tx: Tx, ref: str) -> list[Use]:
    return _uses("route", tx.all("SELECT name, name FROM routes WHERE trunk = ?", (ref,)))


def uses_of_route(tx: Tx, ref: str) -> list[Use]:
    rows = tx.all("SELECT class, class FROM class_routes WHERE route = ? ORDER BY 1", (ref,))
    return _uses("class", rows)


def remove_person(tx: Tx, person: int, *, by: str) -> None:
    """Raises FieldError."""
    before = present.person(tx, str(person))
    if before is None:
        raise FieldError("person", N_("There is no such person."))
    _let_go("person", uses_of_person(tx, str(person)))
    _delete(tx, "people", "id", person)
    audit.append(tx, by, "person.remove", f"person/{person}", detail={"name": before["name"]})


def remove_extension(tx: Tx, number: str, *, by: str) -> None:
    """Nobody reaches the number any more. Raises FieldError."""
    label = checks.extension(tx, number)["label"]
    _let_go("number", uses_of_extension(tx, number))
    with relied.kept(tx, "number"):
        leaving.leave(tx, number, by=by)
        _delete(tx, "extensions", "number", number)
    checks.changed(tx, by, "extension.remove", f"extension/{number}", {"label": label})


def remove_phone(tx: Tx, device: str, *, by: str) -> None:
    """It can call and be called no more. Raises FieldError."""
    with relied.kept(tx, "device"):
        _guarded(lambda: service.remove_phone(tx, device, by=by), "device")


def remove_group(tx: Tx, name: str, *, by: str) -> None:
    """Its phones pick up for each other no more. Raises FieldError."""
    if present.group(tx, name) is None:
        raise FieldError("name", N_("There is no such pick-up group."))
    tx.execute("DELETE FROM phone_groups WHERE name = ?", (name,))
    checks.changed(tx, by, "group.remove", f"group/{name}", {})


def remove_service(tx: Tx, number: str, *, by: str) -> None:
    """Nobody reaches the service by telephone any more. Raises FieldError."""
    before = present.service(tx, number)
    if before is None:
        raise FieldError("number", N_("There is no such service."))
    _let_go("number", uses_of_service(tx, number))
    leaving.leave(tx, number, by=by)
    _delete(tx, "services", "number", number)
    detail = {"purpose": before["purpose"]}
    checks.changed(tx, by, "service.remove", f"service/{number}", detail)


def remove_class(tx: Tx, name: str, *, by: str) -> None:
    """Raises FieldError."""
    if present.permission_class(tx, name) is None:
        raise FieldError("name", N_("There is no such permission class."))
    if name == model.INTERNAL:
        raise FieldError("name", N_("New phones are of this class: it cannot be removed."))
    _let_go("name", uses_of_class(tx, name))
    _delete(tx, "permission_classes", "name", name)
    checks.changed(tx, by, "class.remove", f"class/{name}", {})


def remove_trunk(tx: Tx, name: str, *, by: str) -> None:
    """Nobody calls or is called over it any more. Raises FieldError."""
    before = present.trunk(tx, name)
    if before is None:
        raise FieldError("name", N_("There is no such line to the world."))
    _let_go("name", uses_of_trunk(tx, name))
    _delete(tx, "trunks", "name", name)
    checks.changed(tx, by, "trunk.remove", f"trunk/{name}", {"host": before["host"]})


def remove_route(tx: Tx, name: str, *, by: str) -> None:
    """Nobody dials its numbers any more. Raises FieldError."""
    before = present.route(tx, name)
    if before is None:
        raise FieldError("name", N_("There is no such route."))
    _let_go("name", uses_of_route(tx, name))
    _delete(tx, "routes", "name", name)
    checks.changed(tx, by, "route.remove", f"route/{name}", {"patterns": before["patterns"]})


def remove_room(tx: Tx, number: str, *, by: str) -> None:
    """Raises FieldError."""
    _let_go("number", uses_of_room(tx, number))
    facilities.remove_room(tx, number, by=by)


def _let_go(field: str, uses: list[Use]) -> None:
    others = [each.name for each in uses if each.kind != POLICY]
    if others:
        raise FieldError(field, IN_USE, users=", ".join(others))
    if uses:
        raise FieldError(field, IN_POLICY, ward=", ".join(each.name for each in uses))


def _delete(tx: Tx, table: str, key: str, ref: str | int) -> None:
    _guarded(lambda: tx.execute(f"DELETE FROM {table} WHERE {key} = ?", (ref,)), key)


def _guarded(delete: Callable[[], object], field: str) -> None:
    """Rows of other capabilities may point here, too: SQLite itself will not let them dangle."""
    try:
        delete()
    except sqlite3.IntegrityError:
        raise FieldError(field, OTHERS) from None
