"""What leaves the house: permission classes, lines to the world, and routes over them."""

from typing import Any

from central.console.context import _, lasted
from central.console.marks import N_
from central.directory import changing, outside, present, removing
from central.directory.kinds import choices
from central.directory.kinds.kind import (
    CHOICE,
    LINES,
    MANY,
    NUMBER,
    SECRET,
    Field,
    Kind,
    joined,
    whole,
)
from central.directory.present import Values
from central.errors import FieldError
from central.store import Tx


def _class_rows(tx: Tx) -> list[dict[str, Any]]:
    may = joined(tx, "SELECT class, route FROM class_routes", ", ")
    counted = joined(tx, "SELECT rights, count(*) FROM phones GROUP BY 1")
    return [
        {
            "ref": row["name"],
            "label": row["label"],
            "name": row["name"],
            "routes": may.get(row["name"]) or _("numbers of the house only"),
            "phones": counted.get(row["name"], 0),
        }
        for row in tx.all("SELECT name, label FROM permission_classes ORDER BY name")
    ]


ENDLESS = N_("0: as many as come.")
CAPS = (
    Field("day_calls", N_("Outside calls in a day"), NUMBER, value=0, hint=ENDLESS),
    Field("day_minutes", N_("Minutes outside in a day"), NUMBER, value=0, hint=ENDLESS),
)


def _caps(tx: Tx, kind: Kind, ref: str, values: Values, by: str) -> None:
    """Bring the caps of a line or class to what the form says."""
    caps = {each: whole(values, each) for each in ("most_calls", "day_calls", "day_minutes")}
    now = kind.present(tx, ref) or {}
    if caps != {each: now.get(each) for each in caps}:
        put = outside.cap_trunk if kind is TRUNKS else outside.cap_class
        put(tx, ref, **caps, by=by)


def _add_class(tx: Tx, values: Values, by: str) -> str:
    outside.add_class(tx, values["name"], values["label"], by=by)
    if values["routes"]:
        changing.change_class(tx, values["name"], values["label"], values["routes"], by=by)
    _caps(tx, CLASSES, values["name"], values, by)
    return str(values["name"])


def _change_class(tx: Tx, ref: str, values: Values, by: str) -> None:
    changing.change_class(tx, ref, values["label"], values["routes"], by=by)
    _caps(tx, CLASSES, ref, values, by)


CLASSES = Kind(
    path="classes",
    code="class",
    title=N_("Permission classes"),
    one=N_("Permission class"),
    new=N_("Add a permission class"),
    explained=N_("What the phones of a class may dial beyond the house."),
    empty=N_("No permission class yet."),
    columns={
        "label": N_("Name shown"),
        "name": N_("Short name"),
        "routes": N_("May dial"),
        "phones": N_("Phones"),
    },
    fields=(
        Field("name", N_("Short name"), fixed=True, hint=N_("Letters a-z, digits and dashes.")),
        Field("label", N_("Name shown")),
        Field(
            "routes",
            N_("May dial, besides the house"),
            MANY,
            choices=choices.routes,
            required=False,
        ),
        Field(
            "most_calls",
            N_("Calls outward at once"),
            NUMBER,
            value=0,
            hint=ENDLESS,
        ),
        *CAPS,
    ),
    rows=_class_rows,
    present=present.permission_class,
    add=_add_class,
    change=_change_class,
    remove=lambda tx, ref, by: removing.remove_class(tx, ref, by=by),
    named=lambda given: str(given["label"]),
    lost=lambda _tx, _ref: _("No phone is of this class."),
    uses=removing.uses_of_class,
)


def _inbound(values: Values) -> dict[str, str]:
    """Lines as "62345678 8003"."""
    found: dict[str, str] = {}
    for line in values["inbound"]:
        parts = line.replace("=", " ").replace("→", " ").split()
        if len(parts) != 2:
            raise FieldError(
                "inbound",
                N_("Each line has our number outside and the one it rings: 62345678 8003."),
            )
        if parts[0] in found:
            raise FieldError("inbound", N_("The number %(number)s is taken."), number=parts[0])
        found[parts[0]] = parts[1]
    return found


def _trunk_rows(tx: Tx) -> list[dict[str, Any]]:
    sql = "SELECT trunk, outside || ' → ' || inside FROM trunk_numbers"
    inbound = joined(tx, sql, ", ")
    return [
        {
            "ref": row["name"],
            "name": row["name"],
            "host": row["host"],
            "user": row["user"] or None,
            "most_calls": row["most_calls"],
            "inbound": inbound.get(row["name"]),
        }
        for row in tx.all("SELECT * FROM trunks ORDER BY name")
    ]


def _add_trunk(tx: Tx, values: Values, by: str) -> str:
    outside.add_trunk(
        tx, values["name"], values["host"], user=values["user"], password=values["password"],
        most_calls=whole(values, "most_calls"), inbound=_inbound(values), by=by,
    )  # fmt: skip
    _caps(tx, TRUNKS, values["name"], values, by)
    return str(values["name"])


