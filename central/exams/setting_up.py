"""The engineer's pages: the rooms, their screens, and what other systems call them."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.console import model as people
from central.console import service as screens
from central.console.context import (
    _,
    console,
    current_user,
    lang,
    read,
    requires,
    transaction,
)
from central.console.errors import field_words, store_words
from central.console.marks import N_
from central.console.people import ENGINEER
from central.errors import FieldError
from central.exams import model, rooms
from central.exams.rooms import Room
from central.store import StoreUnavailableError
from central.wards import model as wards

_NUMBERS = ("usual_min", "walk_min", "back_places", "urge_after_s", "margin_min")


def add_to(blueprint: Blueprint) -> None:
    """Give the blueprint of examinations these pages."""
    blueprint.add_url_rule("/exam-rooms", view_func=all_rooms)
    blueprint.add_url_rule("/exam-rooms", view_func=add_room, methods=["POST"])
    blueprint.add_url_rule("/exam-rooms/map", view_func=map_code, methods=["POST"])
    blueprint.add_url_rule("/exam-rooms/unmap", view_func=unmap_code, methods=["POST"])
    blueprint.add_url_rule("/exam-rooms/<room>", view_func=one_room)
    blueprint.add_url_rule("/exam-rooms/<room>", view_func=change_room, methods=["POST"])
    blueprint.add_url_rule("/exam-rooms/<room>/remove", view_func=remove_room, methods=["POST"])
    blueprint.add_url_rule("/exam-rooms/<room>/screen", view_func=make_screen, methods=["POST"])
    blueprint.add_url_rule(
        "/exam-rooms/<room>/screen/<int:number>/revoke", view_func=revoke_screen, methods=["POST"]
    )


@requires(ENGINEER)
def all_rooms() -> Any:
    return _page()


def _page(trouble: dict[str, str] | None = None, about: str = "room", status: int = 200) -> Any:
    """`about`: which form the trouble is in, "room" or "code"."""
    tx = read()
    page = render_template(
        "exams/rooms.html",
        rooms=model.rooms(tx),
        codes=model.room_codes(tx),
        unmapped=model.unmapped(tx),
        names={row["code"]: row[f"name_{lang()}"] for row in model.rooms(tx)},
        fresh=Room("", "", ""),
        walks={},
        wards=wards.wards(tx),
        trouble=trouble or {},
        about=about,
        typed=request.form if trouble else {},
    )
    return page, status


@requires(ENGINEER)
def add_room() -> Any:
    code = request.form.get("code", "").strip()
    try:
        with transaction() as tx:
            if model.room(tx, code) is not None:
                raise FieldError("code", N_("There is already a room %(code)s."), code=code)
            rooms.put(tx, _typed(code), current_user.name)
    except FieldError as error:
        return _page({error.field: field_words(error)}, status=400)
    except StoreUnavailableError:
        return _page({"store": store_words()}, status=503)
    flash(_("The room is there now. Map what the hospital's system calls it below."), "success")
    return redirect(url_for("exams.all_rooms"))


def _typed(code: str) -> Room:
    form = request.form
    numbers = {name: _number(name) for name in _NUMBERS}
    walks = {
        row["id"]: _number(f"walk-{row['id']}")
        for row in wards.wards(read())
        if form.get(f"walk-{row['id']}", "").strip()
    }
    name_zh, name_en = form.get("name_zh", ""), form.get("name_en", "")
    return Room(code, name_zh, name_en, walks=walks, **numbers)


def _number(field: str) -> int:
    text = request.form.get(field, "").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 6:
        raise FieldError(field, N_("Enter a whole number."))
    return int(text)


@requires(ENGINEER)
def one_room(room: str) -> Any:
    return _room_page(room)


def _room_page(
    code: str, trouble: dict[str, str] | None = None, address: str | None = None, status: int = 200
) -> Any:
    tx = read()
    row = model.room(tx, code)
    if row is None:
        abort(404)
    page = render_template(
        "exams/set_up.html",
        room=row,
        name=row[f"name_{lang()}"],
        walks=model.walks(tx, code),
        wards=wards.wards(tx),
        screens=[each for each in people.screens(tx) if each["room"] == code],
        address=address,
        trouble=trouble or {},
        typed=request.form if trouble else {},
    )
    return page, status


@requires(ENGINEER)
def change_room(room: str) -> Any:
    if model.room(read(), room) is None:
        abort(404)
    try:
        with transaction() as tx:
            rooms.put(tx, _typed(room), current_user.name)
    except FieldError as error:
        return _room_page(room, {error.field: field_words(error)}, status=400)
    except StoreUnavailableError:
        return _room_page(room, {"store": store_words()}, status=503)
    flash(_("Saved."), "success")
    return redirect(url_for("exams.one_room", room=room))


@requires(ENGINEER)
def remove_room(room: str) -> Any:
    row = model.room(read(), room)
    if row is None:
        abort(404)
    try:
        with transaction() as tx:
            rooms.remove(tx, room, current_user.name, console().timezone)
            for each in people.screens(tx):
                if each["room"] == room and each["revoked_ms"] is None:
                    screens.revoke_screen(tx, each["id"], current_user.name)
    except FieldError as error:
        return _room_page(room, {"store": field_words(error)}, status=400)
    flash(_("%(name)s is removed.", name=row[f"name_{lang()}"]), "success")
    return redirect(url_for("exams.all_rooms"))


@requires(ENGINEER)
def make_screen(room: str) -> Any:
    """Shows the new screen's address once: only its hash is kept."""
    if model.room(read(), room) is None:
        abort(404)
    try:
        with transaction() as tx:
            token = screens.make_screen(
                tx, None, request.form.get("label", ""), current_user.name, room=room
            )
    except FieldError as error:
        return _room_page(room, {error.field: field_words(error)}, status=400)
    address = url_for("board.kiosk", token=token, _external=True)
    return _room_page(room, address=address)


@requires(ENGINEER)
def revoke_screen(room: str, number: int) -> Any:
    row = people.screen(read(), number)
    if row is None or row["room"] != room:
        abort(404)
    with transaction() as tx:
        screens.revoke_screen(tx, number, current_user.name)
    flash(_("The screen no longer shows the numbers."), "success")
    return redirect(url_for("exams.one_room", room=room))


@requires(ENGINEER)
def map_code() -> Any:
    form = request.form
    sender, code = form.get("sender", ""), form.get("code", "")
    try:
        with transaction() as tx:
            room = form.get("room", "") or None
            done = rooms.map_code(tx, sender, code, room, current_user.name, console().timezone)
    except FieldError as error:
        return _page({error.field: field_words(error)}, "code", 400)
    except StoreUnavailableError:
        return _page({"store": store_words()}, "code", 503)
    flash(_("Mapped. %(n)s messages that waited are applied.", n=done), "success")
    return redirect(url_for("exams.all_rooms"))


@requires(ENGINEER)
def unmap_code() -> Any:
    with transaction() as tx:
        rooms.unmap_code(
            tx, request.form.get("sender", ""), request.form.get("code", ""), current_user.name
        )
    flash(_("Taken back: the next message with this code waits."), "success")
    return redirect(url_for("exams.all_rooms"))
