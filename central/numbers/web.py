"""The page of the numbers plan: printed, or taken away as CSV."""

from typing import Any

from flask import Blueprint, render_template, url_for

from central.console.context import _, read, requires
from central.console.marks import N_
from central.console.people import TELEPHONE_ADMIN
from central.console.sheet import download
from central.directory import model as directory
from central.directory import places
from central.directory.kinds import choices
from central.flows import service as flows
from central.numbers import plan
from central.numbers.plan import Entry, Names, Words
from central.store import Tx
from gateway.telephone.directory import Directory, DirectoryError

blueprint = Blueprint("numbers", __name__, template_folder="templates")
NAVIGATION = [(61, "/numbers", N_("Numbers plan"), (TELEPHONE_ADMIN,), "list-ol")]
KINDS = {
    plan.EXTENSION: N_("Extension"),
    plan.RING_GROUP: N_("Ring group"),
    plan.SERVICE: N_("Service"),
    plan.MENU: N_("Spoken menu"),
    plan.ROOM: N_("Conference room"),
    plan.PARKING: N_("Parked calls"),
    plan.FEATURE: N_("Key code"),
    plan.SPEED: N_("Speed dial"),
    plan.EMERGENCY: N_("Emergency number"),
    plan.OUTWARD: N_("Outside"),
    plan.INBOUND: N_("From outside"),
}
HEADING = (N_("Telephone number"), N_("Kind"), N_("What it does"), N_("Remarks"))


def names(tx: Tx) -> Names:
    labels = {row["number"]: row["label"] for row in directory.extensions(tx)}
    labels |= {row["number"]: row["label"] for row in directory.rooms(tx)}
    at: dict[str, list[str]] = {}
    for name, number in directory.places(tx).items():
        at.setdefault(number, []).append(places.PLACES[name].words)
    return Names(labels, at, frozenset(flows.current(tx, tx.now_ms)))


@blueprint.get("/numbers")
@requires(TELEPHONE_ADMIN)
def index() -> Any:
    tx = read()
    house, trouble = _house(tx)
    found = names(tx)
    return render_template(
        "numbers/index.html",
        rows=[_row(tx, each) for each in plan.entries(house, found)],
        clashes=[said(each) for each in plan.clashes(house, found)],
        free=plan.free(house),
        trouble=trouble,
        unset=[
            _(place.words) for name, place in places.PLACES.items()
            if name not in directory.places(tx)
        ],
    )  # fmt: skip


def _house(tx: Tx) -> tuple[Directory, str]:
    """What the exchange is told, and why it cannot be told that."""
    try:
        return directory.directory(tx), ""
    except DirectoryError as error:
        return Directory(), str(error)


def said(words: Words) -> str:
    return _(words.message, **words.values)


def _what(entry: Entry) -> str:
    if isinstance(entry.what, Words):
        return said(entry.what)
    if entry.page is not None and entry.page[0] == "services":
        return choices.purpose(entry.what)
    return entry.what or "–"


def _row(tx: Tx, entry: Entry) -> dict[str, Any]:
    return {
        "number": entry.number,
        "kind": _(KINDS[entry.kind]),
        "what": _what(entry),
        "more": [said(each) for each in entry.more],
        "href": _href(tx, entry),
    }


def _href(tx: Tx, entry: Entry) -> str | None:
    """The page on which it is edited."""
    if entry.page is None:
        return None
    kind, ref = entry.page
    if kind == "speed-dials":
        rows = tx.all("SELECT id, owner FROM speed_dials WHERE code = ?", (entry.number,))
        ref = next((str(row["id"]) for row in rows if (row["owner"] or "") == entry.page[1]), "")
        if not ref:
            return url_for("directory.things", kind=kind)
    return url_for("directory.thing", kind=kind, ref=ref)


@blueprint.get("/numbers.csv")
@requires(TELEPHONE_ADMIN)
def export() -> Any:
    tx = read()
    house, _trouble = _house(tx)
    rows = [_row(tx, each) for each in plan.entries(house, names(tx))]
    free = [
        [first if first == last else f"{first}-{last}", _("free number"), "", ""]
        for first, last in plan.free(house)
    ]
    return download(
        "numbers.csv",
        [_(each) for each in HEADING],
        [
            *([row["number"], row["kind"], row["what"], "; ".join(row["more"])] for row in rows),
            *free,
        ],
    )
