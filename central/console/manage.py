"""The administrator's pages: who may log in, and which screens show a board."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.console import model, overview, service
from central.console.context import (
    _,
    current_user,
    lang,
    read,
    requires,
    transaction,
    ward_name,
)
from central.console.errors import field_words, store_words
from central.console.people import ADMIN, ROLES
from central.errors import FieldError
from central.exams import model as exams
from central.store import StoreUnavailableError
from central.wards import model as wards


def add_to(blueprint: Blueprint) -> None:
    """Give the console's blueprint these pages."""
    blueprint.add_url_rule("/users", view_func=users)
    blueprint.add_url_rule("/users", view_func=add_user, methods=["POST"])
    blueprint.add_url_rule("/users/<name>/password", view_func=password, methods=["POST"])
    blueprint.add_url_rule("/users/<name>/disable", view_func=disable, methods=["POST"])
    blueprint.add_url_rule("/users/<name>/enable", view_func=enable, methods=["POST"])
    blueprint.add_url_rule("/screens", view_func=screens)
    blueprint.add_url_rule("/screens", view_func=make_screen, methods=["POST"])
    blueprint.add_url_rule("/screens/<int:number>/revoke", view_func=revoke, methods=["POST"])


@requires(ADMIN)
def users() -> Any:
    return _users_page()


def _users_page(
    trouble: dict[str, str] | None = None, user: str | None = None, status: int = 200
) -> Any:
    """`trouble`: field to words. `user`: whose password it is about; None is the new user's."""
    tx = read()
    page = render_template(
        "console/users.html",
        users=model.users(tx),
        wards=wards.wards(tx),
        roles=ROLES,
        trouble=trouble or {},
        about=user,
        typed=request.form,
    )
    return page, status


@requires(ADMIN)
def add_user() -> Any:
    form = request.form
    try:
        with transaction() as tx:
            service.add_user(
                tx,
                form.get("name", ""),
                form.get("display", ""),
                form.get("role", ""),
                form.get("password", ""),
                ward=form.get("ward") or None,
                lang=form.get("lang"),
                by=current_user.name,
            )
    except FieldError as error:
        return _users_page({error.field: field_words(error)}, status=400)
    except StoreUnavailableError:
        return _users_page({"store": store_words()}, status=503)
    flash(_("%(name)s may log in now.", name=form["name"].strip().lower()), "success")
    return redirect(url_for("console.users"))


@requires(ADMIN)
def password(name: str) -> Any:
    _must_exist(name)
    try:
        with transaction() as tx:
            service.set_password(tx, name, request.form.get("password", ""), current_user.name)
    except FieldError as error:
        return _users_page({error.field: field_words(error)}, name, 400)
    flash(
        _("%(name)s has a new password; open sessions of that name are ended.", name=name),
        "success",
    )
    return redirect(url_for("console.users"))


@requires(ADMIN)
def disable(name: str) -> Any:
    return _set_disabled(name, True)


@requires(ADMIN)
def enable(name: str) -> Any:
    return _set_disabled(name, False)


def _must_exist(name: str) -> None:
    if model.user(read(), name) is None:
        abort(404)


def _set_disabled(name: str, disabled: bool) -> Any:
    _must_exist(name)
    try:
        with transaction() as tx:
            service.set_disabled(tx, name, disabled, current_user.name)
    except FieldError as error:
        return _users_page({"store": field_words(error)}, name, 400)
    said = _("%(name)s can no longer log in.") if disabled else _("%(name)s may log in again.")
    flash(said % {"name": name}, "success")
    for ward in overview.policy_holes(read()) if disabled else ():
        warning = _("The escalation of %(ward)s has holes now: see Health.", ward=ward_name(ward))
        flash(warning, "warning")
    return redirect(url_for("console.users"))


@requires(ADMIN)
def screens() -> Any:
    return _screens_page()


def _screens_page(
    trouble: dict[str, str] | None = None, address: str | None = None, status: int = 200
) -> Any:
    tx = read()
    page = render_template(
        "console/screens.html",
        screens=model.screens(tx),
        rooms={row["code"]: row[f"name_{lang()}"] for row in exams.rooms(tx)},
        wards=wards.wards(tx),
        trouble=trouble or {},
        address=address,
        typed=request.form if trouble else {},
    )
    return page, status


@requires(ADMIN)
def make_screen() -> Any:
    """Shows the new screen's address once: only its hash is kept."""
    ward, label = request.form.get("ward", ""), request.form.get("label", "")
    try:
        with transaction() as tx:
            token = service.make_screen(tx, ward, label, current_user.name)
    except FieldError as error:
        return _screens_page({error.field: field_words(error)}, status=400)
    except StoreUnavailableError:
        return _screens_page({"store": store_words()}, status=503)
    return _screens_page(address=url_for("board.kiosk", token=token, _external=True))


@requires(ADMIN)
def revoke(number: int) -> Any:
    with transaction() as tx:
        service.revoke_screen(tx, number, current_user.name)
    flash(_("The screen no longer shows the board."), "success")
    return redirect(url_for("console.screens"))
