"""What the registry desk keeps of a patient: language, contacts, consent, key account.

Two clerks may have the same patient open: a form carries the mark of what it was filled with
(`central.directory.present`), and nothing is saved over what somebody else has changed.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.directory.present import Values
from central.errors import FieldError
from central.patients import model
from central.store import Tx
from central.words import LOCALES

FAMILY, EMPLOYER = "family", "employer"
RELATIONS = {FAMILY: N_("Family"), EMPLOYER: N_("Employer")}
# What a patient may agree to, or not.
FOLLOW_UP, FEE_CALLS, MESSAGES = "follow_up", "fee_calls", "messages"
CONSENTS = {
    FOLLOW_UP: N_("Calls after discharge: recovery, medicines, re-examination"),
    FEE_CALLS: N_("Calls to family and employer about fees"),
    MESSAGES: N_("Results and prescriptions by message or e-mail"),
}
YES, NO = "yes", "no"
SEXES = ("F", "M", "")
MOST_CONTACTS = 6
NAME_MOST = 40
_ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,31}")
_PHONE = re.compile(r"\+?[0-9]{3,16}")
_SEPARATORS = re.compile(r"[\s().-]")
_BIRTH = re.compile(r"(18|19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])")


@dataclass(frozen=True)
class Contact:
    """Whom the hospital may call for a patient. `relation`: of RELATIONS."""

    relation: str
    name: str
    phone: str


def register(tx: Tx, patient: str, name: str, sex: str, birth: str, *, by: str) -> None:
    """A patient of whom the hospital's system has not told yet; what it tells later is put in the
    place of this. Raises FieldError."""
    if not _ID.fullmatch(patient):
        raise FieldError(
            "id", N_("A patient's number has 1 to 32 letters, digits, dots, dashes or underscores.")
        )
    if model.patient(tx, patient) is not None:
        raise FieldError("id", N_("There is already a patient with this number."))
    name = _line("name", name)
    if sex not in SEXES:
        raise FieldError("sex", N_("Choose one of the list."))
    if birth and not _BIRTH.fullmatch(birth):
        raise FieldError("birth", N_("A date such as 1961-06-15."))
    tx.insert("patients", id=patient, name=name, sex=sex, birth=birth, updated_ms=tx.now_ms)
    audit.append(tx, by, "patient.add", f"patient/{patient}")


def present(tx: Tx, patient: str) -> Values | None:
    """lang ("zh", "en" or ""), is_key_account, contacts as [relation, name, phone], and of each of
    CONSENTS "yes", "no" or "" for not asked yet. None: no such patient."""
    if model.patient(tx, patient) is None:
        return None
    row = model.details(tx, patient)
    given = model.consents(tx, patient)
    return {
        "lang": (row["lang"] or "") if row is not None else "",
        "is_key_account": bool(row["is_key_account"]) if row is not None else False,
        "contacts": [
            [each["relation"], each["name"], each["phone"]] for each in model.contacts(tx, patient)
        ],
        **{each: _answer(given.get(each)) for each in CONSENTS},
    }


def change(
    tx: Tx,
    patient: str,
    *,
    lang: str,
    is_key_account: bool,
    contacts: Sequence[Contact],
    consents: Mapping[str, str],
    by: str,
) -> None:
    """consents: of each "yes" or "no"; "" leaves it as it stands, for an answer once given can be
    changed and not unsaid. Who gave or withdrew it and when is kept. Raises FieldError."""
    before = present(tx, patient)
    if before is None:
        raise FieldError("patient", N_("There is no such patient."))
    if lang and lang not in LOCALES:
        raise FieldError("lang", N_("Choose one of the list."))
    kept = [_checked(place, each) for place, each in enumerate(contacts)]
    if len(kept) > MOST_CONTACTS:
        raise FieldError("contacts", N_("At most %(most)s contacts."), most=MOST_CONTACTS)
    model.put_details(tx, patient, lang or None, is_key_account)
    model.put_contacts(tx, patient, [(each.relation, each.name, each.phone) for each in kept])
    for kind in CONSENTS:
        answer = consents.get(kind, "")
        if answer and answer not in (YES, NO):
            raise FieldError(kind, N_("Choose one of the list."))
        if answer and answer != before[kind]:
            tx.insert(
                "consents", patient=patient, kind=kind, is_given=int(answer == YES),
                at_ms=tx.now_ms, by=by,
            )  # fmt: skip
    after = present(tx, patient) or {}
    changed = [each for each in after if after[each] != before[each]]
    if changed:
        # What a contact's number was is no business of whoever reads the audit.
        detail: dict[str, object] = {"fields": changed}
        detail |= {each: after[each] for each in changed if each in CONSENTS}
        audit.append(tx, by, "patient.change", f"patient/{patient}", detail=detail)


def remember_language(tx: Tx, patient: str, lang: str) -> None:
    """What the patient chose on the telephone, for the next call and the patient's page."""
    kept = model.details(tx, patient)
    if kept is None or kept["lang"] != lang:
        model.put_details(tx, patient, lang, bool(kept and kept["is_key_account"]))
        audit.append(tx, "patient", "patient.language", f"patient/{patient}", detail={"lang": lang})


def agreed(tx: Tx, patient: str, kind: str) -> bool:
    """Whether the patient's newest answer is yes."""
    return _answer(model.consents(tx, patient).get(kind)) == YES


def _answer(row: Any) -> str:
    return "" if row is None else YES if row["is_given"] else NO


def _checked(place: int, contact: Contact) -> Contact:
    if contact.relation not in RELATIONS:
        raise FieldError(f"relation-{place}", N_("Choose one of the list."))
    phone = _SEPARATORS.sub("", contact.phone)
    if not _PHONE.fullmatch(phone):
        raise FieldError(f"phone-{place}", N_("A telephone number has 3 to 16 digits."))
    return Contact(contact.relation, _line(f"contact-{place}", contact.name), phone)


def _line(field: str, text: str) -> str:
    line = " ".join(text.split())
    if not line or len(line) > NAME_MOST:
        raise FieldError(field, N_("A name has 1 to %(most)s characters."), most=NAME_MOST)
    return line
