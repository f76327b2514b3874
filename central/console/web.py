"""Log-in and out, the first page of each role, search, one's own settings."""

import logging
from typing import Any, cast

from flask import Blueprint, Response, flash, redirect, render_template, request, session, url_for

from central.audit import model as audit
from central.calls import types
from central.console import limits, manage, model, overview, service
from central.console import login as sessions
from central.console.context import (
    _,
    console,
    current_user,
    lang,
    lasted,
    reaches,
    read,
    require_ward,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.limits import LockedOutError
from central.console.marks import N_
from central.console.people import (
    ADMIN,
    ENGINEER,
    FIRST_PAGES,
    NURSE,
    REGISTRY,
    TELEPHONE_ADMIN,
    WITHOUT_BEDS,
)
from central.errors import FieldError
from central.escalation import steps
from central.store import Row, StoreUnavailableError

log = logging.getLogger("wardline.console")
blueprint = Blueprint(
    "console",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static",
)

NAVIGATION = [
    (5, "/wards", N_("All wards"), ("head_nurse", "duty_manager"), "grid"),
    (70, "/health", N_("Health"), (ENGINEER,), "heart-pulse"),
    (90, "/users", N_("Users"), (ADMIN,), "people"),
    (91, "/screens", N_("Board screens"), (ADMIN,), "display"),
]
manage.add_to(blueprint)


@blueprint.get("/")
def home() -> Any:
    """The first screen of each role."""
    if not current_user.is_authenticated:
        return redirect(url_for("console.login"))
    if current_user.room is not None:
        return redirect(url_for("exams.screen", room=current_user.room))
    if current_user.kiosk or (current_user.role == NURSE and current_user.ward):
        return redirect(url_for("board.board", ward=current_user.ward))
    return redirect(FIRST_PAGES[current_user.role])


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> Any:
    target = sessions.safe_target(request.values.get("next"))
    name = request.form.get("name", "")
    trouble = None
    status = 200
    if request.method == "POST":
        chosen = session.get("lang")
        here = sessions.first_of_device()
        try:
            user = service.check_login(
                console().store, name, request.form.get("password", ""), here
            )
        except LockedOutError as error:
            status = 429
            trouble = _(
                "Too many wrong passwords. Wait %(time)s, then try again; an administrator can"
                " give you a new password.",
                time=lasted(error.wait_ms + 999),
            )
        else:
            if user is not None:
                sessions.begin(user)
                session["lang"] = user["lang"] or chosen
                answer = cast(Response, redirect(target or url_for("console.home")))
                return sessions.mark_device(answer, here)
            status = 401
            trouble = _("The name or the password is wrong. Check both and try again.")
    page = render_template("console/login.html", name=name, target=target, trouble=trouble)
    return page, status


@blueprint.post("/logout")
def logout() -> Any:
    try:
        with transaction() as tx:
            if current_user.is_authenticated and not current_user.kiosk:
                audit.append(tx, current_user.name, "logout")
            sessions.end(tx)
    except StoreUnavailableError as error:
        log.error("a log-out is not in the audit: %s", error)
        sessions.forget()
    return redirect(url_for("console.login"))


@blueprint.route("/me", methods=["GET", "POST"])
@requires()
def me() -> Any:
    """One's own password."""
    trouble: dict[str, str] = {}
    if request.method == "POST":
        old, new = request.form.get("old", ""), request.form.get("password", "")
        here = sessions.origin()
        try:
            user = service.check_login(console().store, current_user.name, old, here)
            if user is None:
                raise FieldError("old", N_("This is not your present password."))
            with transaction() as tx:
                service.set_password(tx, current_user.name, new, current_user.name)
                limits.succeeded(tx, current_user.name, here, [])
        except LockedOutError as error:
            trouble["old"] = _(
                "Too many wrong passwords. Wait %(time)s.", time=lasted(error.wait_ms + 999)
            )
        except FieldError as error:
            trouble[error.field] = field_words(error)
        else:
            row = model.user(read(), current_user.name)
            if row is not None:
                sessions.begin(row)
            flash(_("Your password is changed. Your other log-ins are ended."), "success")
            return redirect(url_for("console.me"))
    return render_template("console/me.html", trouble=trouble), 400 if trouble else 200


def _may_open(call: Row) -> bool:
    technical = current_user.role != ENGINEER or call["type"] in types.TECHNICAL
    return technical and reaches(call["ward"])


@blueprint.get("/wards")
@requires("head_nurse", "duty_manager", "engineer")
def all_wards() -> Any:
    """Worst first, with who is told next; below, what was late today and why."""
    tx = read()
    late = [dict(row) | {"why": steps.why(tx, row, lang())} for row in overview.late(tx)]
    return render_template(
        "console/wards.html",
        rows=overview.wards_at_a_glance(tx),
        told=lambda call: steps.told(tx, call, lang()),
        next_step=lambda call: steps.next_step(tx, call, lang()),
        late=late,
        types=types.TYPES,
        may_open=_may_open,
        reaches=reaches,
    )


@blueprint.get("/health")
@requires(ENGINEER)
def health() -> Any:
    tx = read()
    return render_template(
        "console/health.html",
        facts=overview.health(tx),
        holes=overview.policy_holes(tx),
        beat=console().live.beat(),
    )


@blueprint.get("/search")
@requires()
def search() -> Any:
    """Beds, patients, boxes, calls, extensions and phones whose number or name holds the words."""
    words = request.args.get("q", "").strip()
    found = None
    if words:
        role = current_user.role
        found = overview.search(
            read(),
            words,
            current_user.ward,
            wards_too=role not in WITHOUT_BEDS,
            patients=role not in (ENGINEER, *WITHOUT_BEDS),
            phones=role in (TELEPHONE_ADMIN, ADMIN),
            registry=role in (REGISTRY, ADMIN),
        )
    if found and (found["patients"] or found["registered"]):
        with transaction() as tx:
            audit.append(tx, current_user.name, "patient.search", detail={"words": words})
    return render_template("console/search.html", words=words, found=found)


@blueprint.get("/ward/<ward>")
@requires()
def ward_page(ward: str) -> Any:
    """The short address of a ward leads to its board."""
    require_ward(ward)
    return redirect(url_for("board.board", ward=ward))
