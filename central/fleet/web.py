"""The page of the fleet: a line for each box, those that deserve a look first. And the figures
for scrapers, which a key of theirs opens and no session."""

import logging
from typing import Any

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for

from central.console.context import (
    _,
    current_user,
    lasted,
    read,
    require_ward,
    requires,
    transaction,
    ward_name,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.faults.shown import ROLES, STATES
from central.fleet import metrics, model, scraping, service
from central.fleet.service import Box
from central.store import StoreUnavailableError
from central.wards import model as wards

log = logging.getLogger("wardline.console")

blueprint = Blueprint(
    "fleet",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/fleet",
)
WATCHERS = ("engineer", "head_nurse", "duty_manager")
NAVIGATION = [(57, "/fleet", N_("Fleet"), WATCHERS, "hdd-network")]
# By mark: how many boxes, in words.
TOTALS = {
    service.AWAY: N_("out of contact: %(n)s"),
    service.FAULTY: N_("with faults: %(n)s"),
    service.UNPROVEN: N_("with beds not proven: %(n)s"),
    service.WARM: N_("too warm: %(n)s"),
    service.FULL: N_("disk nearly full: %(n)s"),
    service.CLOCK: N_("clock off: %(n)s"),
    service.CERTIFICATE: N_("certificate ends: %(n)s"),
}


@blueprint.get("/fleet")
@requires(*WATCHERS)
def index() -> Any:
    """All boxes that the user may see. `?ward=` shows those of one."""
    tx = read()
    ward = request.args.get("ward") or current_user.ward
    if ward is not None:
        require_ward(ward)
    found = service.boxes(tx, ward)
    counts = service.totals(found)
    return render_template(
        "fleet/index.html",
        boxes=[_line(box, tx.now_ms) for box in found],
        ward=ward,
        names={each: ward_name(each) for each in {box.row["ward"] for box in found}},
        wards=[] if current_user.ward else [row["id"] for row in wards.wards(tx)],
        totals=[(mark, _(words, n=counts[mark])) for mark, words in TOTALS.items() if counts[mark]],
        versions=service.versions(found),
    )


@blueprint.get("/metrics")
def figures() -> Any:
    """For Prometheus and what reads its format; with `Authorization: Bearer` and a key."""
    scheme, _blank, key = request.headers.get("Authorization", "").partition(" ")
    tx = read()
    row = scraping.holder(tx, key.strip()) if scheme.lower() == "bearer" else None
    if row is None:
        log.warning("/metrics from %s: no valid key", request.remote_addr)
        answer = Response("no valid key\n", 401, content_type="text/plain; charset=utf-8")
        answer.headers["WWW-Authenticate"] = "Bearer"
        return answer
    if scraping.is_use_news(row, tx.clock.real_ms()):
        try:
            with transaction() as writing:
                scraping.note_use(writing, row)
        except StoreUnavailableError as error:
            log.warning("the use of a scraper's key is not noted: %s", error)
    body, content_type = metrics.told(tx, request.headers.get("Accept", ""))
    return Response(body, content_type=content_type)


@blueprint.get("/fleet/scrapers")
@requires("engineer")
def scrapers() -> Any:
    return _scrapers()


def _scrapers(made: str | None = None, trouble: FieldError | None = None) -> Any:
    page = render_template(
        "fleet/scrapers.html",
        keys=model.keys(read()),
        made=made,
        address=url_for("fleet.figures", _external=True),
        typed=request.form if trouble else {},
        trouble={trouble.field: field_words(trouble)} if trouble else {},
    )
    return page, 400 if trouble else 200


@blueprint.post("/fleet/scrapers")
@requires("engineer")
def make_key() -> Any:
    """A key, shown once: in this answer."""
    try:
        with transaction() as tx:
            made = scraping.make_key(tx, request.form.get("label", ""), current_user.name)
    except FieldError as error:
        return _scrapers(trouble=error)
    return _scrapers(made)


@blueprint.post("/fleet/scrapers/<int:key>/revoke")
@requires("engineer")
def revoke_key(key: int) -> Any:
    try:
        with transaction() as tx:
            scraping.revoke_key(tx, key, current_user.name)
    except scraping.UnknownKeyError:
        abort(404)
    flash(_("The key is revoked and opens nothing any more."), "success")
    return redirect(url_for("fleet.scrapers"))


def _line(box: Box, now_ms: int) -> dict[str, Any]:
    """A box in the user's words."""
    row, health = box.row, box.health
    return {
        "id": row["id"],
        "ward": row["ward"],
        "role": _(ROLES[row["role"]]),
        "state": row["state"],
        "words": _(STATES.get(row["state"], row["state"])),
        "seen_ago_ms": None if row["seen_ms"] is None else now_ms - row["seen_ms"],
        "firmware": row["firmware"],
        "hardware": row["hardware"],
        "oldest": box.oldest,
        "overdue": box.overdue,
        "temperature_c": health.get("temperature_c"),
        "disk_free_pct": health.get("disk_free_pct"),
        "disk_free_mb": health.get("disk_free_mb"),
        "clock": _clock(health.get("clock_behind_ms"), health.get("has_clock")),
        "clock_off_ms": abs(health.get("clock_behind_ms") or 0),
        "certificate_ends_ms": box.certificate_ends_ms,
        "revoked": box.revoked,
        "faults": box.faults,
        "marks": box.marks,
    }


def _clock(behind_ms: int | None, has_clock: bool | None) -> str:
    if behind_ms is None:
        return _("none") if has_clock is False else "–"
    if abs(behind_ms) < 1_000:
        return _("right")
    words = _("%(time)s slow") if behind_ms > 0 else _("%(time)s fast")
    return words % {"time": lasted(abs(behind_ms))}
