"""The nurse-station board: the page, its stream, its screens."""

from typing import Any

from flask import (
    Blueprint,
    abort,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)

from central.audit import model as audit
from central.board import service
from central.calls import service as calls
from central.calls import types
from central.console import login, streaming
from central.console import service as people
from central.console.context import (
    _,
    console,
    current_user,
    lang,
    note_patient_read,
    read,
    require_ward,
    requires,
    transaction,
    ward_name,
)
from central.console.marks import N_
from central.store import Tx
from central.wards import model as wards

blueprint = Blueprint(
    "board",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/board/static",
)
NURSES = ("nurse", "head_nurse", "duty_manager")
WATCHERS = (*NURSES, "engineer")
NAVIGATION = [(10, "/board", N_("Board"), WATCHERS, "bell")]


@blueprint.get("/board")
@requires(*WATCHERS)
def choose() -> Any:
    """The board of one's own ward; those without a ward choose."""
    every = wards.wards(read())
    ward = current_user.ward or (every[0]["id"] if len(every) == 1 else None)
    if ward:
        return redirect(url_for("board.board", ward=ward))
    return render_template("board/choose.html", wards=every)


@blueprint.get("/board/<ward>")
@requires(*WATCHERS)
def board(ward: str) -> Any:
    require_ward(ward)
    note_patient_read(f"board/{ward}")
    # Served by the ward's own station, so it is there when this server is not.
    station = (console().config.get("stations") or {}).get(ward)
    row = wards.ward(read(), ward)
    return render_template(
        "board/board.html",
        ward=ward,
        name=ward_name(ward),
        neighbour=None if row is None else row["neighbour"],
        words=_words(),
        station=station,
        # The types of call that the reader may open; all when None.
        opens=types.TECHNICAL if current_user.role == "engineer" else None,
    )


@blueprint.get("/board/stream")
@requires(*WATCHERS)
def stream() -> Any:
    """Server-sent events: the whole board at once and after each change, a beat every 2 s."""
    ward = request.args.get("ward", "")
    require_ward(ward)
    live = console().live
    role, words, timezone = current_user.role, lang(), console().timezone

    def now() -> str:
        return live.board(
            ward,
            (role, words),
            lambda tx: service.board(tx, ward, role, words, timezone),
        )

    return streaming.stream(ward, "board", now)


@blueprint.get("/board/<ward>/alive")
@requires(*WATCHERS)
def alive(ward: str) -> Any:
    """A board that is watched keeps its log-in; one whose log-in is over learns it here."""
    require_ward(ward)
    return jsonify(alive=True)


@blueprint.post("/board/<ward>/heard")
@requires(*NURSES)
def heard(ward: str) -> Any:
    """The page has sounded these calls: their first clock."""
    require_ward(ward)
    ids = (request.get_json(silent=True) or {}).get("calls", [])
    if not isinstance(ids, list) or not all(isinstance(each, int) for each in ids):
        abort(400)
    with transaction() as tx:
        for call in ids[:100]:
            if _shown(tx, call, ward):
                calls.heard(tx, call, f"board {current_user.name}")
    return jsonify(heard=len(ids))


def _shown(tx: Tx, call: int, ward: str) -> bool:
    return bool(
        tx.value(
            "SELECT 1 FROM calls c WHERE id = :call AND heard_ms IS NULL AND (ward = :ward OR"
            " EXISTS (SELECT 1 FROM call_targets t WHERE t.call = c.id AND t.ward = :ward))",
            {"call": call, "ward": ward},
        )
    )


@blueprint.post("/board/<ward>/repeat")
@requires(*NURSES)
def repeat(ward: str) -> Any:
    """Hear the last message again."""
    require_ward(ward)
    with transaction() as tx:
        said = service.repeat_last(tx, ward)
        if said:
            audit.append(tx, current_user.name, "board.repeat", f"ward/{ward}")
    words = _("The station says it again.") if said else _("The station has not said anything yet.")
    return jsonify(said=said, words=words)


@blueprint.get("/board/kiosk")
def kiosk() -> Any:
    """A screen with a device token shows its board, or the numbers of an examination room, without
    anybody's log-in."""
    token = request.args.get("token", "")
    with transaction() as tx:
        screen = people.use_token(tx, token) if token else None
    if screen is None:
        page = render_template(
            "console/error.html",
            what=_("This screen's address is wrong or was revoked."),
            remedy=_("An administrator makes a new one under Board screens."),
            error_id="screen-unknown",
            number="",
        )
        return page, 403
    login.begin_screen(screen)
    if screen["room"] is not None:
        return redirect(url_for("exams.screen", room=screen["room"]))
    return redirect(url_for("board.board", ward=screen["ward"]))


def _words() -> dict[str, str]:
    """What the page's script says, in the user's language."""
    return {
        "accept": _("Accept"),
        "handed_over": _("Bed {bed} is shown and announced there, too."),
        "accepted_by": _("accepted by {who}, {time} ago"),
        "on_the_way": _("{who} is on the way"),
        "nobody": _("nobody has accepted"),
        "told": _("told: {who}"),
        "next": _("next in {time}: {who}"),
        "exhausted": _("nobody on the list answered"),
        "pressed_again": _("pressed {n} times"),
        "returned": _("came back: nobody was at the bed"),
        "bed": _("Bed"),
        "no_bed": _("Ward"),
        "high": _("emergency"),
        "medium": _("soon"),
        "low": _("when possible"),
        "calls_waiting": _("{n} waiting"),
        "not_live": _("Not live since {time}. What is shown may be old: go and look."),
        "no_server": _("The console does not answer. The board reconnects by itself."),
        "no_bridge": _("The central bridge is not answering: new calls do not arrive here."),
        "trouble": _("Central can store nothing just now: new calls do not arrive here."),
        "over": _("The log-in of this board is over."),
        "log_in": _("Log in again"),
        "not_done": _("Not done: {why}"),
        "try_again": _("the console did not answer. Try again."),
        "new_call": _("New call: {what}, bed {bed}"),
        "sound_on": _("Sound on"),
        "sound_off": _("No sound yet: click here once"),
    }
