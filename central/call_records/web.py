"""The pages of call records: the list with its statistics, one call, what calls cost."""

import logging
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.audit import model as audit
from central.call_records import asking, chart, model, names, service
from central.call_records.asking import Wanted
from central.console.context import (
    _,
    at_date,
    console,
    current_user,
    lang,
    local,
    read,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.console.people import TELEPHONE_ADMIN
from central.console.sheet import download
from central.directory import model as directory
from central.errors import FieldError
from central.flows import service as flows
from central.recordings import model as recordings
from central.store import Row, StoreUnavailableError, Tx

log = logging.getLogger("wardline.console")

blueprint = Blueprint("call_records", __name__, template_folder="templates")
# Who calls whom is nobody else's business.
MAY = ("duty_manager", TELEPHONE_ADMIN)
# What was said is the business of still fewer.
MAY_HEAR = ("duty_manager",)
NAVIGATION = [(62, "/call-records", N_("Call records"), MAY, "telephone")]
PAGE = 100
SHOWN_DAYS = 7
MOST_DAYS = 92
YEARS = (2000, 2999)
DAY_MS = 24 * 3_600_000
FILTERS = ("from", "to", "extension", "direction", "rights", "route", "result")
COLUMNS = (
    N_("Number"), N_("Began"), N_("Answered"), N_("Ended"), N_("Caller"), N_("Called"),
    N_("Direction"), N_("Class"), N_("Route"), N_("Service"), N_("Result"),
    N_("Duration in ms"), N_("Talk in ms"), N_("Transfers"), N_("Cost in fen"),
)  # fmt: skip
MAX_YUAN = Decimal(1000)


def asked(tx: Tx) -> Wanted:
    """What the address asks for. Raises FieldError."""
    given = {key: request.args.get(key, "").strip() for key in FILTERS}
    now_ms = tx.clock.real_ms()
    since_ms = _day_ms("from", given["from"])
    until_ms = _day_ms("to", given["to"], days_later=1)
    if until_ms is None:
        until_ms = now_ms + 1
    if since_ms is None:
        since_ms = min(until_ms, now_ms) - SHOWN_DAYS * DAY_MS
    if since_ms >= until_ms:
        raise FieldError("to", N_("The last day is before the first one."))
    return Wanted(since_ms, until_ms, *(given[key] for key in FILTERS[2:]))


def _may_hear() -> bool:
    return current_user.role in (*MAY_HEAR, "admin")


@blueprint.get("/call-records")
@requires(*MAY)
def index() -> Any:
    """Records with filters, counted and listed."""
    tx = read()
    trouble, wanted = None, None
    try:
        wanted = asked(tx)
    except FieldError as error:
        trouble = field_words(error)
        wanted = Wanted(tx.clock.real_ms() - SHOWN_DAYS * DAY_MS, tx.clock.real_ms() + 1)
    sort = request.args.get("sort", "started")
    sort = sort if sort in asking.SORTS else "started"
    down = request.args.get("down", "1") != "0"
    page = max(0, request.args.get("page", 0, type=int))
    rows = asking.rows(tx, wanted, sort=sort, down=down, limit=PAGE + 1, offset=page * PAGE)
    note("call_record.list", detail=_told())
    found = render_template(
        "call_records/index.html",
        rows=rows[:PAGE],
        page=page,
        more=len(rows) > PAGE,
        sums=asking.sums(tx, wanted),
        pictures=_pictures(tx, wanted),
        size=chart,
        sort=sort,
        down=down,
        link=_link,
        trouble=trouble,
        days=SHOWN_DAYS,
        classes=tx.all("SELECT name, label FROM permission_classes ORDER BY name"),
        routes=[row["name"] for row in tx.all("SELECT name FROM routes ORDER BY name")],
        **words(tx),
    )
    return found, 400 if trouble else 200


def _menus(tx: Tx) -> dict[str, str]:
    """The title of each menu that a number leads to."""
    return {code: title[lang()] for code, title in flows.titles(tx).items()}


def words(tx: Tx) -> dict[str, Any]:
    """For every page that shows calls."""
    return {
        "labels": {row["number"]: row["label"] for row in directory.extensions(tx)},
        "class_labels": dict(
            tuple(row) for row in tx.all("SELECT name, label FROM permission_classes")
        ),
        "directions": names.DIRECTIONS,
        "results": names.RESULTS,
        "route_words": names.ROUTES,
        "purposes": names.PURPOSES | _menus(tx),
    }


def _pictures(tx: Tx, wanted: Wanted) -> dict[str, Any]:
    hours = asking.over_time(tx, wanted, lambda ms: local(ms).hour)
    days = asking.over_time(tx, wanted, lambda ms: local(ms).date())
    first, last = local(wanted.since_ms).date(), local(wanted.until_ms - 1).date()
    if (last - first).days > MOST_DAYS:
        if days:
            first, last = max(first, min(days)), min(last, max(days))
        first = max(first, last - timedelta(days=MOST_DAYS))
    every = [first + timedelta(days=each) for each in range((last - first).days + 1)]
    direction = asking.counted(tx, wanted, "direction")
    route = [each for each in asking.counted(tx, wanted, "route") if each[0]]
    shares = chart.shares([number for _, number, _ in (*direction, *route)])
    top = asking.top_extensions(tx, wanted)
    return {
        "hours": chart.bars([(f"{each:02d}", hours.get(each, (0, 0))[0]) for each in range(24)]),
        "days": chart.bars([(f"{day:%m-%d}", days.get(day, (0, 0))[0]) for day in every]),
        "talk": chart.bars([(f"{day:%m-%d}", days.get(day, (0, 0))[1] // 60_000) for day in every]),
        "direction": list(zip(direction, shares, strict=False)),
        "route": list(zip(route, shares[len(direction) :], strict=True)),
        "top": list(zip(top, chart.shares([n for _, n, _ in top]), strict=True)),
    }


def _link(**changed: Any) -> str:
    """This list with something else: sorted otherwise, another page."""
    kept = {key: value for key, value in request.args.items() if value and key != "lang"}
    return url_for("call_records.index") + "?" + urlencode({**kept, **changed})


def _told() -> dict[str, object]:
    days = {"from": "from_day", "to": "to_day"}
    asked = {key: request.args[key][:32] for key in FILTERS if request.args.get(key)}
    return {days.get(key, key): value for key, value in asked.items()}


@blueprint.get("/call-records.csv")
@requires(*MAY)
def export() -> Any:
    """The same as a table for other programs. Taking it away is itself written down."""
    wanted = asked(read())
    with transaction() as tx:
        audit.append(tx, current_user.name, "call_record.export", detail=_told())
    lines = [_line(row) for row in asking.every(read(), wanted)]
    return download("call-records.csv", [_(each) for each in COLUMNS], lines)


def _line(row: Row) -> list[Any]:
    return [
        row["id"], *(at_date(row[f"{each}_ms"]) for each in ("started", "answered", "ended")),
        row["caller"], row["called"], row["direction"], row["rights"], row["route"],
        row["purpose"], row["result"], row["duration_ms"], row["talk_ms"], row["transfers"],
        row["cost_fen"],
    ]  # fmt: skip


@blueprint.get("/call-records/<int:record>")
@requires(*MAY)
def one(record: int) -> Any:
    """One call with its legs."""
    tx = read()
    row = model.one(tx, record)
    if row is None:
        abort(404)
    note("call_record.read", f"call_record/{record}")
    return render_template(
        "call_records/one.html",
        call=row,
        legs=model.legs(tx, record),
        recordings=recordings.of_call(tx, record) if _may_hear() else [],
        **words(tx),
    )


def note(what: str, ref: str = "", detail: dict[str, object] | None = None) -> None:
    """Write into the audit that the user looked. A full disk keeps nobody from the page."""
    try:
        with transaction() as tx:
            audit.append(tx, current_user.name, what, ref, detail=detail)
    except StoreUnavailableError as error:
        log.error("%s: %s %s, not in the audit: %s", current_user.name, what, ref, error)


# --- what calls cost ---


@blueprint.get("/call-records/rates")
@requires("admin")
def rates() -> Any:
    return _rates_page()


def _rates_page(trouble: dict[str, str] | None = None, status: int = 200) -> Any:
    tx = read()
    page = render_template(
        "call_records/rates.html",
        rates=model.rates(tx),
        routes=[row["name"] for row in tx.all("SELECT name FROM routes ORDER BY name")],
        units=service.UNITS_S,
        trouble=trouble or {},
        typed=request.form,
        today=f"{local(tx.clock.real_ms()):%Y-%m-%d}",
        route_words=names.ROUTES,
    )
    return page, status


@blueprint.post("/call-records/rates")
@requires("admin")
def set_rate() -> Any:
    form = request.form
    try:
        from_ms = _day_ms("from", form.get("from", "").strip())
        if from_ms is None:
            raise FieldError("from", N_("Say from which day on."))
        with transaction() as tx:
            service.set_rate(
                tx,
                form.get("route", ""),
                unit_s=form.get("unit_s", 0, type=int),
                fen=_fen(form.get("price", "")),
                from_ms=from_ms,
                by=current_user.name,
            )
    except FieldError as error:
        return _rates_page({error.field: field_words(error)}, 400)
    flash(_("Calls over this route are charged so from that day on."), "success")
    return redirect(url_for("call_records.rates"))


def _fen(text: str) -> int:
    """What was typed in yuan. Raises FieldError."""
    wrong = FieldError("price", N_("A price is written as 0.22, in yuan."))
    try:
        yuan = Decimal(text.strip().lstrip("¥￥"))
    except InvalidOperation:
        raise wrong from None
    if not yuan.is_finite() or not 0 <= yuan <= MAX_YUAN or yuan * 100 != int(yuan * 100):
        raise wrong
    return int(yuan * 100)


def _day_ms(field: str, text: str, days_later: int = 0) -> int | None:
    """The beginning of a day of the hospital, in ms. Raises FieldError about `field`."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d") + timedelta(days=days_later)
        if not YEARS[0] <= day.year <= YEARS[1]:
            raise ValueError
        return int(day.replace(tzinfo=console().timezone).timestamp() * 1000)
    except ValueError:
        raise FieldError(field, N_("Dates are written as 2026-11-24.")) from None
