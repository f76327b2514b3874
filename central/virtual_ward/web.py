"""The virtual ward's page and its way through to the panels."""

from typing import Any

from flask import Blueprint, Response, abort, jsonify, redirect, render_template, request, url_for

from central.audit import model as audit
from central.clock import FileClock
from central.console.context import (
    _,
    console,
    current_user,
    read,
    require_ward,
    requires,
    transaction,
    ward_name,
)
from central.console.marks import N_
from central.virtual_ward import panels
from central.wards import model as wards

blueprint = Blueprint(
    "virtual_ward",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/virtual/static",
)
STAFF = ("nurse", "head_nurse", "duty_manager", "engineer")
NAVIGATION = [(80, "/virtual", N_("Virtual ward"), STAFF, "bezier2")]
RATES = (1, 60, 600)


def _panels(ward: str) -> dict[str, Any]:
    """The panels of a ward; 404 outside the demo."""
    known = (console().config.get("virtual") or {}).get(ward)
    if known is None:
        abort(404)
    require_ward(ward)
    return dict(known)


def shown() -> bool:
    """Whether the navigation offers the virtual ward: only in the demo."""
    return bool(console().config.get("virtual"))


@blueprint.get("/virtual")
@requires(*STAFF)
def choose() -> Any:
    known = sorted(console().config.get("virtual") or {})
    mine = [ward for ward in known if current_user.ward in (None, ward)] or known
    if not mine:
        abort(404)
    return redirect(url_for("virtual_ward.page", ward=mine[0]))


@blueprint.get("/virtual/<ward>")
@requires(*STAFF)
def page(ward: str) -> Any:
    _panels(ward)
    return render_template(
        "virtual_ward/ward.html",
        ward=ward,
        name=ward_name(ward),
        wards=sorted(console().config["virtual"]),
        beds=[row["bed"] for row in wards.beds(read(), ward)],
        rates=RATES,
        timezone=console().timezone,
        may_speed=isinstance(console().store.clock, FileClock),
        words=_words(),
    )


@blueprint.get("/virtual/<ward>/state")
@requires(*STAFF)
def state(ward: str) -> Any:
    known = _panels(ward)
    return jsonify(panels.everything(known) | {"now_ms": read().now_ms})


@blueprint.post("/virtual/<ward>/operate")
@requires(*STAFF)
def operate(ward: str) -> Any:
    known = _panels(ward)
    body = request.get_json(silent=True) or {}
    bed, control = body.get("bed"), body.get("control")
    if not isinstance(bed, str) or control not in panels.CONTROLS:
        abort(400)
    asked = {"bed": bed, "control": control}
    return _passed_on(panels.controls(known, bed) + "/operate", asked, known)


@blueprint.post("/virtual/<ward>/bus")
@requires(*STAFF)
def bus(ward: str) -> Any:
    """Noise and drop-outs on the bedside bus, each 0 to 0.9."""
    known = _panels(ward)
    body = request.get_json(silent=True) or {}
    wanted = {key: body.get(key, 0) for key in ("noise", "drop")}
    if not all(isinstance(v, (int, float)) and 0 <= v <= 0.9 for v in wanted.values()):
        abort(400)
    return _passed_on(known["controls"] + "/bus", wanted, known)


@blueprint.post("/virtual/<ward>/box")
@requires(*STAFF)
def box(ward: str) -> Any:
    """Break or mend the loudspeaker of a box ({"node", "speaker"}), or switch what feeds it
    ({"node", "mains"}, {"node", "weak"})."""
    known = _panels(ward)
    body = request.get_json(silent=True) or {}
    urls = {each["node"]: each["url"] for each in known["speech"]}
    url, speaker = urls.get(str(body.get("node"))), body.get("speaker")
    switches = {key: body[key] for key in ("mains", "weak") if type(body.get(key)) is bool}
    if url is None or (speaker not in panels.SPEAKER_STATES and not switches):
        abort(400)
    if switches:
        return _passed_on(url + "/power", switches, known)
    return _passed_on(url + "/speaker", {"state": speaker}, known)


def _passed_on(url: str, body: dict[str, Any], known: dict[str, Any]) -> Any:
    try:
        panels.fetch(url, body)
        return jsonify(panels.state(known))
    except panels.PanelRefusedError as error:
        return jsonify(error_id=error.error_id, error=str(error)), 400
    except panels.PanelUnavailableError as error:
        words = _("The virtual beds do not answer. Is the demo still running?")
        return jsonify(error_id=error.error_id, error=words), 502


@blueprint.get("/virtual/<ward>/spoken/<node>/<int:number>.wav")
@requires(*STAFF)
def sound(ward: str, node: str, number: int) -> Any:
    known = {each["node"]: each["url"] for each in _panels(ward)["speech"]}
    if node not in known:
        abort(404)
    try:
        wav = panels.fetch(f"{known[node]}/spoken/{number}.wav")
    except (panels.PanelUnavailableError, panels.PanelRefusedError):
        abort(404)
    return Response(wav, mimetype="audio/wav")


@blueprint.post("/virtual/clock")
@requires(*STAFF)
def speed() -> Any:
    """How fast hospital time runs: 1, 60 or 600 times. Only the demo's clock can."""
    clock = console().store.clock
    rate = (request.get_json(silent=True) or {}).get("rate")
    if not isinstance(clock, FileClock) or rate not in RATES or not shown():
        abort(400)
    clock.set_rate(float(rate))
    with transaction() as tx:
        audit.append(tx, current_user.name, "demo.clock", detail={"rate": rate})
    return jsonify(rate=rate)


def _words() -> dict[str, str]:
    return {
        "away": _("The virtual beds do not answer. Is the demo still running?"),
        "silent": _("Nothing said yet."),
        "speaker_away": _("The loudspeaker's box does not answer."),
        "box": _("at the box"),
        "beds": _("bed {beds}"),
        "interrupted": _("interrupted"),
        "loudspeaker": _("Loudspeaker"),
        "whole": _("whole"),
        "torn": _("torn cone, faint"),
        "dead_speaker": _("makes no sound"),
        "gone": _("unplugged"),
        "power": _("Power"),
        "mains": _("mains"),
        "battery": _("mains lost, on battery"),
        "weak": _("too little voltage"),
        "speaking": _("speaking now"),
        "off": _("off"),
        "steady": _("steady"),
        "blink": _("blinking"),
        "fast": _("blinking fast"),
        "dead": _("unit without power"),
        "pull": _("Pull the cord"),
        "reset": _("Put the cord back"),
        "come": _("Nurse comes"),
        "go": _("Nurse goes"),
        "unplug": _("Unplug"),
        "plug": _("Plug in"),
        "die": _("Cut its power"),
        "revive": _("Power back"),
        "call": _("call"),
        "emergency": _("emergency"),
        "reminder": _("reminder"),
        "technical": _("equipment"),
        "announcement": _("announcement"),
    }
