"""The technician's page of an examination room, and the screen that hangs before it."""

import json
from typing import Any

from flask import Blueprint, abort, flash, jsonify, redirect, render_template, request, url_for

from central.console import streaming
from central.console.context import (
    _,
    console,
    current_user,
    lang,
    note_patient_read,
    read,
    requires,
    transaction,
)
from central.console.errors import field_words, store_words
from central.console.marks import N_
from central.console.people import ENGINEER, ROOM_SCREEN, TECHNICIAN
from central.errors import FieldError
from central.exams import asked, model, queue, service, setting_up, showing
from central.exams.moving import CHANGED, UnknownExamError
from central.exams.queue import NotNowError
from central.store import Row, StoreUnavailableError

blueprint = Blueprint(
    "exams",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/exams/static",
)
NAVIGATION = [
    (24, "/exams", N_("Examinations"), (TECHNICIAN,), "clipboard2-pulse"),
    (67, "/exam-rooms", N_("Examination rooms"), (ENGINEER,), "door-open"),
]
setting_up.add_to(blueprint)

# Waits grow by themselves: looked at anew so often, in beats of 2 s.
AGAIN_BEATS = 5

NOT_NOW = {
    queue.ORDERED: N_("This examination is only ordered so far."),
    queue.BOOKED: N_("Nobody has called this number yet."),
    queue.CHECKED_IN: N_("Nobody has called this number yet."),
    queue.CALLED: N_("This number is called already."),
    queue.ABSENT: N_("This number was called and not there."),
    queue.RUNNING: N_("This number is inside already."),
    queue.DONE: N_("This examination is done already."),
    queue.CANCELLED: N_("This examination was cancelled."),
}


def _room(code: str) -> Row:
    row = model.room(read(), code)
    if row is None:
        abort(404)
    return row


def _name(room: Row) -> str:
    return str(room[f"name_{lang()}"])


@blueprint.get("/exams")
@requires(TECHNICIAN)
def index() -> Any:
    """The rooms, to choose one's own."""
    tx, zone = read(), console().timezone
    rooms = [
        {"code": row["code"], "name": _name(row)} | showing.at_a_glance(tx, row, zone)
        for row in model.rooms(tx)
    ]
    return render_template("exams/index.html", rooms=rooms)


@blueprint.get("/exams/<room>")
@requires(TECHNICIAN)
def room(room: str) -> Any:
    """Whose turn it is, and what is done with whom."""
    return _room_page(_room(room))


def _room_page(row: Row, trouble: dict[str, str] | None = None, status: int = 200) -> Any:
    note_patient_read(f"exam_room/{row['code']}")
    page = render_template(
        "exams/room.html",
        room=row,
        name=_name(row),
        words=showing.words(),
        trouble=trouble or {},
        typed=request.form if trouble else {},
    )
    return page, status


@blueprint.get("/exams/<room>/stream")
@requires(TECHNICIAN)
def stream(room: str) -> Any:
    row, language, store = _room(room), lang(), console().store
    zone = console().timezone

    def now() -> str:
        fresh = showing.technicians(store.read(), row, language, zone)
        return json.dumps(fresh, ensure_ascii=False)

    return streaming.stream(CHANGED, "queue", now, again_beats=AGAIN_BEATS)


@blueprint.get("/exams/<room>/screen")
@requires(TECHNICIAN, ENGINEER, ROOM_SCREEN)
def screen(room: str) -> Any:
    """Numbers for those who wait before the room."""
    row = _room(room)
    return render_template("exams/screen.html", room=row, name=_name(row), words=showing.words())


@blueprint.get("/exams/<room>/screen/stream")
@requires(TECHNICIAN, ENGINEER, ROOM_SCREEN)
def screen_stream(room: str) -> Any:
    row, store, zone = _room(room), console().store, console().timezone
    return streaming.stream(
        CHANGED, "queue", lambda: json.dumps(showing.screen(store.read(), row, zone))
    )


@blueprint.post("/exams/<room>/next")
@requires(TECHNICIAN)
def call_next(room: str) -> Any:
    """Call whose turn it is."""
    _room(room)
    with transaction() as tx:
        row = service.call_next(tx, room, current_user.name, console().timezone)
    return jsonify(called=None if row is None else row["number"])


@blueprint.post("/exams/<int:exam>/<deed>")
@requires(TECHNICIAN)
def do(exam: int, deed: str) -> Any:
    """One press of the technician."""
    if deed not in queue.DEEDS:
        abort(404)
    try:
        with transaction() as tx:
            row = service.do(tx, exam, deed, current_user.name, console().timezone)
    except UnknownExamError:
        abort(404)
    except NotNowError as error:
        return jsonify(error_id=error.error_id, error=_(NOT_NOW[error.state])), 409
    except FieldError as error:
        return jsonify(error_id=error.error_id, error=field_words(error)), 409
    return jsonify(state=row["state"], number=row["number"])


@blueprint.post("/exams/<room>/book")
@requires(TECHNICIAN)
def book(room: str) -> Any:
    """A number for somebody whom no other system has booked."""
    row = _room(room)
    try:
        with transaction() as tx:
            patient = asked.patient(tx, request.form.get("patient", ""))
            at_ms = asked.time_of_today(request.form.get("at", ""), tx.now_ms, console().timezone)
            made = service.book(
                tx, room, patient, current_user.name, at_ms=at_ms,
                text=request.form.get("text", "").strip(), zone=console().timezone,
            )  # fmt: skip
    except FieldError as error:
        return _room_page(row, {error.field: field_words(error)}, 400)
    except StoreUnavailableError:
        return _room_page(row, {"store": store_words()}, 503)
    flash(_("Number %(n)s is given.", n=made["number"]), "success")
    return redirect(url_for("exams.room", room=room))
