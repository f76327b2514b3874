"""The registry desk: find a patient, give out cards and PINs, keep contacts and consent."""

from typing import Any

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for

from central.admissions import age as ages
from central.audit import model as audit
from central.beds.web import AGES, SEX
from central.console.context import (
    _,
    console,
    current_user,
    local,
    note_patient_read,
    read,
    requires,
    transaction,
)
from central.console.errors import field_words, store_words
from central.console.marks import N_
from central.console.people import REGISTRY
from central.directory import present
from central.directory.present import ChangedMeanwhileError, Values
from central.errors import FieldError
from central.patients import accounts, cards, details, issuing, model
from central.patients.cards import Secret
from central.patients.details import CONSENTS, RELATIONS, Contact
from central.store import Row, StoreUnavailableError

blueprint = Blueprint(
    "patients",
    __name__,
    template_folder="templates",
    static_folder="static",
    static_url_path="/static/patients",
)
NAVIGATION = [(8, "/patients", N_("Patients"), (REGISTRY,), "person-vcard")]
FOUND_MOST = 50
STATES = {
    model.ACTIVE: N_("valid"),
    model.LOST: N_("lost"),
    model.REPLACED: N_("replaced"),
}
ANSWERS = {details.YES: N_("agrees"), details.NO: N_("declines")}
SEX_CHOICES = {"F": SEX["F"], "M": SEX["M"]}
CHANGED_MEANWHILE = N_(
    "Not saved: somebody else changed it meanwhile. What stands there now is shown below; enter"
    " your changes again."
)


@blueprint.get("/patients")
@requires(REGISTRY)
def index() -> Any:
    words = request.args.get("q", "").strip()
    found = None
    if words:
        found = model.find(read(), words, FOUND_MOST + 1)
        with transaction() as tx:
            audit.append(tx, current_user.name, "patient.search", detail={"words": words})
    return render_template(
        "patients/index.html",
        words=words,
        found=None if found is None else found[:FOUND_MOST],
        more=found is not None and len(found) > FOUND_MOST,
        about=_about,
    )


@blueprint.route("/patients/new", methods=["GET", "POST"])
@requires(REGISTRY)
def new() -> Any:
    """A patient of whom the hospital's system has not told."""
    form = request.form
    trouble: dict[str, str] = {}
    status = 200
    if request.method == "POST":
        patient = form.get("id", "").strip()
        try:
            with transaction() as tx:
                details.register(
                    tx, patient, form.get("name", ""), form.get("sex", ""),
                    form.get("birth", "").strip(), by=current_user.name,
                )  # fmt: skip
        except FieldError as error:
            trouble, status = {error.field: field_words(error)}, 400
        except StoreUnavailableError:
            trouble, status = {"store": store_words()}, 503
        else:
            return redirect(url_for("patients.one", patient=patient))
    page = render_template("patients/new.html", typed=form, trouble=trouble, sexes=SEX_CHOICES)
    return page, status


@blueprint.route("/patients/<path:patient>", methods=["GET", "POST"])
@requires(REGISTRY)
def one(patient: str) -> Any:
    """The patient, and on POST language, contacts, consent and key account."""
    row = _patient(patient)
    if request.method == "GET":
        note_patient_read(f"patient/{patient}")
        return _page(row)
    form = request.form
    typed = _typed()
    try:
        with transaction() as tx:
            present.unchanged(details.present(tx, patient), form.get("seen", ""))
            details.change(
                tx,
                patient,
                lang=typed["lang"],
                is_key_account=typed["is_key_account"],
                contacts=[Contact(*each) for each in typed["contacts"]],
                consents={each: typed[each] for each in CONSENTS},
                by=current_user.name,
            )
    except ChangedMeanwhileError:
        return _page(row, trouble={"store": _(CHANGED_MEANWHILE)}, status=409)
    except FieldError as error:
        trouble = {error.field: field_words(error)}
        return _page(row, typed=typed, trouble=trouble, status=400)
    except StoreUnavailableError:
        return _page(row, typed=typed, trouble={"store": store_words()}, status=503)
    flash(_("Saved."), "success")
    return redirect(url_for("patients.one", patient=patient))


@blueprint.post("/patients/<path:patient>/card")
@requires(REGISTRY)
def card(patient: str) -> Any:
    """The first card, or another instead of the one there is."""
    row = _patient(patient)
    number = request.form.get("number", "")
    deed = issuing.replace if request.form.get("replace") else issuing.issue
    try:
        with transaction() as tx:
            deed(tx, patient, number, by=current_user.name)
    except FieldError as error:
        return _page(row, trouble={error.field: field_words(error)}, number=number, status=400)
    flash(_("The card is valid now. Let the patient choose its PIN."), "success")
    return redirect(url_for("patients.one", patient=patient))


