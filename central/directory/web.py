"""The pages of the telephone directory: for each kind a list, a form for one, and its removal."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from central.console.context import _, current_user, read, requires, transaction, ward_name
from central.console.errors import field_words, store_words
from central.console.marks import N_
from central.console.people import TELEPHONE_ADMIN
from central.directory import present
from central.directory.kinds import BY_CODE, KINDS, choices
from central.directory.kinds.kind import LINES, MANY, SECRET, Field, Kind
from central.directory.places import PLACES
from central.directory.present import ChangedMeanwhileError, Values
from central.directory.removing import MENU, PLACE, POLICY, Use
from central.errors import FieldError
from central.store import StoreUnavailableError, Tx

blueprint = Blueprint(
    "directory",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/directory",
)
NAVIGATION = [
    (61, "/directory/extensions", N_("Telephone directory"), (TELEPHONE_ADMIN,), "telephone"),
]
REMOVED_MEANWHILE = N_(
    "Not saved: somebody removed it meanwhile. If it is needed after all, add it again."
)
CHANGED_MEANWHILE = N_(
    "Not saved: somebody else changed it meanwhile. What stands there now is named at each field"
    " that differs; save again to put yours in its place."
)


@blueprint.get("/directory/<kind>")
@requires(TELEPHONE_ADMIN)
def things(kind: str) -> Any:
    """All of a kind."""
    asked = _kind(kind)
    return render_template("directory/list.html", kind=asked, rows=asked.rows(read()), kinds=KINDS)


@blueprint.route("/directory/<kind>/new", methods=["GET", "POST"])
@requires(TELEPHONE_ADMIN)
def new(kind: str) -> Any:
    asked = _kind(kind)
    if request.method == "GET":
        # A list may say for what: /directory/phones/new?number=8003
        given = {each.name: request.args.get(each.name, each.value) for each in asked.fields}
        return _form(asked, None, given | _no_lists(asked), {})
    typed = _typed(asked, request.form, fresh=True)
    try:
        with transaction() as tx:
            ref = asked.add(tx, typed, current_user.name)
    except FieldError as error:
        return _form(asked, None, typed, {error.field: field_words(error)}), 400
    except StoreUnavailableError:
        return _form(asked, None, typed, {"store": store_words()}), 503
    flash(_("It is in the directory now; the exchange has it within seconds."), "success")
    return redirect(url_for("directory.thing", kind=kind, ref=ref))


@blueprint.route("/directory/<kind>/<ref>", methods=["GET", "POST"])
@requires(TELEPHONE_ADMIN)
def thing(kind: str, ref: str) -> Any:
    asked = _kind(kind)
    if request.method == "GET":
        now = asked.present(read(), ref)
        if now is None:
            abort(404)
        return _form(asked, ref, now, {}, now=now)
    typed = _typed(asked, request.form, fresh=False)
    try:
        with transaction() as tx:
            before = present.unchanged(asked.present(tx, ref), request.form.get("seen", ""))
            fixed = {each.name: before[each.name] for each in asked.fields if each.fixed}
            if _is_change(asked, before, typed):
                asked.change(tx, ref, typed | fixed, current_user.name)
    except ChangedMeanwhileError as error:
        if error.now is None:
            return _form(asked, ref, typed, {"store": _(REMOVED_MEANWHILE)}), 409
        trouble = {"store": _(CHANGED_MEANWHILE)} | _what_stands(asked, error.now, typed)
        return _form(asked, ref, error.now | typed, trouble, now=error.now), 409
    except FieldError as error:
        return _refused(asked, ref, typed, {error.field: field_words(error)}), 400
    except StoreUnavailableError:
        return _refused(asked, ref, typed, {"store": store_words()}), 503
    flash(_("Saved; the exchange has it within seconds."), "success")
    return redirect(url_for("directory.thing", kind=kind, ref=ref))


@blueprint.post("/directory/<kind>/<ref>/remove")
@requires(TELEPHONE_ADMIN)
def remove(kind: str, ref: str) -> Any:
    asked = _kind(kind)
    try:
        with transaction() as tx:
            now = present.unchanged(asked.present(tx, ref), request.form.get("seen", ""))
            name = asked.named(now)
            asked.remove(tx, ref, current_user.name)
    except ChangedMeanwhileError as error:
        if error.now is None:
            abort(404)
        flash(_("Not removed: somebody changed it meanwhile. Look at it again."), "error")
    except FieldError as error:
        flash(_("Not removed. %(why)s", why=field_words(error)), "error")
    else:
        words = _("%(name)s is removed; the exchange knows it within seconds.", name=name)
        flash(words, "success")
        return redirect(url_for("directory.things", kind=kind))
    return redirect(url_for("directory.thing", kind=kind, ref=ref))


def _kind(path: str) -> Kind:
    if path not in KINDS:
        abort(404)
    return KINDS[path]


def _typed(kind: Kind, form: "MultiDict[str, str]", *, fresh: bool) -> Values:
    """What was typed, whatever it is, to be shown again and to be read by the rules. What is
    fixed is only taken for a fresh thing."""
    found: Values = {}
    for each in kind.fields:
        if each.fixed and not fresh:
            continue
        text = form.get(each.name, "").strip()
        if each.shape == MANY:
            found[each.name] = sorted(set(form.getlist(each.name)))
        elif each.shape == LINES:
            found[each.name] = [line.strip() for line in text.splitlines() if line.strip()]
        else:
            found[each.name] = text
    return found


def _no_lists(kind: Kind) -> Values:
    return {each.name: [] for each in kind.fields if each.shape in (MANY, LINES)}


def _refused(kind: Kind, ref: str, typed: Values, trouble: dict[str, str]) -> str:
    """The form as typed, with the mark it came with: what others change meanwhile still counts."""
    now = kind.present(read(), ref)
    return _form(kind, ref, (now or {}) | typed, trouble, seen=request.form.get("seen", ""))


def _form(
    kind: Kind,
    ref: str | None,
    given: Values,
    trouble: dict[str, str],
    *,
    now: Values | None = None,
    seen: str | None = None,
) -> str:
    """ref: None for a new thing. now: what stands, whose mark the form carries, or else `seen`."""
    tx = read()
    if seen is None:
        seen = present.mark(now) if now is not None else ""
    there = ref is not None and kind.present(tx, ref) is not None
    return render_template(
        "directory/form.html",
        kind=kind,
        kinds=KINDS,
        ref=ref,
        name=kind.named(given) if there else ref,
        given=given,
        trouble=trouble,
        known={each.name for each in kind.fields},
        seen=seen,
        choices=_choices(tx, kind, given),
        uses=[_used_by(each) for each in (kind.uses(tx, ref) if there and ref else ())],
        lost=kind.lost(tx, ref) if there and ref else "",
        there=there,
    )


def _used_by(use: Use) -> tuple[str, str | None]:
    """What stands on the page for a use: its words, and where it is changed. A policy is not the
    telephone administrator's to change."""
    if use.kind == POLICY:
        return _("Escalation policy of %(ward)s", ward=ward_name(use.ref)), None
    if use.kind == MENU:
        return _("Menu: %(title)s", title=use.name), None
    path = BY_CODE[use.kind]
    if use.kind == PLACE:
        return _(PLACES[use.ref].words), url_for("directory.thing", kind=path, ref=use.ref)
    return f"{_(KINDS[path].one)} {use.name}", url_for("directory.thing", kind=path, ref=use.ref)


