"""The pages of opening hours: the coming four weeks as they will be, the times of a plan, and the
days that are unlike their weekday."""

from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.console.context import _, console, current_user, read, requires, transaction
from central.console.errors import field_words, store_words
from central.console.marks import N_
from central.console.people import ADMIN, DUTY_MANAGER, TELEPHONE_ADMIN
from central.console.sheet import download
from central.directory import model as directory
from central.directory import places
from central.directory.present import ChangedMeanwhileError, mark, unchanged
from central.errors import FieldError
from central.flows import editing as menus
from central.hours import editing, importing, model, offers, rules
from central.hours.rules import HOLIDAY, WORKING
from central.store import StoreUnavailableError, Tx

blueprint = Blueprint("hours", __name__, template_folder="templates")
READERS = (DUTY_MANAGER, TELEPHONE_ADMIN)
NAVIGATION = [(61, "/hours", N_("Opening hours"), READERS, "calendar-week")]
WEEKS = 4
WEEKDAYS = (
    N_("Monday"), N_("Tuesday"), N_("Wednesday"), N_("Thursday"), N_("Friday"), N_("Saturday"),
    N_("Sunday"),
)  # fmt: skip
KINDS = {HOLIDAY: N_("Holiday"), WORKING: N_("Make-up working day")}
STATES = {
    rules.OPEN: N_("Open now."),
    rules.CLOSED: N_("Closed now."),
    HOLIDAY: N_("Closed now: holiday."),
}
CHANGED_MEANWHILE = N_(
    "Not saved: somebody else changed it meanwhile. Look at what stands there now, and save again"
    " to put yours in its place."
)


def _may_change() -> bool:
    return current_user.role in (TELEPHONE_ADMIN, ADMIN)


def _now() -> datetime:
    return datetime.fromtimestamp(read().now_ms / 1000, console().timezone)


@blueprint.get("/hours")
@requires(*READERS)
def index() -> Any:
    """A plan's coming four weeks, from Monday of this one on."""
    tx, at = read(), _now()
    name = request.args.get("plan", model.SERVICE)
    plan = model.plan(tx, name)
    if plan is None:
        abort(404)
    calendar = model.calendar(tx, at.date() - timedelta(days=7))
    state = rules.state(plan, calendar, at)
    opens = None if state == rules.OPEN else rules.next_opening(plan, calendar, at)
    return render_template(
        "hours/index.html",
        plans=model.plans(tx),
        plan=model.row(tx, name),
        weekdays=WEEKDAYS,
        weeks=_weeks(plan, calendar, at.date()),
        state=_(STATES[state]),
        is_open=state == rules.OPEN,
        opens=opens and f"{opens:%Y-%m-%d %H:%M}",
        may_change=_may_change(),
        places=[
            (name, place.words, directory.places(tx).get(name))
            for name, place in places.PLACES.items()
        ],
    )


def _weeks(plan: rules.Plan, calendar: rules.Calendar, today: date) -> list[list[dict[str, Any]]]:
    first = today - timedelta(days=today.weekday())
    days = [first + timedelta(days=n) for n in range((WEEKS + 1) * 7)]
    last = today + timedelta(days=WEEKS * 7)
    shown = [
        {
            "date": day,
            "special": calendar.get(day),
            "times": [_shown(each) for each in rules.bands_of(plan, calendar, day)],
            "past": day < today,
            "today": day == today,
            "beyond": day >= last,
        }
        for day in days
    ]
    weeks = [shown[n : n + 7] for n in range(0, len(shown), 7)]
    return [week for week in weeks if not week[0]["beyond"]]


def _shown(band: rules.Band) -> str:
    if band.length_min == rules.DAY_MIN and not band.begin_min:
        return _("all day")
    return editing.written(band).replace("-", "\u2013")


# --- plans ---


@blueprint.route("/hours/plans/<name>", methods=["GET", "POST"])
@requires(TELEPHONE_ADMIN)
def plan(name: str) -> Any:
    """A plan's times by weekday; `new` is for another plan."""
    fresh = name == "new"
    now = _present(read(), name)
    if now is None and not fresh:
        abort(404)
    if request.method == "GET":
        return _plan_page(name, now or {}, {}, mark(now or {}))
    try:
        typed = {key: request.form.get(key, "").strip() for key in _FIELDS}
        bands = [each for day in range(7) for each in editing.typed_bands(day, typed[f"day{day}"])]
        with transaction() as tx:
            if not fresh:
                unchanged(_present(tx, name), request.form.get("seen", ""))
            name = typed["name"] if fresh else name
            editing.put_plan(
                tx, name, typed["label"], bands, on_holidays=typed["on_holidays"] == "1",
                by=current_user.name, fresh=fresh,
            )  # fmt: skip
    except FieldError as error:
        return _refused("new" if fresh else name, {error.field: field_words(error)}, 400)
    except ChangedMeanwhileError as error:
        if error.now is None:
            abort(404)
        trouble = {"store": _(CHANGED_MEANWHILE)}
        return _plan_page(name, typed, trouble, mark(error.now)), 409
    except StoreUnavailableError:
        return _refused("new" if fresh else name, {"store": store_words()}, 503)
    flash(_("Callers are told so from now on."), "success")
    return redirect(url_for("hours.index", plan=name))


