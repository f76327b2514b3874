"""The pages of fees: what the patients of a ward owe, one patient's bill, the catalogue of what may
be charged, and the insurance rules."""

import logging
from datetime import date
from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.audit import model as audit
from central.call_records import chart
from central.console.context import (
    _,
    console,
    current_user,
    read,
    require_ward,
    requires,
    transaction,
)
from central.console.errors import field_words
from central.console.marks import N_
from central.console.people import ADMIN, DUTY_MANAGER, HEAD_NURSE, REGISTRY
from central.console.sheet import decoded, download
from central.directory.present import ChangedMeanwhileError, mark
from central.errors import FieldError
from central.fees import editing, example, importing, model, service
from central.fees.cover import INPATIENT, OUTPATIENT, VISIT, YEAR, RuleSet
from central.fees.scope import A, B, C, Item
from central.store import StoreUnavailableError, Tx
from central.wards import model as wards

log = logging.getLogger("wardline.fees")

blueprint = Blueprint("fees", __name__, template_folder="templates")
READERS = (HEAD_NURSE, DUTY_MANAGER, REGISTRY)
CLERKS = (REGISTRY,)
NAVIGATION = [(35, "/fees", N_("Fees"), READERS, "cash-coin")]
KINDS = {A: N_("Class A"), B: N_("Class B"), C: N_("Class C")}
CARES = {INPATIENT: N_("inpatients"), OUTPATIENT: N_("outpatients")}
PERS = {YEAR: N_("once a year"), VISIT: N_("with each visit")}
PAGE = 100
UNLISTED = 20
# So many rows of an import are shown; the numbers above are of all.
SHOWN = 200
CHANGED_MEANWHILE = N_(
    "Not saved: somebody else changed it meanwhile. Look at what stands there now, and save again"
    " to put yours in its place."
)


def _today() -> date:
    return service.today(read().now_ms, console().timezone)


@blueprint.app_template_filter("percent")
def percent(share_bp: int) -> str:
    """A share in basis points as 12.5 %."""
    return f"{editing.as_percent(share_bp)} %"


@blueprint.app_template_filter("quantity")
def quantity(milli: int) -> str:
    """Thousandths as 0.5."""
    return f"{milli / 1000:.3f}".rstrip("0").rstrip(".")


def note(what: str, ref: str = "", detail: dict[str, object] | None = None) -> None:
    """Write into the audit that the user looked. A full disk keeps nobody from the page."""
    try:
        with transaction() as tx:
            audit.append(tx, current_user.name, what, ref, detail=detail)
    except StoreUnavailableError as error:
        log.error("%s: %s %s, not in the audit: %s", current_user.name, what, ref, error)


# --- patients ---


@blueprint.get("/fees")
@requires(*READERS)
def index() -> Any:
    """What the patients of a ward owe, and a way to any patient's bill by number."""
    patient = request.args.get("patient", "").strip()
    if patient:
        return redirect(url_for("fees.patient", patient=patient))
    tx = read()
    mine = [
        row for row in wards.wards(tx) if current_user.ward in (None, row["id"], row["neighbour"])
    ]
    asked = request.args.get("ward") or current_user.ward or (mine[0]["id"] if mine else "")
    rows = []
    if asked:
        require_ward(asked)
        day = _today()
        for row in model.in_ward(tx, asked):
            found = service.summary(tx, row["patient"], row["visit"], day)
            rows.append({**dict(row), "fees": found})
        note("fees.ward", f"ward/{asked}")
    return render_template("fees/index.html", rows=rows, wards=mine, ward=asked)


def _may_see(tx: Tx, patient: str) -> None:
    """One bound to a ward sees the patients of it and of wards that hand over to it; 403 for any
    other."""
    if current_user.ward is None:
        return
    ward = model.ward_of(tx, patient)
    if ward is None:
        abort(403)
    require_ward(ward)


@blueprint.get("/fees/patients/<path:patient>")
@requires(*READERS)
def patient(patient: str) -> Any:
    """A patient's bill, of the newest visit unless another is asked for."""
    return _patient_page(patient)