def _change_trunk(tx: Tx, ref: str, values: Values, by: str) -> None:
    changing.change_trunk(
        tx, ref, values["host"], user=values["user"], password=values["password"] or None,
        most_calls=whole(values, "most_calls"), inbound=_inbound(values), by=by,
    )  # fmt: skip
    _caps(tx, TRUNKS, ref, values, by)


TRUNKS = Kind(
    path="trunks",
    code="trunk",
    title=N_("Lines to the world"),
    one=N_("Line to the world"),
    new=N_("Add a line to the world"),
    explained=N_("A line of a telephone company, or another exchange. Over it goes what a route"
                 " says, and who calls in reaches the numbers named here and nothing else."),
    empty=N_("No line to the world yet: the house can call only itself."),
    columns={
        "name": N_("Short name"), "host": N_("Address"), "user": N_("User"),
        "most_calls": N_("Calls outward at once"), "inbound": N_("Our numbers outside"),
    },
    fields=(
        Field("name", N_("Short name"), fixed=True, hint=N_("Letters a-z, digits and dashes.")),
        Field("host", N_("Address"), hint=N_("As 192.0.2.7:5060.")),
        Field("user", N_("User"), required=False, hint=N_("Where the line asks for one.")),
        Field("password", N_("Password"), SECRET, required=False,
              hint=N_("Left empty it stays as it is.")),
        Field("most_calls", N_("Calls outward at once"), NUMBER, value=4),
        *CAPS,
        Field("inbound", N_("Our numbers outside"), LINES, required=False,
              hint=N_("On each line our number and the one it rings: 62345678 8003")),
    ),
    rows=_trunk_rows,
    present=present.trunk,
    add=_add_trunk,
    change=_change_trunk,
    remove=lambda tx, ref, by: removing.remove_trunk(tx, ref, by=by),
    named=lambda given: str(given["name"]),
    lost=lambda _tx, _ref: _("Our numbers outside ring nowhere any more; its password is gone."),
    uses=removing.uses_of_trunk,
)  # fmt: skip


def _route_rows(tx: Tx) -> list[dict[str, Any]]:
    patterns = joined(tx, "SELECT route, pattern FROM route_patterns")
    may = joined(tx, "SELECT route, class FROM class_routes", ", ")
    return [
        {
            "ref": row["name"],
            "name": row["name"],
            "patterns": patterns.get(row["name"]),
            "strip": row["strip"],
            "trunk": row["trunk"],
            "limit_s": lasted(row["limit_s"] * 1000) if row["limit_s"] else None,
            "classes": may.get(row["name"]),
        }
        for row in tx.all("SELECT * FROM routes ORDER BY name")
    ]


def _add_route(tx: Tx, values: Values, by: str) -> str:
    outside.add_route(
        tx, values["name"], values["trunk"], values["patterns"], strip=whole(values, "strip"),
        limit_s=whole(values, "limit_s"), always=values["always"] == "1", by=by,
    )  # fmt: skip
    return str(values["name"])


def _change_route(tx: Tx, ref: str, values: Values, by: str) -> None:
    changing.change_route(
        tx, ref, values["trunk"], values["patterns"], strip=whole(values, "strip"),
        limit_s=whole(values, "limit_s"), always=values["always"] == "1", by=by,
    )  # fmt: skip


ROUTES = Kind(
    path="routes",
    code="route",
    title=N_("Routes"),
    one=N_("Route"),
    new=N_("Add a route"),
    explained=N_("Numbers outside and the line they go over. Nobody may dial them until a"
                 " permission class allows it."),
    empty=N_("No route yet. Add a line to the world first, then the numbers that go over it."),
    columns={
        "name": N_("Short name"), "patterns": N_("Numbers"), "strip": N_("First digits left out"),
        "trunk": N_("Line to the world"), "limit_s": N_("Ends after"), "classes": N_("Allowed to"),
    },
    fields=(
        Field("name", N_("Short name"), fixed=True, hint=N_("Letters a-z, digits and dashes.")),
        Field("patterns", N_("Numbers"), LINES,
              hint=N_("One on each line; X stands for any digit, Z for 1 to 9, N for 2 to 9:"
                      " 9NXXXXXXX")),
        Field("trunk", N_("Line to the world"), CHOICE, choices=choices.trunks),
        Field("strip", N_("First digits left out"), NUMBER, value=0,
              hint=N_("1 where a 9 is dialled for the world.")),
        Field("limit_s", N_("A call ends after so many seconds"), NUMBER, value=0,
              hint=N_("0: it may last.")),
        Field("always", N_("Goes through whatever the limits say"), CHOICE,
              choices=choices.yes_or_no, value="0",
              hint=N_("For the police and the fire brigade.")),
    ),
    rows=_route_rows,
    present=present.route,
    add=_add_route,
    change=_change_route,
    remove=lambda tx, ref, by: removing.remove_route(tx, ref, by=by),
    named=lambda given: str(given["name"]),
    lost=lambda _tx, _ref: _("Nobody can dial these numbers any more."),
    uses=removing.uses_of_route,
)  # fmt: skip
