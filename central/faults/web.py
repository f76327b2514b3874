"""The engineer's pages: faults first, then boxes by ward, then one box's story."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.console.context import (
    _,
    at_date,
    current_user,
    lasted,
    moment,
    read,
    require_ward,
    requires,
    transaction,
)
from central.console.marks import N_
from central.console.sheet import download
from central.faults import model, reported, service
from central.faults.shown import node as described
from central.faults.shown import plain
from central.store import Row
from central.wards import model as wards

blueprint = Blueprint(
    "faults",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/faults",
)
WATCHERS = ("engineer", "head_nurse", "duty_manager")
# A nurse who is led here from a bed may look, and say that she sees to the plug.
EVERYBODY = (*WATCHERS, "nurse")
NAVIGATION = [
    (56, "/faults", N_("Faults"), WATCHERS, "exclamation-triangle"),
    (57, "/nodes", N_("Boxes"), WATCHERS, "cpu"),
]
STORY_ROWS = 50
COLUMNS = (
    N_("Ward"), N_("Box"), N_("Device"), N_("Code"), N_("What"), N_("Since"), N_("Known after"),
    N_("Cleared"), N_("Lasted"), N_("Times"), N_("Seen to by"), N_("Detail"),
)  # fmt: skip


def _mine(ward: str | None) -> bool:
    """Whether a fault of this ward is for the user; those of no ward are for everybody."""
    return current_user.ward is None or ward in (None, current_user.ward)


@blueprint.get("/faults")
@requires(*EVERYBODY)
def index() -> Any:
    """Open faults first. `?ward=` shows those of one ward."""
    tx = read()
    ward = request.args.get("ward")
    if ward is not None:
        require_ward(ward)

    def shown(rows: list[Row]) -> list[dict[str, Any]]:
        return [plain(row) for row in rows if _mine(row["ward"]) and ward in (None, row["ward"])]

    return render_template(
        "faults/index.html",
        ward=ward,
        known={row["id"] for row in wards.nodes(tx)},
        faults=shown(model.open_faults(tx)),
        cleared=shown(model.cleared_faults(tx)),
    )


@blueprint.get("/faults.csv")
@requires(*EVERYBODY)
def export() -> Any:
    """Open faults, then those cleared last."""
    tx = read()
    rows = model.open_faults(tx) + model.cleared_faults(tx)
    lines = [_line(plain(row), tx.now_ms) for row in rows if _mine(row["ward"])]
    return download("faults.csv", [_(each) for each in COLUMNS], lines)


def _line(row: dict[str, Any], now_ms: int) -> list[Any]:
    return [
        row["ward"],
        row["node"],
        row["device"],
        row["code"],
        row["what"],
        at_date(row["raised_ms"]),
        moment(row["known_after_ms"]),
        "" if row["cleared_ms"] is None else at_date(row["cleared_ms"]),
        lasted((row["cleared_ms"] or now_ms) - row["raised_ms"]),
        row["count"],
        row["acknowledged_by"],
        row["detail"],
    ]


@blueprint.post("/faults/<int:fault>/acknowledge")
@requires(*EVERYBODY)
def acknowledge(fault: int) -> Any:
    """Say that one sees to it."""
    with transaction() as tx:
        row = tx.one("SELECT ward, node FROM faults WHERE id = ?", (fault,))
        if row is None:
            abort(404)
        if not _mine(row["ward"]):
            abort(403)
        service.acknowledge(tx, fault, current_user.name)
    flash(_("Noted: you see to it. The fault goes away by itself when it is over."), "success")
    if request.form.get("back") == "node":
        return redirect(url_for("faults.story", node=row["node"]))
    return redirect(url_for("faults.index"))


@blueprint.get("/nodes")
@requires(*EVERYBODY)
def nodes() -> Any:
    tx = read()
    counts = {
        row["node"]: row["n"]
        for row in tx.all(
            "SELECT node, count(*) AS n FROM faults WHERE cleared_ms IS NULL GROUP BY node"
        )
    }
    by_ward: dict[str, list[dict[str, Any]]] = {}
    for row in wards.nodes(tx):
        if _mine(row["ward"]):
            told = described(row, tx.now_ms, counts.get(row["id"], 0))
            by_ward.setdefault(row["ward"], []).append(told)
    return render_template("faults/nodes.html", by_ward=by_ward)


@blueprint.get("/nodes/<node>")
@requires(*EVERYBODY)
def story(node: str) -> Any:
    """What happened with one box: faults, what it sent, what was not understood."""
    tx = read()
    row = wards.node(tx, node)
    if row is None:
        abort(404)
    require_ward(row["ward"])
    faults = [plain(each) for each in model.of_node(tx, node)]
    events = tx.all(
        "SELECT * FROM events WHERE node = ? ORDER BY stored_ms DESC, boot DESC, seq DESC LIMIT ?",
        (node, STORY_ROWS),
    )
    rejected = tx.all(
        "SELECT * FROM quarantine WHERE node = ? ORDER BY id DESC LIMIT ?", (node, STORY_ROWS)
    )
    waiting = tx.value("SELECT count(*) FROM commands WHERE node = ? AND result IS NULL", (node,))
    refused = tx.all(
        "SELECT * FROM commands WHERE node = ? AND result IN ('refused', 'expired')"
        " AND attempts > 0 ORDER BY id DESC LIMIT ?",
        (node, STORY_ROWS),
    )
    return render_template(
        "faults/node.html",
        node=described(row, tx.now_ms, sum(each["cleared_ms"] is None for each in faults)),
        beds=[each["bed"] for each in wards.beds(tx, row["ward"]) if each["node"] == node],
        faults=faults,
        events=[reported.event(each) for each in events],
        rejected=[dict(each) | {"text": _text(each["payload"])} for each in rejected],
        waiting=waiting,
        refused=refused,
    )


def _text(payload: bytes) -> str:
    """The beginning of what could not be understood, readable whatever it is."""
    return bytes(payload)[:300].decode("utf-8", errors="backslashreplace")