_FIELDS = ("name", "label", "on_holidays", *(f"day{day}" for day in range(7)))


def _present(tx: Tx, name: str) -> dict[str, Any] | None:
    """A plan as its form shows it."""
    row, made = model.row(tx, name), model.plan(tx, name)
    if row is None or made is None:
        return None
    times = {
        f"day{day}": ", ".join(editing.written(each) for each in made.bands if each.day == day)
        for day in range(7)
    }
    return {"name": name, "label": row["label"], "on_holidays": str(row["on_holidays"])} | times


def _refused(name: str, trouble: dict[str, str], status: int) -> Any:
    return _plan_page(name, request.form, trouble, request.form.get("seen", "")), status


def _plan_page(name: str, given: Any, trouble: dict[str, str], seen: str) -> str:
    return render_template(
        "hours/plan.html",
        name=name,
        fresh=name == "new",
        given=given,
        trouble=trouble,
        seen=seen,
        weekdays=WEEKDAYS,
        used=_used(read(), name),
    )


def _used(tx: Tx, name: str) -> list[str]:
    """The menus that ask whether this plan is open."""
    return menus.saying(tx, offers.OFFERS[0].name, "plan", name)


@blueprint.post("/hours/plans/<name>/remove")
@requires(TELEPHONE_ADMIN)
def remove_plan(name: str) -> Any:
    try:
        with transaction() as tx:
            editing.remove_plan(tx, name, _used(tx, name), current_user.name)
    except FieldError as error:
        flash(_("Not removed. %(why)s", why=field_words(error)), "error")
        return redirect(url_for("hours.plan", name=name))
    flash(_("The plan is removed."), "success")
    return redirect(url_for("hours.index"))


# --- days that are unlike their weekday ---


@blueprint.get("/hours/days")
@requires(*READERS)
def days() -> Any:
    return _days_page({})


def _days_page(
    trouble: dict[str, str], problems: list[tuple[int, str]] | None = None, status: int = 200
) -> Any:
    tx, today = read(), _now().date()
    page = render_template(
        "hours/days.html",
        rows=[
            {**dict(row), "weekday": WEEKDAYS[date.fromisoformat(row["date"]).weekday()]}
            for row in model.days(tx, today - timedelta(days=31))
        ],
        kinds=KINDS,
        weekdays=WEEKDAYS,
        trouble=trouble,
        problems=problems or [],
        typed=request.form,
        may_change=_may_change(),
    )
    return page, status


@blueprint.get("/hours/days.csv")
@requires(*READERS)
def export() -> Any:
    """All days, in a form that the import takes."""
    rows = [
        [
            row["date"], _(KINDS[row["kind"]]), row["name"],
            _(WEEKDAYS[row["as_day"]]) if row["kind"] == WORKING else "",
        ]
        for row in model.days(read())
    ]  # fmt: skip
    return download("holidays.csv", [_(each) for each in importing.HEADING], rows)


@blueprint.post("/hours/days")
@requires(TELEPHONE_ADMIN)
def add_days() -> Any:
    form = request.form
    try:
        first = editing.a_day(form.get("first", ""), "first")
        last = editing.a_day(form.get("last") or form.get("first", ""), "last")
        made = editing.special(
            form.get("kind", ""), form.get("label", ""), form.get("as_day", 0, type=int)
        )
        wanted = dict.fromkeys(editing.every_day(first, last), made)
        with transaction() as tx:
            editing.put_days(tx, wanted, current_user.name)
    except FieldError as error:
        return _days_page({error.field: field_words(error)}, status=400)
    flash(_("Callers are told so from now on."), "success")
    return redirect(url_for("hours.days"))


@blueprint.post("/hours/days/import")
@requires(TELEPHONE_ADMIN)
def take_in() -> Any:
    """A table as text: where a row has a problem nothing is changed, and the text stays."""
    try:
        found, problems = importing.read(request.form.get("table", ""))
        if problems:
            told = [(each.row, field_words(each.error)) for each in problems]
            words = _("Nothing was imported. Correct these rows, and import it again.")
            return _days_page({"table": words}, told, 400)
        with transaction() as tx:
            changed = editing.put_days(tx, found, current_user.name)
    except FieldError as error:
        return _days_page({error.field: field_words(error)}, status=400)
    flash(_("%(n)s days are new or changed.", n=changed), "success")
    return redirect(url_for("hours.days"))


@blueprint.post("/hours/days/<day>/remove")
@requires(TELEPHONE_ADMIN)
def remove_day(day: str) -> Any:
    try:
        with transaction() as tx:
            editing.remove_day(tx, day, current_user.name)
    except FieldError:
        abort(404)
    flash(_("It is a day like others again."), "success")
    return redirect(url_for("hours.days"))
