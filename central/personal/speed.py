"""Speed dials: short codes of the whole house, and of one extension's phones."""

import re

from central.console.marks import N_
from central.directory import checks
from central.directory import model as directory
from central.errors import FieldError
from central.personal import model
from central.store import Tx

UNKNOWN = N_("There is no such speed dial.")
_CODE = re.compile(r"\*0[0-9]{2}")
_NUMBER = re.compile(r"[0-9]{2,16}")
_SEPARATORS = re.compile(r"[\s().-]")


def put(tx: Tx, code: str, number: str, *, owner: str | None = None, by: str = "system") -> int:
    """From now on `code` ("*012") dials `number`, on the phones of the extension `owner` or on
    every phone. It dials what the phone may dial anyway and nothing else. Its id. Raises
    FieldError."""
    code, number = code.strip(), _SEPARATORS.sub("", number)
    if not _CODE.fullmatch(code):
        raise FieldError("code", N_("A speed dial is *0 and two digits, such as *012."))
    if not _NUMBER.fullmatch(number):
        raise FieldError("number", N_("A number to be dialled has 2 to 16 digits."))
    if owner is not None:
        checks.extension(tx, owner)
    _check_reached(tx, number, owner)
    known = next((row for row in model.speed_dials(tx, owner) if row["code"] == code), None)
    if known is None:
        id = tx.insert("speed_dials", code=code, number=number, owner=owner)
    else:
        id = int(known["id"])
        if known["number"] == number:
            return id
        tx.execute("UPDATE speed_dials SET number = ? WHERE id = ?", (number, id))
    checks.changed(tx, by, "speed.put", _ref(owner), {"code": code, "number": number})
    return id


def remove(tx: Tx, code: str, *, owner: str | None = None, by: str = "system") -> None:
    """Raises FieldError."""
    gone = tx.execute("DELETE FROM speed_dials WHERE code = ? AND owner IS ?", (code, owner))
    if not gone.rowcount:
        raise FieldError("code", UNKNOWN)
    checks.changed(tx, by, "speed.remove", _ref(owner), {"code": code})


def _check_reached(tx: Tx, number: str, owner: str | None) -> None:
    now = directory.directory(tx)
    if owner is None:
        if not any(now.reaches(each.name, number) for each in now.rights):
            raise FieldError("number", N_("No phone may dial %(number)s."), number=number)
    elif not now.reaches(model.rights(tx, owner) or directory.INTERNAL, number):
        raise FieldError(
            "number", N_("The phones of %(owner)s may not dial %(number)s."),
            owner=owner, number=number,
        )  # fmt: skip


def _ref(owner: str | None) -> str:
    return f"extension/{owner}" if owner else "speed/house"