def _patient_page(patient: str, trouble: dict[str, str] | None = None) -> Any:
    tx = read()
    _may_see(tx, patient)
    visits = model.visits(tx, patient)
    visit = request.args.get("visit", visits[0]["visit"] if visits else "")
    found = service.summary(tx, patient, visit, _today())
    note("fees.read", f"fees/{patient}")
    days = [each for each in found.by_day if not each.is_settlement]
    picture = chart.bars(
        [(f"{each.day:%m-%d}", max(0, each.shares.medfee_sumamt // 100)) for each in days]
    )
    page = render_template(
        "fees/patient.html",
        patient=patient,
        name=model.name_of(tx, patient),
        visit=visit,
        visits=visits,
        fees=found,
        picture=picture,
        size=chart,
        kinds=KINDS,
        cares=CARES,
        elsewhere=model.elsewhere(tx, patient),
        rules=_sets(tx),
        rule_names=dict(_sets(tx)),
        year=_today().year,
        may_change=current_user.role in (*CLERKS, ADMIN),
        trouble=trouble or {},
        typed=request.form,
    )
    is_known = visits or model.is_known(tx, patient)
    return page, 400 if trouble else 200 if is_known else 404


def _sets(tx: Tx) -> list[tuple[str, str]]:
    """The kinds of rules, to choose from: what it is called now, by plan and care."""
    found = {}
    for each in reversed(model.rule_sets(tx)):
        found[f"{each.plan}|{each.care}"] = f"{each.name} · {_(CARES[each.care])}"
    return sorted(found.items())


@blueprint.get("/fees/patients/<path:patient>/lines.csv")
@requires(*READERS)
def lines(patient: str) -> Any:
    """Every line of a bill as a table for other programs."""
    tx = read()
    _may_see(tx, patient)
    found = service.summary(tx, patient, request.args.get("visit", ""), _today())
    note("fees.export", f"fees/{patient}")
    heading = (
        N_("Day"), N_("Code"), N_("Item name"), N_("Catalogue class"), N_("Quantity"),
        N_("Total in fen"),
        N_("Own expense in fen"), N_("Over the limit in fen"), N_("First self-pay in fen"),
        N_("In scope in fen"),
    )  # fmt: skip
    rows = [
        [
            str(each.known), each.charge.code,
            each.item.name if each.item else each.charge.text,
            _(KINDS[each.item.kind]) if each.item else "", quantity(each.line.quantity_milli),
            each.parts.medfee_sumamt, each.parts.fulamt_ownpay_amt, each.parts.overlmt_selfpay,
            each.parts.preselfpay_amt, each.parts.inscp_scp_amt,
        ]
        for day in found.by_day
        for each in day.lines
    ]  # fmt: skip
    return download("fees.csv", [_(each) for each in heading], rows)


@blueprint.post("/fees/patients/<path:patient>/alone")
@requires(*CLERKS)
def alone(patient: str) -> Any:
    """Let a credit count that waits for its charge."""
    with transaction() as tx:
        done = editing.count_alone(
            tx, patient, request.form.get("sender", ""), request.form.get("id", ""),
            current_user.name,
        )  # fmt: skip
    if not done:
        abort(404)
    flash(_("The credit counts now."), "success")
    return redirect(url_for("fees.patient", patient=patient, visit=request.form.get("visit")))


@blueprint.post("/fees/patients/<path:patient>/elsewhere")
@requires(*CLERKS)
def elsewhere(patient: str) -> Any:
    """What was used up elsewhere in a year."""
    try:
        with transaction() as tx:
            editing.set_elsewhere(tx, patient, request.form, current_user.name)
    except FieldError as error:
        return _patient_page(patient, {error.field: field_words(error)})
    flash(_("It counts from now on."), "success")
    return redirect(url_for("fees.patient", patient=patient, visit=request.args.get("visit")))


# --- the catalogue ---


@blueprint.get("/fees/items")
@requires(*READERS)
def items() -> Any:
    """What the catalogue says today, and what is charged without being in it."""
    tx = read()
    text = request.args.get("find", "").strip()[:64]
    page = max(0, request.args.get("page", 0, type=int))
    rows = model.items(tx, str(_today()), text, PAGE + 1, page * PAGE)
    return render_template(
        "fees/items.html",
        rows=rows[:PAGE],
        more=len(rows) > PAGE,
        page=page,
        text=text,
        today=str(_today()),
        unlisted=model.unlisted(tx, UNLISTED),
        kinds=KINDS,
    )


@blueprint.get("/fees/items.csv")
@requires(*READERS)
def items_table() -> Any:
    """The whole catalogue, as the import takes it."""
    heading = [_(each) for each in importing.HEADING]
    return download("catalogue.csv", heading, importing.as_rows(read()))


@blueprint.route("/fees/items/new", methods=["GET", "POST"])
@requires(ADMIN)
def new_item() -> Any:
    """A code, or a version of one from another day on: ?code= begins with what holds today."""
    if request.method == "POST":
        return _take_item(None)
    code = request.args.get("code", "").strip()
    typed = {"code": code, "from_day": str(_today()), "name": request.args.get("name", "")}
    known = model.versions(read(), code) if code else []
    if known:
        typed = {**editing.item_typed(known[0]), "from_day": str(_today())}
    return _item_form(None, typed, editing.NOTHING)


@blueprint.route("/fees/items/<from_day>/<path:code>", methods=["GET", "POST"])
@requires(ADMIN)
def item(from_day: str, code: str) -> Any:
    """One version of an item."""
    row = model.item(read(), code, from_day)
    if row is None and request.method == "GET":
        abort(404)
    if request.method == "POST":
        return _take_item((code, from_day))
    assert row is not None
    return _item_form((code, from_day), editing.item_typed(row), editing.item_values(row))


def _take_item(of: tuple[str, str] | None) -> Any:
    typed = {key: value for key, value in request.form.items() if key != "csrf_token"}
    if of is not None:
        typed |= {"code": of[0], "from_day": of[1]}
    seen = request.form.get("seen", "")
    try:
        wanted, from_day = editing.checked_item(typed)
        if request.form.get("do") == "show":
            return _item_form(of, typed, None, wanted=(wanted, from_day))
        with transaction() as tx:
            if of is None and model.item(tx, wanted.code, from_day) is not None:
                raise FieldError(
                    "from_day",
                    N_("This code has a version from this very day on. Change that one."),
                )
            editing.save_item(tx, wanted, from_day, seen, current_user.name)
    except FieldError as error:
        return _item_form(of, typed, None, {error.field: field_words(error)}), 400
    except ChangedMeanwhileError as error:
        return _item_form(of, typed, error.now or {}, {"store": _(CHANGED_MEANWHILE)}), 409
    flash(_("It holds from %(day)s on.", day=from_day), "success")
    return redirect(url_for("fees.items", find=wanted.code))


def _item_form(
    of: tuple[str, str] | None,
    typed: dict[str, str],
    stands: editing.Values | None,
    trouble: dict[str, str] | None = None,
    *,
    wanted: tuple[Item, str] | None = None,
) -> str:
    """`stands`: what stands there now; None: what did when the form was opened."""
    tx = read()
    effect, counted = None, 0
    if wanted is not None:
        effect, counted, more = _item_effect(tx, typed, *wanted)
        trouble = {**(trouble or {}), **more}
    return render_template(
        "fees/item.html",
        of=of,
        typed=typed,
        seen=request.form.get("seen", "") if stands is None else mark(stands),
        now=stands if trouble and stands else None,
        trouble=trouble or {},
        effect=effect,
        counted=counted,
        versions=model.versions(tx, typed.get("code", "").strip()),
        kinds=KINDS,
        unit_price=typed.get("example_price") or "100",
        units=typed.get("example_units") or "1",
    )


def _item_effect(
    tx: Tx, typed: dict[str, str], wanted: Item, from_day: str
) -> tuple[example.Effect | None, int, dict[str, str]]:
    """The example by now and by then, how many lines it rules, and what is wrong with it."""
    try:
        price = editing.fen(typed.get("example_price") or "100", "example_price") or 0
        units = (editing.fen(typed.get("example_units") or "1", "example_units") or 0) * 10
    except FieldError as error:
        return None, 0, {error.field: field_words(error)}
    at = date.fromisoformat(from_day)
    versions = model.item_versions(tx, [wanted.code]).get(wanted.code, [])
    before = next((old for start, old in versions if start <= at), None)
    rules = next(
        (r for r in model.rule_sets(tx) if r.key == ("", INPATIENT) and r.from_day <= at), None
    )
    amount = price * units // 1000
    effect = example.of_item(amount, units, at, before, wanted, rules)
    return effect, model.charges_of(tx, wanted.code, from_day), {}


@blueprint.post("/fees/items/remove")
@requires(ADMIN)
def remove_item() -> Any:
    code, from_day = request.form.get("code", ""), request.form.get("from_day", "")
    try:
        with transaction() as tx:
            editing.remove_item(tx, code, from_day, request.form.get("seen", ""), current_user.name)
    except ChangedMeanwhileError:
        flash(_(CHANGED_MEANWHILE), "error")
        return redirect(url_for("fees.items", find=code))
    flash(_("The version is gone; the one before it holds."), "success")
    return redirect(url_for("fees.items", find=code))


@blueprint.route("/fees/import", methods=["GET", "POST"])
@requires(ADMIN)
def take_in() -> Any:
    """A catalogue as a table: first what it would change, row by row, then that."""
    if request.method == "GET":
        return _import_form()
    from_day = request.form.get("from_day", "")
    try:
        at = editing.day(from_day)
        file = request.files.get("file")
        if file is None or not file.filename:
            raise FieldError("file", N_("Choose a CSV file."))
        text = decoded(file.read())
        found = importing.read(text, at)
        with transaction() as tx:
            draft = importing.keep_draft(tx, text, at, current_user.name)
    except FieldError as error:
        return _import_form({error.field: field_words(error)}), 400
    return _import_seen(draft, found)


def _import_form(trouble: dict[str, str] | None = None) -> str:
    return render_template(
        "fees/import.html",
        trouble=trouble or {},
        from_day=request.form.get("from_day") or str(_today()),
        columns=[names[:3] for names in importing.COLUMNS.values()],
    )


def _import_seen(draft: int, found: importing.Read, trouble: str = "") -> str:
    tx = read()
    wanted = importing.changes(tx, found.rows)
    problems = [(each, field_words(each.error)) for each in found.problems[:SHOWN]]
    return render_template(
        "fees/import_seen.html",
        draft=draft,
        seen=_digest(wanted),
        fresh=sum(each.before is None for each in wanted),
        changed=sum(each.before is not None for each in wanted),
        same=len(found.rows) - len(wanted),
        wanted=wanted[:SHOWN],
        more=max(0, len(wanted) - SHOWN),
        problems=problems,
        bad=len(found.problems),
        trouble=trouble,
        kinds=KINDS,
    )


def _digest(wanted: list[importing.Change]) -> str:
    return mark({"changes": [repr(each) for each in wanted]})


@blueprint.post("/fees/import/<int:draft>")
@requires(ADMIN)
def put(draft: int) -> Any:
    """Put what was seen; where the catalogue was changed meanwhile, show it anew."""
    with transaction() as tx:
        kept = importing.draft(tx, draft, current_user.name)
        if kept is None:
            abort(404)
        found = importing.read(*kept)
        wanted = importing.changes(tx, found.rows)
        is_seen = _digest(wanted) == request.form.get("seen")
        if is_seen:
            importing.put(tx, draft, wanted, current_user.name)
    if not is_seen:
        return _import_seen(draft, found, _(CHANGED_MEANWHILE)), 409
    flash(_("%(n)s versions are in the catalogue now.", n=len(wanted)), "success")
    return redirect(url_for("fees.items"))


# --- insurance rules ---


@blueprint.get("/fees/rules")
@requires(*READERS)
def rules() -> Any:
    """All rules, by plan, with those that hold today marked."""
    tx = read()
    rows = [(row, model.rule_set_of(row)) for row in model.rule_rows(tx)]
    today = _today()
    holds: dict[tuple[str, str], int] = {}
    for row, each in rows:
        if each.from_day <= today:
            holds.setdefault(each.key, row["id"])
    return render_template(
        "fees/rules.html", rows=rows, holds=set(holds.values()), cares=CARES, pers=PERS
    )


@blueprint.route("/fees/rules/new", methods=["GET", "POST"])
@requires(ADMIN)
def new_rules() -> Any:
    """?like= begins with those of another set."""
    if request.method == "POST":
        return _take_rules(None)
    typed = {"care": INPATIENT, "per": YEAR, "from_day": str(_today())}
    like = model.rule_row(read(), request.args.get("like", 0, type=int))
    if like is not None:
        typed = {**editing.rules_typed(like), "from_day": str(_today())}
    return _rules_form(None, typed, editing.NOTHING)


@blueprint.route("/fees/rules/<int:id>", methods=["GET", "POST"])
@requires(ADMIN)
def rule_set(id: int) -> Any:
    """One set of rules."""
    row = model.rule_row(read(), id)
    if row is None and request.method == "GET":
        abort(404)
    if request.method == "POST":
        return _take_rules(id)
    assert row is not None
    return _rules_form(id, editing.rules_typed(row), editing.rules_values(row))


def _take_rules(id: int | None) -> Any:
    typed = {key: value for key, value in request.form.items() if key != "csrf_token"}
    try:
        wanted = editing.checked_rules(typed)
        if request.form.get("do") == "show":
            return _rules_form(id, typed, None, wanted=wanted)
        with transaction() as tx:
            seen = request.form.get("seen", "")
            editing.save_rules(tx, wanted, id, seen, current_user.name)
    except FieldError as error:
        return _rules_form(id, typed, None, {error.field: field_words(error)}), 400
    except ChangedMeanwhileError as error:
        if error.now is None:
            flash(_("Somebody removed these rules meanwhile."), "error")
            return redirect(url_for("fees.rules"))
        return _rules_form(id, typed, error.now, {"store": _(CHANGED_MEANWHILE)}), 409
    flash(_("They hold from %(day)s on.", day=wanted.from_day), "success")
    return redirect(url_for("fees.rules"))


def _rules_form(
    id: int | None,
    typed: dict[str, str],
    stands: editing.Values | None,
    trouble: dict[str, str] | None = None,
    *,
    wanted: RuleSet | None = None,
) -> str:
    tx = read()
    trouble = trouble or {}
    amounts = {
        kind: typed.get(f"example_{kind}") or editing.as_yuan(amount)
        for kind, amount in example.AMOUNTS.items()
    }
    effect, before = None, None
    if wanted is not None:
        before = next(
            (
                each
                for each in model.rule_sets(tx)
                if each.key == wanted.key and each.from_day <= wanted.from_day
            ),
            None,
        )
        try:
            given = {key: editing.fen(text, f"example_{key}") or 0 for key, text in amounts.items()}
            effect = example.of_rules(given, before, wanted)
        except FieldError as error:
            trouble = {**trouble, error.field: field_words(error)}
    row = model.rule_row(tx, id) if id is not None else None
    return render_template(
        "fees/rule_set.html",
        id=id,
        typed=typed,
        seen=request.form.get("seen", "") if stands is None else mark(stands),
        now=row if "store" in trouble else None,
        now_set=model.rule_set_of(row) if row is not None and "store" in trouble else None,
        trouble=trouble,
        effect=effect,
        before=before,
        amounts=amounts,
        cares=CARES,
        pers=PERS,
        kinds=KINDS,
        bands=range(editing.MAX_BANDS),
    )


@blueprint.post("/fees/rules/<int:id>/remove")
@requires(ADMIN)
def remove_rules(id: int) -> Any:
    try:
        with transaction() as tx:
            editing.remove_rules(tx, id, request.form.get("seen", ""), current_user.name)
    except ChangedMeanwhileError:
        flash(_(CHANGED_MEANWHILE), "error")
        return redirect(url_for("fees.rules"))
    flash(_("The rules are gone; those before them hold."), "success")
    return redirect(url_for("fees.rules"))