@blueprint.post("/patients/<path:patient>/card/lost")
@requires(REGISTRY)
def lost(patient: str) -> Any:
    row = _patient(patient)
    try:
        with transaction() as tx:
            issuing.lose(tx, patient, by=current_user.name)
    except FieldError as error:
        return _page(row, trouble={error.field: field_words(error)}, status=400)
    flash(_("The card opens nothing any more."), "success")
    return redirect(url_for("patients.one", patient=patient))


@blueprint.post("/patients/<path:patient>/card/unlock")
@requires(REGISTRY)
def unlock(patient: str) -> Any:
    row = _patient(patient)
    try:
        key = Secret.of(console().store)
        with transaction() as tx:
            issuing.unlock(tx, key, patient, by=current_user.name)
    except FieldError as error:
        return _page(row, trouble={error.field: field_words(error)}, status=400)
    flash(_("The card is unlocked; its PIN is as before."), "success")
    return redirect(url_for("patients.one", patient=patient))


@blueprint.post("/patients/<path:patient>/card/pin")
@requires(REGISTRY)
def pin(patient: str) -> Any:
    """Set what the patient typed twice, or draw one by lot, which is shown once."""
    row = _patient(patient)
    form = request.form
    store = console().store
    drawn = bool(form.get("draw"))
    try:
        chosen = issuing.draw_pin(read(), patient) if drawn else cards.tidy(form.get("pin", ""))
        if not drawn and chosen != cards.tidy(form.get("again", "")):
            raise FieldError("again", N_("Both must be the same. Let the patient type again."))
        made = issuing.make_pin(store, patient, chosen)
        with transaction() as tx:
            issuing.set_pin(tx, patient, made, by=current_user.name)
    except FieldError as error:
        return _page(row, trouble={error.field: field_words(error)}, status=400)
    if drawn:
        return _page(row, drawn=chosen)
    flash(_("The PIN is set."), "success")
    return redirect(url_for("patients.one", patient=patient))


def _patient(patient: str) -> Row:
    row = model.patient(read(), patient)
    if row is None:
        abort(404)
    return row


def _about(row: Row) -> str:
    """Sex and age in words, as far as they are known."""
    about = [_(SEX[row["sex"]])] if row["sex"] in SEX else []
    age = ages.age(row["birth"] or "", local(read().now_ms).date())
    if age is not None:
        about.append(_(AGES[age[1]], n=age[0]))
    return ", ".join(about)


def _typed() -> Values:
    """What was typed, whatever it is. A row of contacts without name and number is none."""
    form = request.form
    rows = zip(
        form.getlist("relation"), form.getlist("contact"), form.getlist("phone"), strict=False
    )
    return {
        "lang": form.get("lang", ""),
        "is_key_account": bool(form.get("is_key_account")),
        "contacts": [
            [relation, name.strip(), phone.strip()]
            for relation, name, phone in rows
            if name.strip() or phone.strip()
        ],
        **{each: form.get(each, "") for each in CONSENTS},
    }


def _page(
    row: Row,
    *,
    typed: Values | None = None,
    trouble: dict[str, str] | None = None,
    number: str = "",
    drawn: str = "",
    status: int = 200,
) -> Any:
    """`typed`: what is shown instead of what stands, with the mark that it came with. `drawn`: a
    PIN that is shown this once."""
    tx = read()
    patient = row["id"]
    now = details.present(tx, patient) or {}
    valid = model.active_card(tx, patient)
    stay = model.visit(tx, patient)
    going_on = stay is not None and stay["discharged_ms"] is None
    visit = stay["visit"] if stay is not None and going_on else accounts.newest_visit(tx, patient)
    page = render_template(
        "patients/one.html",
        patient=row,
        about=_about(row),
        stay=stay,
        account=accounts.account(tx, patient, visit or ""),
        given=typed or now,
        seen=present.mark(now) if typed is None else request.form.get("seen", ""),
        answered=model.consents(tx, patient),
        trouble=trouble or {},
        known=("lang", "number", "pin", "again", *CONSENTS),
        card=valid,
        locked=valid is not None
        and cards.is_locked(tx, Secret.of(console().store), valid["number"]),
        earlier=[each for each in model.cards_of(tx, patient) if each["state"] != model.ACTIVE],
        number=number,
        drawn=drawn,
        states=STATES,
        consents=CONSENTS,
        answers=ANSWERS,
        relations=RELATIONS,
        most_contacts=details.MOST_CONTACTS,
    )
    return page, status
