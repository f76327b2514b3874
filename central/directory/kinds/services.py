"""Numbers that Wardline answers itself."""

from typing import Any

from central.console.context import _
from central.console.marks import N_
from central.directory import changing, present, removing, service
from central.directory.kinds import choices, losing
from central.directory.kinds.kind import (
    CHOICE,
    MANY,
    Field,
    Kind,
    joined,
)
from central.directory.present import Values
from central.store import Tx


def _service_rows(tx: Tx) -> list[dict[str, Any]]:
    instead = joined(tx, "SELECT service, number FROM service_fallbacks")
    return [
        {
            "ref": row["number"],
            "number": row["number"],
            "purpose": choices.purpose(row["purpose"]),
            "fallback": instead.get(row["number"]),
        }
        for row in tx.all("SELECT * FROM services ORDER BY number")
    ]


def _add_service(tx: Tx, values: Values, by: str) -> str:
    service.add_service(tx, values["number"], values["purpose"], values["fallback"], by=by)
    return str(values["number"])


SERVICES = Kind(
    path="services",
    code="service",
    title=N_("Services"),
    one=N_("Service"),
    new=N_("Give a service a number"),
    explained=N_("Numbers that Wardline answers itself. When it is away, others ring instead."),
    empty=N_("No service has a number yet."),
    columns={
        "number": N_("Telephone number"),
        "purpose": N_("Service"),
        "fallback": N_("Ring when it is away"),
    },
    fields=(
        Field("number", N_("Telephone number"), fixed=True, hint=N_("2 to 8 digits.")),
        Field(
            "purpose",
            N_("Service"),
            CHOICE,
            choices=choices.purposes,
            fixed=True,
            shown=choices.purpose,
        ),
        Field(
            "fallback", N_("Ring when it is away"), MANY, choices=choices.extensions, required=False
        ),
    ),
    rows=_service_rows,
    present=present.service,
    add=_add_service,
    change=lambda tx, ref, values, by: changing.change_service(tx, ref, values["fallback"], by=by),
    remove=lambda tx, ref, by: removing.remove_service(tx, ref, by=by),
    named=lambda given: f"{given['number']} {choices.purpose(given['purpose'])}",
    lost=lambda tx, ref: (
        _("Nobody reaches the service by telephone any more.") + losing.leading(tx, ref)
    ),
    uses=removing.uses_of_service,
)