def _choices(tx: Tx, kind: Kind, given: Values) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen, by field; of lists what is chosen comes first. What was chosen and is
    gone can still be seen."""
    found: dict[str, list[tuple[str, str]]] = {}
    for each in kind.fields:
        if each.choices is None:
            continue
        offered = each.choices(tx)
        chosen = given.get(each.name)
        wanted = chosen if isinstance(chosen, list) else [str(chosen)] if chosen else []
        known = {key for key, _words in offered}
        offered += [(key, _gone(each, key)) for key in wanted if key not in known]
        if each.shape == MANY:
            offered.sort(key=lambda choice: choice[0] not in wanted)
        found[each.name] = offered
    return found


def _gone(field: Field, key: str) -> str:
    return choices.purpose(key) if field.name == "purpose" else key


def _what_stands(kind: Kind, now: Values, typed: Values) -> dict[str, str]:
    """For each field that was typed otherwise, what stands there now."""
    found = {}
    for each in kind.fields:
        if each.fixed or each.shape == SECRET:
            continue
        there = now.get(each.name)
        if _text(there) != _text(typed[each.name]):
            found[each.name] = _("Now: %(value)s", value=_text(there) or "–")
    return found


def _is_change(kind: Kind, before: Values, typed: Values) -> bool:
    """Whether anything was typed otherwise than it stands; a secret is only typed to be changed."""
    return any(
        _text(typed[each.name]) != ("" if each.shape == SECRET else _text(before.get(each.name)))
        for each in kind.fields
        if not each.fixed
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return "" if value is None else str(value)
