"""Pages of the spoken menus: what is live, an editor of each, its versions, a text telephone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)

from central.console.context import (
    _,
    at_date,
    console,
    current_user,
    lang,
    read,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.errors import FieldError
from central.flows import difference, document, editing, model, pages, reading, service, speaking
from central.flows.document import LANGS, DocumentError, Problem
from central.flows.offers import offers
from central.flows.trials import Trials
from central.flows.trying import TextTelephone, Trier
from central.store import Row, Tx

blueprint = Blueprint(
    "flows",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/flows",
)
ADMIN = "admin"
NAVIGATION = [(65, "/flows", N_("Spoken menus"), (ADMIN,), "signpost-split")]
TRIALS = "wardline-trials"


@dataclass(frozen=True)
class Typed:
    """The form of an editor. based_on: the newest version when it was begun."""

    text: str
    based_on: int
    note: str = ""
    at: str = ""


@blueprint.get("/flows")
@requires(ADMIN)
def index() -> Any:
    """Every menu with what is live, planned and being drafted."""
    tx = read()
    live = service.live(tx, tx.now_ms)
    drafts = {row["flow"] for row in model.drafts(tx)}
    names = sorted({*live.documents, *drafts}, key=pages.main_first)
    return render_template(
        "flows/list.html",
        rows=[pages.row(tx, flow, live) for flow in names],
        aside=[(each, pages.told(each.problems)) for each in live.aside],
    )


@blueprint.route("/flows/new", methods=["GET", "POST"])
@requires(ADMIN)
def new() -> Any:
    flow, trouble = request.form.get("flow", "").strip(), ""
    if request.method == "POST":
        try:
            with transaction() as tx:
                editing.create(tx, flow, current_user.name)
        except FieldError as error:
            trouble = field_words(error)
        else:
            return redirect(url_for("flows.edit", flow=flow))
    page = render_template("flows/new.html", flow=flow, trouble=trouble)
    return page, 400 if trouble else 200


@blueprint.get("/flows/schema.json")
def schema() -> Response:
    """Published: editors of YAML check by it."""
    return jsonify(document.schema())


@blueprint.get("/flows/<flow>")
@requires(ADMIN)
def edit(flow: str) -> Any:
    """The newest version, or that of `?version=`, to be changed."""
    tx = read()
    newest = _newest_or_404(tx, flow)
    number = request.args.get("version", newest, type=int)
    try:
        text = editing.text_of(tx, flow, number)
    except editing.UnknownVersionError:
        abort(404)
    return _page(flow, Typed(text, newest), number=number)


@blueprint.post("/flows/<flow>")
@requires(ADMIN)
def save(flow: str) -> Any:
    """`action`: now, plan (`at`) or draft; anything else only checks."""
    typed = Typed(
        request.form.get("text", "").replace("\r\n", "\n"),
        request.form.get("based_on", 0, type=int),
        request.form.get("note", ""),
        request.form.get("at", ""),
    )
    _newest_or_404(read(), flow)
    action = request.form.get("action", "")
    if action not in ("now", "plan", "draft"):
        return _page(flow, typed)
    try:
        if action != "draft":
            _must_be_spoken(flow, typed.text)
        with transaction() as tx:
            live_from_ms = {"now": tx.now_ms, "draft": None}.get(action)
            if action == "plan":
                live_from_ms = _moment(typed.at, tx.now_ms)
            number = editing.save(
                tx, flow, typed.text, current_user.name,
                based_on=typed.based_on, note=typed.note, live_from_ms=live_from_ms,
            )  # fmt: skip
    except DocumentError as error:
        flash(_("Not saved: see the problems below. Callers hear what they heard before."), "error")
        return _page(flow, typed, problems=error.problems), 400
    except FieldError as error:
        flash(_("Not saved: %(why)s", why=field_words(error)), "error")
        return _page(flow, typed), 400
    except editing.FlowChangedError as error:
        flash(_("Not saved: %(who)s saved version %(n)s meanwhile. How yours differs stands below;"
                " save again to put yours in its place.",
                who=error.newest["by"], n=error.newest["number"]), "error")  # fmt: skip
        again = Typed(typed.text, error.newest["number"], typed.note, typed.at)
        return _page(flow, again, theirs=error.newest), 409
    flash(_saved(action, number, live_from_ms), "success")
    return redirect(url_for("flows.edit", flow=flow))


@blueprint.post("/flows/<flow>/check")
@requires(ADMIN)
def check(flow: str) -> Any:
    """What is wrong with a text, its picture: a part of the page, for its script."""
    _newest_or_404(read(), flow)
    return render_template(
        "flows/checked.html", **pages.checked(flow, request.form.get("text", ""))
    )


@blueprint.post("/flows/<flow>/remove")
@requires(ADMIN)
def remove(flow: str) -> Any:
    _newest_or_404(read(), flow)
    try:
        with transaction() as tx:
            editing.remove(tx, flow, current_user.name)
    except FieldError as error:
        flash(_("Not removed: %(why)s", why=field_words(error)), "error")
        return redirect(url_for("flows.edit", flow=flow))
    flash(_("The menu %(flow)s is removed.", flow=flow), "success")
    return redirect(url_for("flows.index"))


@blueprint.post("/flows/<flow>/versions/<int:number>/<deed>")
@requires(ADMIN)
def version(flow: str, number: int, deed: str) -> Any:
    """`deed`: now or plan (of a version that was never live), draft (of one that is planned) or
    back (to one that was live)."""
    _newest_or_404(read(), flow)
    try:
        if deed != "draft":
            _must_be_spoken(flow, editing.text_of(read(), flow, number))
        with transaction() as tx:
            told = _deed(tx, flow, number, deed)
    except editing.UnknownVersionError:
        abort(404)
    except (FieldError, DocumentError) as error:
        why = field_words(error) if isinstance(error, FieldError) else pages.first(error)
        flash(_("Version %(n)s: %(why)s", n=number, why=why), "error")
        return redirect(url_for("flows.edit", flow=flow, version=number))
    flash(told, "success")
    return redirect(url_for("flows.edit", flow=flow))


@blueprint.post("/flows/<flow>/telephone")
@requires(ADMIN)
def telephone(flow: str) -> Any:
    """The text telephone, as JSON. `do`: begin (with `text` and `lang`), key, wait or end."""
    _newest_or_404(read(), flow)
    mine: Trials = current_app.extensions.setdefault(TRIALS, Trials())
    by, name, do = current_user.name, request.form.get("call", ""), request.form.get("do", "")
    if do == "begin":
        mine.remove(by, name)
        made = _begun(flow)
        if isinstance(made, str):
            return jsonify(heard=[{"lang": "", "text": made}], over=True)
        name, heard = mine.add(by, made), made.begin()
    else:
        trial = mine.find(by, name)
        if trial is None or do == "end":
            mine.remove(by, name)
            return jsonify(heard=[{"lang": "", "text": _("The call is over.")}], over=True)
        made = trial.telephone
        with trial.lock:
            heard = made.wait() if do == "wait" else made.press(request.form.get("key", ""))
    menu, step = made.place
    return jsonify(
        call=name,
        heard=[pages.said(each) for each in heard],
        menu=menu,
        step=step,
        here=menu == flow,
        secret=made.secret,
        over=made.is_over,
    )


def _newest_or_404(tx: Tx, flow: str) -> int:
    """The number of what was saved last."""
    row = model.newest(tx, flow)
    if row is None and flow in service.shipped():
        return service.SHIPPED_VERSION
    if row is None or row["text"] == model.GONE:
        abort(404)
    return int(row["number"])


def _page(
    flow: str, typed: Typed, *, number: int | None = None, theirs: Row | None = None,
    problems: Sequence[Problem] = (),
) -> str:  # fmt: skip
    """number: of the version whose text it is. theirs: what somebody else saved meanwhile.
    problems: why the text was refused."""
    tx = read()
    live = service.live(tx, tx.now_ms)
    checked = pages.checked(flow, typed.text, problems)
    heard = live.documents.get(flow) or checked["document"]
    return render_template(
        "flows/editor.html",
        flow=flow,
        typed=typed,
        title="" if heard is None else heard.title[lang()],
        shown=number,
        live=live.numbers.get(flow),
        theirs=theirs,
        differs=difference.between(theirs["text"], typed.text) if theirs else [],
        versions=pages.versions(tx, flow, live),
        is_own=flow not in service.shipped(),
        offers=sorted(offers().values(), key=lambda each: each.name),
        readings=reading.READINGS,
        **checked,
    )


# --- what is done ---


def _must_be_spoken(flow: str, text: str) -> None:
    """Raises DocumentError, unless something else is wrong with the text, which is told then."""
    tx = read()
    try:
        document = service.read_as(flow, text)
    except DocumentError:
        return
    speech = console().config.get("speech") or {}
    unspeakable = speaking.unspeakable(speech, document, service.current(tx, tx.now_ms).get(flow))
    if unspeakable:
        raise DocumentError(unspeakable)


def _moment(at: str, now_ms: int) -> int:
    """Of a field for day and time. Raises FieldError."""
    try:
        moment = datetime.fromisoformat(at).replace(tzinfo=console().timezone)
    except ValueError:
        raise FieldError("at", N_("Say when: give a day and a time.")) from None
    at_ms = int(moment.timestamp() * 1000)
    editing.check_time(at_ms, now_ms)
    return at_ms


def _deed(tx: Tx, flow: str, number: int, deed: str) -> str:
    by = current_user.name
    if deed == "draft":
        editing.take_back(tx, flow, number, by)
        return _("Version %(n)s is a draft again.", n=number)
    if deed == "back":
        made = editing.roll_back(tx, flow, number, by)
        return _("Version %(n)s is live again, as version %(m)s.", n=number, m=made)
    if deed not in ("now", "plan"):
        abort(404)
    at_ms = tx.now_ms if deed == "now" else _moment(request.form.get("at", ""), tx.now_ms)
    editing.go_live(tx, flow, number, by, at_ms)
    return _saved(deed, number, at_ms)


def _saved(action: str, number: int, live_from_ms: int | None) -> str:
    if action == "now":
        return _("Version %(n)s is live: whoever calls from now on hears it.", n=number)
    if action == "plan":
        return _("Version %(n)s goes live at %(at)s.", n=number, at=at_date(live_from_ms))
    return _("Saved as version %(n)s, a draft: callers do not hear it.", n=number)


def _begun(flow: str) -> TextTelephone | str:
    """A call through what is typed, all other menus as they are live; words where it cannot be."""
    tx, text = read(), request.form.get("text", "").replace("\r\n", "\n")
    problems = editing.problems(tx, flow, text, tx.now_ms)
    if problems:
        return _("It cannot be tried yet: %(why)s", why=pages.first(DocumentError(problems)))
    documents = {**service.current(tx, tx.now_ms), flow: service.read_as(flow, text)}
    spoken = request.form.get("lang", "")
    return TextTelephone(
        console().store,
        documents,
        flow,
        Trier(current_user.name, f"address/{request.remote_addr or '?'}"),
        lang=spoken if spoken in LANGS else lang(),
    )
