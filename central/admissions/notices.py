"""What the station hears of patients who come and go: bed, sex and age; never a name or an
illness. `central.notices` says it until somebody has accepted it."""

from collections.abc import Callable
from datetime import datetime, tzinfo
from typing import Any

from central.admissions import age
from central.notices import service as notices
from central.store import Row, Tx
from central.words import LOCALES, spoken
from gateway.his import adt

# Ways of admission that the ward prepares for in its own way.
_NEW = {
    adt.EMERGENCY: "admissions.new_emergency",
    adt.URGENT: "admissions.new_emergency",
    adt.OPERATION: "admissions.new_operation",
    adt.LABOUR: "admissions.new_labour",
    adt.NEWBORN: "admissions.new_newborn",
}
_URGENT = (adt.EMERGENCY, adt.URGENT, adt.OPERATION)
_MOVED_IN = "admissions.moved_in"
_DISCHARGED = "admissions.discharged"
# That somebody comes, in whatever bed he is put in the end.
_COMING = ("admissions.new", _MOVED_IN, *_NEW.values())
_SEX = {"M": "admissions.man", "F": "admissions.woman"}
_AGE = {
    age.YEARS: "admissions.years",
    age.MONTHS: "admissions.months",
    age.DAYS: "admissions.days",
}

# Words in "zh" or "en".
Value = Callable[[str], str]


def admitted(tx: Tx, stay: Row, zone: tzinfo | None) -> None:
    """「新入院:急诊,女,四十六岁,安排在三病区七床,请准备床位。」"""
    kind = _NEW.get(stay["kind"], "admissions.new")
    _tell(tx, stay, kind, urgent=stay["kind"] in _URGENT, who=_who(tx, stay, zone))


def moved_in(tx: Tx, stay: Row, zone: tzinfo | None) -> None:
    _tell(tx, stay, _MOVED_IN, who=_who(tx, stay, zone))


def moved(tx: Tx, stay: Row, old_bed: str, zone: tzinfo | None) -> None:
    """Within the ward. Whose coming nobody has heard of yet comes to another bed."""
    coming = [row for row in _take_back(tx, stay) if row["kind"] in _COMING]
    _tell(tx, stay, "admissions.moved", ring=not coming, old=old_bed)
    for row in coming[-1:]:
        _tell(tx, stay, row["kind"], urgent=bool(row["urgent"]), who=_who(tx, stay, zone))


def moved_out(tx: Tx, stay: Row) -> None:
    """`stay` as it was before."""
    _take_back(tx, stay)
    _tell(tx, stay, "admissions.moved_out")


def discharged(tx: Tx, stay: Row) -> None:
    _take_back(tx, stay)
    _tell(tx, stay, _DISCHARGED)


def cancelled(tx: Tx, stay: Row) -> None:
    """Who has not confirmed the admission need not confirm that it is off."""
    _tell(tx, stay, "admissions.cancelled", ring=not _take_back(tx, stay))


def returned(tx: Tx, stay: Row) -> None:
    """A discharge taken back."""
    unknown = any(row["kind"] == _DISCHARGED for row in _take_back(tx, stay))
    _tell(tx, stay, "admissions.returned", ring=not unknown)


def _take_back(tx: Tx, stay: Row) -> list[Row]:
    return notices.withdraw(tx, stay["ward"], _about(stay))


def _about(stay: Row) -> str:
    return f"stay/{stay['id']}"


def _tell(
    tx: Tx, stay: Row, kind: str, *, urgent: bool = False, ring: bool = True, **values: Any
) -> None:
    """`kind`: the id of the words, for which `values` are given, some by language."""
    values |= {"ward": stay["ward"], "bed": stay["bed"]}
    texts = {
        lang: spoken(
            lang, kind, **{key: it(lang) if callable(it) else it for key, it in values.items()}
        )
        for lang in LOCALES
    }
    notices.tell(tx, stay["ward"], _about(stay), kind, texts, urgent=urgent, ring=ring)


def _who(tx: Tx, stay: Row, zone: tzinfo | None) -> Value:
    """「女,四十六岁,」 as far as known, else nothing."""
    known = age.age(stay["birth"] or "", datetime.fromtimestamp(tx.now_ms / 1000, zone).date())

    def said(lang: str) -> str:
        words = [spoken(lang, _SEX[stay["sex"]])] if stay["sex"] in _SEX else []
        if known is not None:
            words.append(spoken(lang, _AGE[known[1]], n=known[0]))
        return "".join(words)

    return said
