"""The page of a menu's words as persons say them: uploaded, heard, confirmed, removed."""

import io
import re
from collections.abc import Callable
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from markupsafe import Markup, escape

from central.console.context import _, current_user, lang, read, requires, transaction
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.flows import service as flows
from central.prompts import model, service
from central.prompts.places import places
from central.prompts.sounds import MOST_MS, prepared
from central.store import Tx

blueprint = Blueprint(
    "prompts", __name__, template_folder="templates", static_folder="static",
    static_url_path="/static/prompts",
)  # fmt: skip
ADMIN = "admin"
STUDIO = "studio"
PARTS = {
    "": "",
    "other": N_("for who speaks the other language"),
    "waiting": N_("again and again while waiting"),
}


@blueprint.get("/flows/<flow>/prompts")
@requires(ADMIN)
def page(flow: str) -> Any:
    return _page(flow)


def _page(flow: str, trouble: dict[tuple[str, str], str] | None = None, code: str = "") -> Any:
    tx = read()
    document = flows.current(tx, tx.now_ms).get(flow)
    if document is None:
        abort(404)
    recorded = {(row["slot"], row["lang"]): row for row in model.of_flow(tx, flow)}
    rows = [(each, recorded.pop((each.slot, each.lang), None)) for each in places(document)]
    made = render_template(
        "prompts/page.html",
        flow=flow,
        title=document.title[lang()],
        rows=rows,
        left=recorded.values(),
        parts=PARTS,
        marked=_marked,
        trouble=trouble or {},
        code=code,
        asked=(request.form.get("slot"), request.form.get("lang")),
        studio=_studio(tx),
        most_s=MOST_MS // 1000,
    )
    return made, 400 if trouble else 200


def _marked(words: str) -> Markup:
    """Values stand out from the words: {fee.total:money}."""
    return Markup(re.sub(r"\{[^{}]+\}", r"<code>\g<0></code>", str(escape(words))))


def _studio(tx: Tx) -> str:
    """The number by which words are said, "" for none."""
    purpose = f"{flows.PURPOSE}{STUDIO}"
    found = tx.value("SELECT number FROM services WHERE purpose = ?", (purpose,))
    return str(found or "")


@blueprint.get("/flows/<flow>/prompts/sound.wav")
@requires(ADMIN)
def sound(flow: str) -> Any:
    row = model.one(read(), *_asked(flow, request.args.get("slot"), request.args.get("lang")))
    if row is None:
        abort(404)
    return send_file(io.BytesIO(row["sound"]), mimetype="audio/wav", etag=False, max_age=0)


def _asked(flow: str, slot: str | None, of: str | None) -> tuple[str, str]:
    if not slot or not of or slot.partition("/")[0] != flow:
        abort(404)
    return slot, of


@blueprint.post("/flows/<flow>/prompts/upload")
@requires(ADMIN)
def upload(flow: str) -> Any:
    def do(tx: Tx, slot: str, of: str) -> None:
        service.put(tx, slot, of, made, name, by=current_user.name)

    file = request.files.get("file")
    given = b"" if file is None else file.read()
    name = (file.filename if file is not None else None) or ""
    slot, of = _asked(flow, request.form.get("slot"), request.form.get("lang"))
    try:
        if not given:
            raise FieldError("file", N_("Choose a sound file."))
        made = prepared(given)
    except FieldError as error:
        return _page(flow, {(slot, of): field_words(error)})
    return _change(flow, do, N_("Callers hear this sound from now on."))


@blueprint.post("/flows/<flow>/prompts/confirm")
@requires(ADMIN)
def confirm(flow: str) -> Any:
    words = request.form.get("words", "").replace("\r\n", "\n")
    return _change(
        flow,
        lambda tx, slot, of: service.confirm(tx, slot, of, words, by=current_user.name),
        N_("The sound is played for the words of now."),
    )


@blueprint.post("/flows/<flow>/prompts/remove")
@requires(ADMIN)
def remove(flow: str) -> Any:
    return _change(
        flow,
        lambda tx, slot, of: service.remove(tx, slot, of, by=current_user.name),
        N_("The sound is removed; speech says the words."),
    )


@blueprint.post("/flows/<flow>/prompts/code")
@requires(ADMIN)
def code(flow: str) -> Any:
    """A code for saying the words by telephone, shown at their place."""
    slot, of = _asked(flow, request.form.get("slot"), request.form.get("lang"))
    try:
        with transaction() as tx:
            given = service.give_code(tx, slot, of, by=current_user.name)
    except FieldError as error:
        return _page(flow, {(slot, of): field_words(error)})
    return _page(flow, code=given)


def _change(flow: str, do: Callable[[Tx, str, str], None], done: str) -> Any:
    slot, of = _asked(flow, request.form.get("slot"), request.form.get("lang"))
    try:
        with transaction() as tx:
            do(tx, slot, of)
    except FieldError as error:
        return _page(flow, {(slot, of): field_words(error)})
    flash(_(done), "success")
    return redirect(url_for("prompts.page", flow=flow))
