"""The page of live calls, which renews itself; and what it says when there is nothing to see."""

import logging
import time
from typing import Any

from flask import Blueprint, current_app, render_template
from flask.blueprints import BlueprintSetupState

from central.console.context import read, requires
from central.console.marks import N_
from central.console.people import TELEPHONE_ADMIN
from central.live_calls import settings
from central.live_calls.shown import AWAY, FREE, UNKNOWN, House
from central.live_calls.watching import Watch
from gateway.telephone.ari.errors import (
    ExchangeAwayError,
    ExchangeError,
    NoAnswerError,
    WrongPasswordError,
)

log = logging.getLogger("wardline.console")
blueprint = Blueprint(
    "live_calls",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/live_calls",
)
NAVIGATION = [(60, "/telephone", N_("Live calls"), (TELEPHONE_ADMIN,), "telephone-forward")]
EXTENSION = "wardline-exchange"
# What happened, what to do, and where: names of files and settings are no words of a language.
NONE = (
    N_("No exchange is configured for the console."),
    N_("Live calls appear here once the exchange has an account for the console, and the console"
       " has its password:"),
    "central.json: exchange.console_password",
)  # fmt: skip
SILENT = (
    N_("The telephone exchange does not answer, so nobody can be seen here."),
    N_("Calls under way may go on, new ones may not. See that the exchange runs and what its log"
       " says; this page goes on by itself."),
    "",
)  # fmt: skip
WRONG_PASSWORD = (
    N_("The telephone exchange does not know the console."),
    N_("The console and the exchange must have the same password for it. Restart the console after"
       " a change:"),
    "central.json: exchange.console_password, ari.conf: [wardline-console]",
)  # fmt: skip
STRANGE = (
    N_("The telephone exchange answers, but not as one that can be looked at."),
    N_("It must be Asterisk 20.14, 21.9, 22.4 or newer with ARI switched on. What it said is in the"
       " console's log."),
    "",
)  # fmt: skip


@blueprint.record_once
def _open(state: BlueprintSetupState) -> None:
    """A wrong setting is said when the console starts. Raises ConfigError."""
    config = state.app.extensions["wardline"].config
    settings.registrar(config)
    account = settings.account(config)
    state.app.extensions[EXTENSION] = None if account is None else Watch(account)


@blueprint.get("/telephone")
@requires(TELEPHONE_ADMIN)
def index() -> Any:
    house = House.of(read())
    watch: Watch | None = current_app.extensions[EXTENSION]
    talks: list[dict[str, Any]] = []
    phones: list[dict[str, Any]] = []
    trouble = None
    if watch is None:
        trouble = NONE
    else:
        try:
            seen = watch.look()
        except ExchangeError as error:
            trouble = _trouble(error)
        else:
            talks = [house.talk(each, time.time()) for each in seen.talks]
            phones = house.states(seen)
    there = sum(each["state"] not in (AWAY, UNKNOWN) for each in phones)
    return render_template(
        "live_calls/index.html",
        trouble=trouble,
        configured=watch is not None,
        talks=talks,
        phones=phones,
        counts={
            "calls": len(talks),
            "ringing": sum(each["ringing"] for each in talks),
            "there": there,
            "phones": len(phones),
        },
        free=FREE,
        away=(AWAY, UNKNOWN),
        known=len(house.phones),
    )


def _trouble(error: ExchangeError) -> tuple[str, str, str]:
    if isinstance(error, WrongPasswordError):
        return WRONG_PASSWORD
    if isinstance(error, ExchangeAwayError | NoAnswerError):
        return SILENT
    log.warning("the exchange cannot be looked at: %s", error)
    return STRANGE
