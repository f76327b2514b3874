"""The nurse-station board: the page, its stream, its screens."""

import json
from collections.abc import Iterator
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    jsonify,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)

from central.audit import model as audit
from central.board import service
from central.calls import service as calls
from central.console import login
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

BEAT_EVERY_S = 2.0
# How often a stream asks whether its user may still watch, in beats.
STILL_EVERY = 5


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
    )


@blueprint.get("/board/stream")
@requires(*WATCHERS)
def stream() -> Any:
    """Server-sent events: the whole board at once and after each change, a beat every 2 s."""
    ward = request.args.get("ward", "")
    require_ward(ward)
    live = console().live
    ticket = login.ticket()
    role, words, timezone = current_user.role, lang(), console().timezone

    def now() -> str:
        return live.board(
            ward,
            (role, words),
            lambda tx: service.board(tx, ward, role, words, timezone),
        )

    def events() -> Iterator[str]:
        seen, sent, beats = live.version(ward), now(), 0
        yield f"retry: 1000\n\nevent: board\ndata: {sent}\n\n"
        next_beat_ms = 0
        while not live.closed:
            steady_ms = console().store.clock.steady_ms()
            if steady_ms >= next_beat_ms:
                next_beat_ms = steady_ms + int(BEAT_EVERY_S * 1000)
                beats += 1
                if beats % STILL_EVERY == 0 and not login.still(ticket):
                    yield "event: over\ndata: {}\n\n"
                    return
                beat = live.beat()
                yield f"event: beat\ndata: {json.dumps(beat)}\n\n"
            seen = live.wait(ward, seen, (next_beat_ms - steady_ms) / 1000)
            fresh = now()
            if fresh != sent:
                sent = fresh
                yield f"event: board\ndata: {sent}\n\n"

    answer = Response(stream_with_context(events()), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    return answer


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
    """A screen with a device token shows its board without anybody's log-in."""
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
