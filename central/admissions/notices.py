"""What the station hears of patients who come and go: bed, sex and age; never a name or an
illness."""

from datetime import datetime, tzinfo
from typing import Any

from central import say
from central.admissions import age
from central.store import Row, Tx
from central.wards import model as wards
from central.words import spoken
from gateway.his import adt
from gateway.mqtt import kinds

# Ways of admission that the ward prepares for in its own way.
_NEW = {
    adt.EMERGENCY: "admissions.new_emergency",
    adt.URGENT: "admissions.new_emergency",
    adt.OPERATION: "admissions.new_operation",
    adt.LABOUR: "admissions.new_labour",
    adt.NEWBORN: "admissions.new_newborn",
}
_SEX = {"M": "admissions.man", "F": "admissions.woman"}
_AGE = {
    age.YEARS: "admissions.years",
    age.MONTHS: "admissions.months",
    age.DAYS: "admissions.days",
}


def admitted(tx: Tx, stay: Row, zone: tzinfo | None) -> None:
    """「新入院:急诊,女,四十六岁,安排在三病区七床,请准备床位。」"""
    urgent = stay["kind"] in (adt.EMERGENCY, adt.URGENT)
    _station(
        tx, stay, _NEW.get(stay["kind"], "admissions.new"),
        chime="medium" if urgent else "low", who=_who(tx, stay, zone),
    )  # fmt: skip


def moved_in(tx: Tx, stay: Row, zone: tzinfo | None) -> None:
    _station(tx, stay, "admissions.moved_in", who=_who(tx, stay, zone))


def moved(tx: Tx, stay: Row, old_bed: str) -> None:
    """Within the ward."""
    _station(tx, stay, "admissions.moved", old=old_bed)


def moved_out(tx: Tx, stay: Row) -> None:
    """`stay` as it was before."""
    _station(tx, stay, "admissions.moved_out")


def discharged(tx: Tx, stay: Row) -> None:
    _station(tx, stay, "admissions.discharged")


def cancelled(tx: Tx, stay: Row) -> None:
    _station(tx, stay, "admissions.cancelled")


def returned(tx: Tx, stay: Row) -> None:
    """A discharge taken back."""
    _station(tx, stay, "admissions.returned")


def _station(tx: Tx, stay: Row, words_id: str, *, chime: str = "low", **values: Any) -> None:
    say.to_station(
        tx, stay["ward"], f"admission-{stay['id']}", words_id, klass=kinds.CALLING, chime=chime,
        ward=stay["ward"], bed=stay["bed"], **values,
    )  # fmt: skip


def _who(tx: Tx, stay: Row, zone: tzinfo | None) -> str:
    """「女,四十六岁,」 as far as known, else nothing."""
    lang = wards.lang(tx, stay["ward"])
    said = [spoken(lang, _SEX[stay["sex"]])] if stay["sex"] in _SEX else []
    known = age.age(stay["birth"] or "", datetime.fromtimestamp(tx.now_ms / 1000, zone).date())
    if known is not None:
        said.append(spoken(lang, _AGE[known[1]], n=known[0]))
    return "".join(said)
