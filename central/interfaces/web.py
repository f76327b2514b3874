"""The page of interfaces: what stands where, who may send, what is read, and what goes out."""

import json
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.alarms import model as alarms
from central.alarms import service as alarming
from central.alarms import settings as alarm_managers
from central.config import ConfigError
from central.console.context import _, console, current_user, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.his_api import model as keys
from central.his_api import service as api
from central.hospital.web import readable
from central.polling import model as polls
from central.polling import service as polling
from gateway.his import examples
from gateway.his.http import document
from gateway.his.http.reading import MAX_BODY_BYTES
from gateway.his.http.schemas import EXAMPLES
from gateway.his.poller.rows import PollError
from gateway.his.poller.settings import PollConfigError, from_config

blueprint = Blueprint(
    "interfaces", __name__, template_folder="templates", static_folder="static",
    static_url_path="/his/interfaces/static",
)  # fmt: skip
NAVIGATION = [(67, "/his/interfaces", N_("Interfaces"), ("engineer",), "plug")]

ABOUT = {
    "stays": N_("Admission, transfer, discharge, change"),
    "charges": N_("Charges"),
    "accounts": N_("Account and deposit"),
    "settlements": N_("Settlement"),
    "infusion-orders": N_("Infusion orders"),
    "examinations": N_("Examinations"),
}
STATES = {
    alarms.WAITING: N_("waits"),
    alarms.SENT: N_("taken"),
    alarms.REFUSED: N_("refused"),
    alarms.LAPSED: N_("over before it was sent"),
}
SENT_SHOWN = 20
# What an example of the page is sent with.
_CURL = """curl {base}{path} \\
  -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -H 'Idempotency-Key: {number}' \\
  -d '{body}'"""


@blueprint.get("/his/interfaces")
@requires("engineer")
def index() -> Any:
    """Everything an integrator needs."""
    return _page()


def _page(made: str = "", trouble: FieldError | None = None) -> Any:
    tx = read()
    page = render_template(
        "interfaces/index.html",
        mllp=_mllp(),
        base=_base(),
        kinds=[(kind, words, _examples(kind, made)) for kind, words in ABOUT.items()],
        keys=keys.keys(tx),
        made=made,
        most_bytes=MAX_BODY_BYTES,
        sources=_sources(),
        managers=_managers(),
        sent=alarms.latest(tx, SENT_SHOWN),
        states=STATES,
        readable=readable,
        typed=request.form,
        trouble={trouble.field: field_words(trouble)} if trouble else {},
    )
    return page, 400 if trouble else 200


@blueprint.post("/his/interfaces/keys")
@requires("engineer")
def make_key() -> Any:
    """A new key; it is in this answer and nowhere else."""
    try:
        with transaction() as tx:
            made = api.make_key(tx, request.form.get("system", ""), current_user.name)
    except FieldError as error:
        return _page(trouble=error)
    return _page(made)


@blueprint.post("/his/interfaces/keys/<int:key>/revoke")
@requires("engineer")
def revoke_key(key: int) -> Any:
    try:
        with transaction() as tx:
            api.revoke_key(tx, key, current_user.name)
    except api.UnknownKeyError:
        abort(404)
    flash(_("The key is revoked and opens nothing any more."), "success")
    return redirect(url_for("interfaces.index", _anchor="keys"))


@blueprint.post("/his/interfaces/believe")
@requires("engineer")
def believe() -> Any:
    """What a database shows is true, though most of its patients are gone."""
    try:
        with transaction() as tx:
            polling.believe(
                tx, request.form.get("source", ""), request.form.get("feed", ""), current_user.name
            )
    except polling.UnknownFeedError:
        abort(404)
    flash(_("Noted. The next reading is taken as it is."), "success")
    return redirect(url_for("interfaces.index", _anchor="databases"))


@blueprint.post("/his/interfaces/alarms/<int:message>/resend")
@requires("engineer")
def resend(message: int) -> Any:
    """Send once more what an alarm manager refused."""
    try:
        with transaction() as tx:
            alarming.resend(tx, message, current_user.name)
    except alarming.UnknownMessageError:
        abort(404)
    flash(_("It is sent again."), "success")
    return redirect(url_for("interfaces.index", _anchor="alarms"))


def _managers() -> list[dict[str, Any]]:
    """Every alarm manager of central.json with what it is owed."""
    try:
        configured = alarm_managers.from_config(console().config)
    except ConfigError as error:
        return [{"name": "central.json", "trouble": str(error)}]
    counts = alarms.counts(read())
    return [
        {"name": each.name, "address": f"{each.host}:{each.port}",
         "counts": {state: counts.get((each.name, state), 0) for state in STATES}}
        for each in configured
    ]  # fmt: skip


def _mllp() -> dict[str, Any]:
    given = console().config.get("mllp", {})
    host = given.get("host", "")
    only_here = host in ("127.0.0.1", "::1", "localhost")
    shown = request.host.rsplit(":", 1)[0] if host in ("0.0.0.0", "::", "") else host
    return {
        "host": shown,
        "port": given.get("port"),
        "peers": given.get("peers", []),
        "only_here": only_here,
    }


def _base() -> str:
    return request.host_url.rstrip("/") + document.BASE


def _examples(kind: str, key: str) -> list[tuple[str, str]]:
    """(name, text) of one message each."""
    body = json.dumps(EXAMPLES[kind], ensure_ascii=False, indent=2)
    curl = _CURL.format(
        base=_base(), path=f"/{kind}", key=key or "KEY", number=f"{kind}-1", body=body
    )
    return [("JSON", body), ("curl", curl), *examples.EXAMPLES[kind].items()]


def _sources() -> list[dict[str, Any]]:
    """Every database of central.json with the state of its feeds."""
    try:
        configured = from_config(console().config)
    except PollConfigError as error:
        return [{"name": "central.json", "shown": "", "trouble": str(error), "feeds": []}]
    if not configured:
        return []
    from gateway.his.poller.database import Database  # see there

    states = {(row["source"], row["feed"]): row for row in polls.feeds(read())}
    found = []
    for source in configured:
        trouble, shown = "", ""
        try:
            shown = Database(source).shown
        except PollError as error:
            trouble = str(error)
        feeds = [
            {"name": f.name, "table": f.table, "kind": ABOUT[f.kind], "picture": f.is_picture,
             "state": states.get((source.name, f.name))}
            for f in source.feeds
        ]  # fmt: skip
        found.append(
            {"name": source.name, "shown": shown, "trouble": trouble, "feeds": feeds,
             "every_s": int(source.every_s)}
        )  # fmt: skip
    return found
