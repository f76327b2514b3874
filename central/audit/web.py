"""The audit: who did what to which thing, and whether the log is whole."""

import csv
import io
import json
from typing import Any

from flask import Blueprint, Response, render_template, request

from central.audit import model
from central.console.context import at_date, current_user, read, requires, transaction
from central.console.marks import N_
from central.store import Row, Tx

blueprint = Blueprint("audit", __name__, template_folder="templates")
NAVIGATION = [(95, "/audit", N_("Audit"), ("admin",), "journal-check")]

PAGE = 200
CSV_LIMIT = 100_000


def entries(tx: Tx, who: str, what: str, ref: str, before: int | None, limit: int) -> list[Row]:
    """Entries whose fields begin with the words given, newest first, older than id `before`."""

    def begins(words: str) -> str:
        escaped = words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        return escaped + "%"

    return tx.all(
        "SELECT * FROM audit WHERE who LIKE :who ESCAPE '\\' AND what LIKE :what ESCAPE '\\'"
        " AND ref LIKE :ref ESCAPE '\\' AND (:before IS NULL OR id < :before)"
        " ORDER BY id DESC LIMIT :limit",
        {
            "who": begins(who),
            "what": begins(what),
            "ref": begins(ref),
            "before": before,
            "limit": limit,
        },
    )


def _asked() -> tuple[str, str, str]:
    who, what, ref = (request.args.get(key, "").strip() for key in ("who", "what", "ref"))
    return who, what, ref


@blueprint.get("/audit")
@requires("admin")
def page() -> Any:
    before = request.args.get("before", type=int)
    rows = entries(read(), *_asked(), before, PAGE)
    return render_template(
        "audit/audit.html",
        rows=[dict(row) | {"detail": _told(row["detail"])} for row in rows],
        more=rows[-1]["id"] if len(rows) == PAGE else None,
        asked=request.args,
        checked="check" in request.args,
        broken=model.first_broken(read()) if "check" in request.args else None,
    )


@blueprint.get("/audit.csv")
@requires("admin")
def download() -> Any:
    """The same as a table for other programs. Taking it away is itself written down."""
    with transaction() as tx:
        model.append(tx, current_user.name, "audit.export", detail=dict(request.args))
    table = io.StringIO()
    writer = csv.writer(table)
    writer.writerow(("id", "at", "who", "what", "ref", "why", "detail", "seal"))
    for row in entries(read(), *_asked(), None, CSV_LIMIT):
        line = [row["id"], at_date(row["at_ms"])]
        line += [_harmless(row[key]) for key in ("who", "what", "ref", "why", "detail", "seal")]
        writer.writerow(line)
    headers = {"Content-Disposition": "attachment; filename=audit.csv"}
    return Response("\ufeff" + table.getvalue(), mimetype="text/csv", headers=headers)


def _harmless(text: str) -> str:
    """A spreadsheet takes a cell that begins like a formula for one."""
    return "'" + text if text[:1] in ("=", "+", "-", "@", "\t") else text


def _told(detail: str) -> str:
    return ", ".join(f"{key}: {value}" for key, value in json.loads(detail).items())
