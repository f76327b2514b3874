"""The inspection book: every bed with its last proof, oldest first, and proving at once."""

from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from central.console.context import (
    _,
    console,
    current_user,
    local,
    read,
    require_ward,
    requires,
    transaction,
    ward_name,
)
from central.console.marks import N_
from central.proving import book, model, service
from central.proving.book import Book
from central.proving.shown import FAILING, LEGEND, NEVER, OVERDUE, WELL, day_signs, entry
from central.proving.shown import bed as described
from central.store import Tx
from central.wards import model as wards

blueprint = Blueprint(
    "proving",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/proving",
)
WATCHERS = ("engineer", "head_nurse", "duty_manager")
PROVERS = ("engineer",)
# No book is older than the software.
EARLIEST = date(2020, 1, 1)
NAVIGATION = [(58, "/proofs", N_("Inspection"), WATCHERS, "clipboard-check")]


def _beds(tx: Tx, ward: str | None = None) -> list[dict[str, Any]]:
    """The beds that the user may see."""
    mine = current_user.ward
    rows = model.beds(tx, ward)
    return [described(tx, row) for row in rows if mine in (None, row["ward"])]


@blueprint.app_context_processor
def _for_other_pages() -> dict[str, Any]:
    """`proofs_by_box()`: the beds of the user's wards by box, for the fleet's pages. A nurse who
    is led to a box sees them, too, but not the story of each."""

    def proofs_by_box(ward: str | None = None) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for row in sorted(_beds(read(), ward), key=lambda row: row["position"]):
            found.setdefault(row["node"], []).append(row)
        return found

    role = current_user.role if current_user.is_authenticated else ""
    return {
        "proofs_by_box": proofs_by_box,
        "may_prove": role in (*PROVERS, "admin"),
        "may_see_proofs": role in (*WATCHERS, "admin"),
        "proofs_overdue": lambda: service.overdue(read()),
    }


@blueprint.get("/proofs")
@requires(*WATCHERS)
def index() -> Any:
    """All beds, the longest unproved first. `?ward=` or `?node=` show those of one."""
    tx = read()
    ward, node = request.args.get("ward"), request.args.get("node")
    if ward is not None:
        require_ward(ward)
    rows = [row for row in _beds(tx, ward) if node in (None, row["node"])]
    counts = {
        each: sum(row["standing"] == each for row in rows)
        for each in (FAILING, OVERDUE, NEVER, WELL)
    }
    every = sorted({row["ward"] for row in _beds(tx)})
    return render_template(
        "proving/index.html", rows=rows, ward=ward, node=node, counts=counts, wards=every,
        never_pressed=sum(row["finger_silent"] for row in rows),
    )  # fmt: skip


@blueprint.get("/proofs/<ward>/<bed>")
@requires(*WATCHERS)
def story(ward: str, bed: str) -> Any:
    """The book of one bed."""
    require_ward(ward)
    tx = read()
    found = model.beds(tx, ward, bed)
    if not found:
        abort(404)
    return render_template(
        "proving/bed.html",
        bed=described(tx, found[0]),
        book=[entry(row) for row in model.of_bed(tx, ward, bed)],
    )


def _book(ward: str) -> Book:
    """The book of `?month=2026-11`, or of this month."""
    require_ward(ward)
    tx, zone = read(), console().timezone
    today = local(tx.now_ms).date()
    month = today.replace(day=1)
    if (asked := request.args.get("month")) is not None:
        try:
            month = datetime.strptime(asked, "%Y-%m").date()
        except ValueError:
            abort(404)
    if not EARLIEST <= month <= today:
        abort(404)
    beds = [row["bed"] for row in wards.beds(tx, ward) if row["node"] is not None]
    rows = model.of_ward(tx, ward, *book.bounds(month, zone))
    return book.make(ward, month, today, zone, beds, rows)


@blueprint.get("/proofs/<ward>/book")
@requires(*WATCHERS)
def ward_book(ward: str) -> Any:
    """The inspection book of a ward, a month of it."""
    found = _book(ward)
    before, after = book.previous_month(found.month), book.next_month(found.month)
    return render_template(
        "proving/book.html",
        book=found,
        legend=LEGEND,
        signs=day_signs,
        failures=[(entry(each.row), each.over_ms) for each in found.failures],
        before=before.strftime("%Y-%m"),
        after=after.strftime("%Y-%m") if after <= local(read().now_ms).date() else None,
    )


@blueprint.get("/proofs/<ward>/book.pdf")
@requires(*WATCHERS)
def book_pdf(ward: str) -> Any:
    """The same on paper."""
    # What makes PDF takes memory that a console without printing need not have.
    from central.proving import printed

    found = _book(ward)
    body = printed.book(found, ward_name(ward), read().now_ms)
    answer = Response(body, mimetype="application/pdf")
    name = "".join(each if each.isalnum() and each.isascii() else "-" for each in ward)
    answer.headers["Content-Disposition"] = (
        f"inline; filename=inspection-{name}-{found.month.strftime('%Y-%m')}.pdf"
    )
    return answer


@blueprint.post("/proofs/now")
@requires(*PROVERS)
def now() -> Any:
    """Prove a bed, all beds of a box, or a ward: form fields ward, and bed or node."""
    ward, bed, node = (request.form.get(each) for each in ("ward", "bed", "node"))
    require_ward(ward or "")
    assert ward is not None
    with transaction() as tx:
        rows = [
            row["bed"]
            for row in model.beds(tx, ward)
            if bed in (None, row["bed"]) and node in (None, row["node"])
        ]
        if not rows:
            abort(404)
        number = service.prove_now(tx, ward, rows, current_user.name)
    if number == 1:
        flash(_("Bed %(bed)s is being proved: nothing sounds or lights up there.", bed=rows[0]))
    else:
        flash(
            _(
                "%(n)s beds are being proved, one after the other: nothing sounds or lights up"
                " there.",
                n=number,
            )
        )
    return redirect(_back(ward, bed, node))


def _back(ward: str, bed: str | None, node: str | None) -> str:
    """To the page that the button stands on."""
    back = request.form.get("back")
    if back == "nodes":
        return url_for("faults.nodes")
    if back == "node" and node is None:
        node = next((row["node"] for row in wards.beds(read(), ward) if row["bed"] == bed), None)
    if back == "node" and node is not None:
        return url_for("faults.story", node=node)
    if back == "bed" and bed is not None:
        return url_for("proving.story", ward=ward, bed=bed)
    only_ward, only_node = request.form.get("only_ward"), request.form.get("only_node")
    return url_for("proving.index", ward=only_ward, node=only_node)
