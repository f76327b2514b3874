"""The engineer's pages of the hospital system: messages that failed first, whose location is
which bed, and how each sender writes."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.console.context import (
    _,
    console,
    current_user,
    note_patient_read,
    read,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.hospital import flood, model, service
from central.store import Row
from central.wards import model as wards
from gateway.his.encoding import CHOICES

blueprint = Blueprint("hospital", __name__, template_folder="templates")
NAVIGATION = [
    (65, "/his", N_("Hospital system"), ("engineer",), "envelope-paper"),
    (66, "/his/locations", N_("Beds of the hospital system"), ("engineer",), "signpost-split"),
]
STATES = {
    model.WAITING: N_("waits"),
    model.REFUSED: N_("refused"),
    model.DONE: N_("applied"),
    model.SET_ASIDE: N_("set aside"),
}
NOT_OURS = "none"
PAGE = 200
LEFT_OUT_SHOWN = 5
# More of a message than anybody reads; the largest have megabytes of attachments.
SHOWN_CHARS = 100_000
# How control characters are shown: VT as ␋.
_CONTROLS = {code: 0x2400 + code for code in range(32) if code not in (10, 13)}


@blueprint.get("/his")
@requires("engineer")
def messages() -> Any:
    """Messages that wait or were refused first."""
    state = request.args.get("state")
    if state not in STATES:
        state = None
    before = request.args.get("before", 0, type=int) if state else 0
    tx = read()
    rows = model.messages(tx, state, PAGE, before)
    return render_template(
        "hospital/messages.html",
        rows=[_shown(row) for row in rows],
        counts=model.counts(tx),
        left_out=flood.left_out(tx)[:LEFT_OUT_SHOWN],
        kept=(flood.FIRST_KEPT, flood.LAST_KEPT),
        states=STATES,
        chosen=state,
        older=rows[-1]["id"] if state and len(rows) == PAGE else None,
    )


@blueprint.get("/his/messages/<int:message>")
@requires("engineer")
def message(message: int) -> Any:
    """One message: why it waits, its text, and what can be done."""
    return _message_page(message, None)


def _message_page(message: int, trouble: FieldError | None) -> Any:
    tx = read()
    row = model.message(tx, message)
    if row is None:
        abort(404)
    note_patient_read(f"his/{message}")
    mapped = model.location(tx, row["sender"], row["location"] or "")
    page = render_template(
        "hospital/message.html",
        row=_shown(row),
        text=readable(row["raw"], row["encoding"]),
        answer=readable(row["answer"], row["encoding"]),
        mapped=mapped,
        beds=_beds(),
        trouble=field_words(trouble) if trouble else None,
    )
    return page, 400 if trouble else 200


@blueprint.post("/his/messages/<int:message>/replay")
@requires("engineer")
def replay(message: int) -> Any:
    try:
        with transaction() as tx:
            done = service.replay(
                tx,
                message,
                current_user.name,
                force=request.form.get("force") == "1",
                zone=console().timezone,
            )
    except service.UnknownMessageError:
        abort(404)
    except FieldError as error:
        return _message_page(message, error)
    if done:
        flash(_("The message is applied."), "success")
    else:
        flash(_("The message could still not be applied. The reason stands below."), "warning")
    return redirect(url_for("hospital.message", message=message))


@blueprint.post("/his/messages/<int:message>/set-aside")
@requires("engineer")
def set_aside(message: int) -> Any:
    try:
        with transaction() as tx:
            service.set_aside(tx, message, current_user.name)
    except service.UnknownMessageError:
        abort(404)
    except FieldError as error:
        return _message_page(message, error)
    flash(_("The message is set aside. It stays in the list and can still be applied."), "success")
    return redirect(url_for("hospital.messages"))


@blueprint.get("/his/locations")
@requires("engineer")
def locations() -> Any:
    """Which of the senders' locations is which bed, and how each sender writes."""
    return _locations_page(None)


def _locations_page(trouble: FieldError | None) -> Any:
    tx = read()
    page = render_template(
        "hospital/locations.html",
        unmapped=model.unmapped(tx),
        rows=model.locations(tx),
        peers=model.peers(tx),
        beds=_beds(),
        choices=CHOICES,
        typed=request.form,
        trouble={trouble.field: field_words(trouble)} if trouble else {},
    )
    return page, 400 if trouble else 200


@blueprint.post("/his/locations")
@requires("engineer")
def map_location() -> Any:
    """Say which bed a location is. `place` is "ward/bed", or "none" for one that is not ours."""
    place = request.form.get("place", "")
    ward, _slash, bed = place.partition("/")
    back = request.form.get("message", type=int)
    try:
        if not place:
            raise FieldError("place", N_("Choose the bed, or say that it is not ours."))
        with transaction() as tx:
            applied = service.map_location(
                tx,
                request.form.get("sender", ""),
                request.form.get("code", ""),
                None if place == NOT_OURS else ward,
                bed or None,
                current_user.name,
                console().timezone,
            )
    except FieldError as error:
        return _message_page(back, error) if back else _locations_page(error)
    flash(_("The location is noted. Messages applied by it: %(n)s.", n=applied), "success")
    if back:
        return redirect(url_for("hospital.message", message=back))
    return redirect(url_for("hospital.locations"))


@blueprint.post("/his/locations/forget")
@requires("engineer")
def unmap_location() -> Any:
    sender, code = request.form.get("sender", ""), request.form.get("code", "")
    with transaction() as tx:
        gone = service.unmap_location(tx, sender, code, current_user.name)
    if gone:
        flash(_("The location is forgotten. The next message with it waits."), "success")
    return redirect(url_for("hospital.locations"))


@blueprint.post("/his/encodings")
@requires("engineer")
def set_encoding() -> Any:
    try:
        with transaction() as tx:
            service.set_encoding(
                tx,
                request.form.get("peer", ""),
                request.form.get("encoding") or None,
                current_user.name,
            )
    except FieldError as error:
        return _locations_page(error)
    flash(_("The encoding is noted. It holds from the next message on."), "success")
    return redirect(url_for("hospital.locations"))


def _shown(row: Row) -> dict[str, Any]:
    why = [_(text, **values) for text, values in model.reasons(row)]
    return dict(row) | {"why": why, "state_words": STATES[row["state"]]}


def _beds() -> list[tuple[str, str]]:
    """("3/5", words) of every bed, for a form."""
    tx = read()
    found = []
    for ward in wards.wards(tx):
        for bed in wards.beds(tx, ward["id"]):
            words = _("Ward %(ward)s, bed %(bed)s", ward=ward["id"], bed=bed["bed"])
            found.append((f"{ward['id']}/{bed['bed']}", words))
    return found


def readable(raw: bytes | None, encoding: str) -> str | None:
    """A message as text, one segment a line; bytes that are no text as \\xNN. None: not kept."""
    if raw is None:
        return None
    try:
        text = bytes(raw).decode(encoding)
    except UnicodeDecodeError:
        text = bytes(raw).decode(encoding, errors="backslashreplace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").strip("\n\ufeff")
    return text[:SHOWN_CHARS].translate(_CONTROLS)
