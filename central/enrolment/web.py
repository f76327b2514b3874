"""The engineer's page of enrolment: make a claim, see who has a certificate, put somebody out."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.config import ConfigError
from central.console.context import _, console, current_user, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.enrolment import brokers, claims, model, service
from central.enrolment.settings import Settings, from_config
from central.errors import FieldError
from central.softphones.setup import picture
from central.wards import model as wards
from gateway.mqtt import claim as writing

blueprint = Blueprint("enrolment", __name__, template_folder="templates")
NAVIGATION = [(58, "/enrolment", N_("Enrolment"), ("engineer",), "person-badge")]

STATES = {
    claims.OPEN: N_("waits for its box"),
    claims.USED: N_("used"),
    claims.EXPIRED: N_("expired"),
    claims.REVOKED: N_("taken back"),
}
ROLES = [
    ("bedside", N_("Box at beds")),
    ("station", N_("Nurse station")),
    (claims.BROKER, N_("The ward's broker")),
]
HOURS = (1, 24, 72, 168)
CLAIMS_SHOWN = 50


@blueprint.app_context_processor
def _for_other_pages() -> dict[str, Any]:
    """`may_replace()`: whether the user can make a claim for the place of a box. `certificate_of`:
    the row of the one it was given last, None where it has none."""

    def may_replace() -> bool:
        role = current_user.role if current_user.is_authenticated else ""
        return role in ("engineer", "admin") and _is_ready(_settings())

    return {
        "may_replace": may_replace,
        "certificate_of": lambda node: model.newest(read()).get(node),
    }


def _is_ready(settings: Settings | None) -> bool:
    return settings is not None and settings.root.exists()


@blueprint.get("/enrolment")
@requires("engineer")
def index() -> Any:
    return _page()


def _settings() -> Settings | None:
    try:
        return from_config(console().config)
    except ConfigError:
        return None


def _page(made: service.Made | None = None, trouble: FieldError | None = None) -> Any:
    tx = read()
    settings = _settings()
    rows = [
        dict(row) | {"state": claims.state(row, tx.clock.real_ms())}
        for row in model.claims(tx, CLAIMS_SHOWN)
    ]
    page = render_template(
        "enrolment/index.html",
        ready=_is_ready(settings),
        made=_shown(settings, made) if settings and made else None,
        wards=[(row["id"], row["id"]) for row in wards.wards(tx)],
        roles=[(role, _(words)) for role, words in ROLES],
        hours=[(str(each), _("%(n)s hours", n=each)) for each in HOURS],
        boxes=[row for row in model.certificates(tx) if not row["name"].endswith(brokers.SUFFIXES)],
        claims=rows,
        states=STATES,
        refusals=[
            dict(row) | {"words": service.WHY.get(row["reason"], row["reason"])}
            for row in model.refusals(tx)
        ],
        typed=request.form if trouble else {},
        trouble={trouble.field: field_words(trouble)} if trouble else {},
    )
    return page, 400 if trouble else 200


def _shown(settings: Settings, made: service.Made) -> dict[str, Any]:
    text = writing.write(made.secret, settings.fingerprint())
    whole = f"{settings.address}#{text}"
    return {
        "node": made.node,
        "broker": made.is_broker,
        "claim": text,
        "address": settings.address,
        "whole": whole,
        "picture": picture(whole),
    }


def _make(do: Callable[..., service.Made], **given: Any) -> Any:
    """A claim, shown once: in this answer."""
    settings = _settings()
    if settings is None or not settings.root.exists():
        abort(409)
    key = settings.digest_key()
    try:
        with transaction() as tx:
            if do is not service.make:
                brokers.ensure_possible(settings)
            made = do(tx, key, by=current_user.name, **given)
    except FieldError as error:
        return _page(trouble=error)
    return _page(made)


@blueprint.post("/enrolment/claims")
@requires("engineer")
def make() -> Any:
    form = request.form
    hours = form.get("lasts", "24")
    lasts_ms = int(hours) * claims.HOUR_MS if hours.isdecimal() and len(hours) < 4 else 0
    if form.get("role") == claims.BROKER:
        return _make(
            brokers.make,
            ward=form.get("ward", ""),
            host=form.get("host", ""),
            lasts_ms=lasts_ms,
        )
    return _make(
        service.make,
        ward=form.get("ward", ""),
        role=form.get("role", ""),
        node=form.get("node", ""),
        beds=tuple(form.get("beds", "").replace(",", " ").split()),
        lasts_ms=lasts_ms,
    )


@blueprint.post("/enrolment/boxes/<node>/replace")
@requires("engineer")
def replace(node: str) -> Any:
    """A claim for the place of a box that is there: the new one takes it over."""
    broker = model.ward_broker_called(read(), node)
    if broker is not None:
        place = {name: broker[name] for name in ("ward", "host", "port")}
        return _make(brokers.make, **place)
    row = wards.node(read(), node)
    if row is None:
        abort(404)
    return _make(service.make, ward=row["ward"], role=row["role"], node=node)


@blueprint.post("/enrolment/boxes/<node>/revoke")
@requires("engineer")
def revoke(node: str) -> Any:
    with transaction() as tx:
        count = service.revoke(tx, node, current_user.name, request.form.get("why", "")[:200])
    if not count:
        abort(404)
    flash(_("Revoked. The brokers put it out within seconds; a claim can give its place away."),
          "success")  # fmt: skip
    return redirect(url_for("enrolment.index"))


@blueprint.post("/enrolment/claims/<int:claim>/revoke")
@requires("engineer")
def revoke_claim(claim: int) -> Any:
    try:
        with transaction() as tx:
            service.revoke_claim(tx, claim, current_user.name)
    except service.UnknownClaimError:
        abort(404)
    flash(_("The claim is taken back and gives nothing any more."), "success")
    return redirect(url_for("enrolment.index"))
