"""What the lines of a workbook do to the house: looked at first, then done as one.

Looking and doing are the same code: what was only looked at is undone. Nothing is taken away: what
does not stand in the file, and what an empty cell leaves open, stays as it is.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from central.audit import model as audit
from central.console.marks import N_
from central.directory import changing, present
from central.directory import model as directory
from central.directory import service as numbers
from central.errors import FieldError
from central.setup import sheets
from central.setup.sheets import Line
from central.store import Tx
from central.wards import model as wards
from gateway.telephone.directory import DirectoryError, device_name

ADDED, CHANGED, SAME = "added", "changed", "same"
NAME_MOST = 40
UNITS = (1, 247)
MOST_UNITS = 32
_WARD = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,15}")
_BOX = re.compile(r"[0-9A-Za-z][0-9A-Za-z_-]{0,31}")
_BED = re.compile(r"[^\s/#+]{1,16}")


@dataclass(frozen=True)
class Problem:
    line: Line
    error: FieldError


@dataclass(frozen=True)
class Outcome:
    """lines: each good one with what it does, of ADDED, CHANGED and SAME."""

    lines: Sequence[tuple[Line, str]]
    problems: Sequence[Problem]

    def count(self, sheet: str, what: str) -> int:
        return sum(line.sheet == sheet and did == what for line, did in self.lines)


class _UndoneError(Exception):
    """Nothing went wrong: it was only to be looked at."""


def look(tx: Tx, lines: Sequence[Line]) -> Outcome:
    """What `put` would do. Nothing is left of it in `tx`."""
    told, before = [], set(tx.changes)
    try:
        with tx.savepoint():
            told.append(_through(tx, lines, "system"))
            raise _UndoneError
    except _UndoneError:
        tx.changes.intersection_update(before)
        return told[0]


def put(tx: Tx, lines: Sequence[Line], by: str, name: str) -> Outcome:
    """Do it, unless there is a problem: then nothing is done. name: of the file, for the audit."""
    outcome = look(tx, lines)
    if not outcome.problems:
        outcome = _through(tx, lines, by)
        did = Counter(f"{line.sheet} {what}" for line, what in outcome.lines if what != SAME)
        audit.append(tx, by, "hospital.set_up", detail={"file": name[:100], **did})
    return outcome


def _through(tx: Tx, lines: Sequence[Line], by: str) -> Outcome:
    done: list[tuple[Line, str]] = []
    problems: list[Problem] = []
    seen: set[tuple[str, ...]] = set()
    for line in lines:
        try:
            with tx.savepoint():
                done.append((line, _put(tx, line, by, seen)))
        except FieldError as error:
            problems.append(Problem(line, error))
    # A ward's neighbour may stand below it.
    for line, _ in done:
        if line.sheet == "wards" and line.cells.get("neighbour"):
            try:
                with tx.savepoint():
                    _neighbour(tx, line, by)
            except FieldError as error:
                problems.append(Problem(line, error))
    order = {sheet.key: at for at, sheet in enumerate(sheets.SHEETS)}
    problems.sort(key=lambda each: (order[each.line.sheet], each.line.row))
    return Outcome(done, problems)


def _put(tx: Tx, line: Line, by: str, seen: set[tuple[str, ...]]) -> str:
    sheet = sheets.BY_KEY[line.sheet]
    cells: dict[str, str] = {}
    for column in sheet.columns:
        text = sheets.value(column, line.cells.get(column.key, ""))
        if text is None:
            only = ", ".join(" / ".join(each.values()) for each in (column.only or {}).values())
            raise FieldError(column.key, N_("This must be one of: %(only)s."), only=only)
        if not text and column.key in sheet.needed:
            raise FieldError(column.key, N_("This cell may not be empty."))
        cells[column.key] = text
    known = tuple(cells[key] for key in _KNOWN_BY[line.sheet])
    if (line.sheet, *known) in seen:
        message = N_("%(what)s stands there twice.")
        raise FieldError(_KNOWN_BY[line.sheet][-1], message, what=" ".join(known))
    seen.add((line.sheet, *known))
    return _PUT[line.sheet](tx, cells, by)


# --- wards ---


def _ward(tx: Tx, cells: Mapping[str, str], by: str) -> str:
    ward = cells["ward"]
    if not _WARD.fullmatch(ward):
        raise FieldError("ward", N_("A ward is named by 1 to 16 letters, digits and dashes."))
    after = {
        "name_zh": _named("name_zh", cells["name_zh"]),
        "name_en": _named("name_en", cells["name_en"]),
        "lang": cells["lang"] or "zh",
    }
    row = wards.ward(tx, ward)
    if row is None:
        wards.add_ward(tx, ward, **after)
        audit.append(tx, by, "ward.add", f"ward/{ward}", detail={**after})
        return ADDED
    after["lang"] = cells["lang"] or row["lang"]
    changed = {key: [row[key], new] for key, new in after.items() if row[key] != new}
    if changed:
        wards.rename_ward(tx, ward, **after)
        audit.append(tx, by, "ward.change", f"ward/{ward}", detail={**changed})
    is_same = not changed and cells["neighbour"] in ("", row["neighbour"])
    return SAME if is_same else CHANGED


def _neighbour(tx: Tx, line: Line, by: str) -> None:
    ward, neighbour = line.cells["ward"], line.cells["neighbour"]
    row = wards.ward(tx, ward)
    if row is None or row["neighbour"] == neighbour:
        return
    if neighbour == ward:
        raise FieldError("neighbour", N_("A ward is not its own neighbour."))
    _known_ward(tx, neighbour, "neighbour")
    wards.set_neighbour(tx, ward, neighbour)
    detail: dict[str, object] = {"neighbour": [row["neighbour"], neighbour]}
    audit.append(tx, by, "ward.change", f"ward/{ward}", detail=detail)


def _named(field: str, text: str) -> str:
    if len(text) > NAME_MOST:
        raise FieldError(field, N_("A name has 1 to %(most)s characters."), most=NAME_MOST)
    return text


def _known_ward(tx: Tx, ward: str, field: str = "ward") -> None:
    if wards.ward(tx, ward) is None:
        message = N_("There is no ward %(ward)s, neither in the house nor in this file.")
        raise FieldError(field, message, ward=ward)


# --- boxes and beds ---


def _box(tx: Tx, cells: Mapping[str, str], by: str) -> str:
    box, ward, role = cells["box"], cells["ward"], cells["role"]
    if not _BOX.fullmatch(box):
        raise FieldError("box", N_("A box is named by 1 to 32 letters, digits and dashes."))
    _known_ward(tx, ward)
    row = wards.node(tx, box)
    if row is None:
        wards.add_node(tx, box, ward, role)
        audit.append(tx, by, "node.add", f"node/{box}", detail={"ward": ward, "role": role})
        return ADDED
    if (row["ward"], row["role"]) != (ward, role):
        # What it has in its outbox is of its old ward, and so is its certificate.
        message = N_("The box %(box)s is at work in ward %(ward)s. Give the other one a new name.")
        raise FieldError("box", message, box=box, ward=row["ward"])
    return SAME


def _bed(tx: Tx, cells: Mapping[str, str], by: str) -> str:
    ward, bed, box = cells["ward"], cells["bed"], cells["box"] or None
    if not _BED.fullmatch(bed):
        raise FieldError("bed", N_("A bed has 1 to 16 characters, no blank and none of / # +."))
    _known_ward(tx, ward)
    unit = _unit(cells["unit"])
    row = wards.bed(tx, ward, bed)
    if row is not None and box is None:
        box, unit = row["node"], row["unit"] if unit is None else unit
    if box is None and unit is not None:
        raise FieldError("unit", N_("A unit hangs on a box: say which."))
    if box is not None:
        _check_box(tx, ward, bed, box, unit)
    if row is None:
        wards.add_bed(tx, ward, bed, box, unit)
        audit.append(tx, by, "bed.add", f"bed/{ward}/{bed}", detail={"box": box, "unit": unit})
        return ADDED
    if (row["node"], row["unit"]) == (box, unit):
        return SAME
    wards.move_bed(tx, ward, bed, box, unit)
    detail: dict[str, object] = {"box": [row["node"], box], "unit": [row["unit"], unit]}
    audit.append(tx, by, "bed.change", f"bed/{ward}/{bed}", detail=detail)
    return CHANGED


def _unit(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and UNITS[0] <= int(text) <= UNITS[1]):
        raise FieldError("unit", N_("A unit's address is a number from 1 to 247."))
    return int(text)


def _check_box(tx: Tx, ward: str, bed: str, box: str, unit: int | None) -> None:
    row = wards.node(tx, box)
    if row is None:
        message = N_("There is no box %(box)s, neither in the house nor in this file.")
        raise FieldError("box", message, box=box)
    if row["ward"] != ward:
        message = N_("The box %(box)s belongs to ward %(ward)s.")
        raise FieldError("box", message, box=box, ward=row["ward"])
    if row["role"] != "bedside":
        raise FieldError("box", N_("A bed hangs on a bedside box, not on a station."))
    others = [each for each in wards.beds(tx, ward) if each["node"] == box and each["bed"] != bed]
    if unit is None:
        return
    if len([each for each in others if each["unit"] is not None]) >= MOST_UNITS:
        raise FieldError("box", N_("A box's bus has at most %(n)s units."), n=MOST_UNITS)
    taken = next((each["bed"] for each in others if each["unit"] == unit), None)
    if taken is not None:
        message = N_("Unit %(unit)s of box %(box)s is bed %(bed)s.")
        raise FieldError("unit", message, unit=unit, box=box, bed=taken)


# --- telephones ---


def _phone(tx: Tx, cells: Mapping[str, str], by: str) -> str:
    did = {_extension(tx, cells, by)}
    if cells["address"]:
        did.add(_device(tx, cells, by))
    return next((each for each in (ADDED, CHANGED) if each in did), SAME)


@contextmanager
def _called(**names: str) -> Iterator[None]:
    """Fields of the directory under the names of the sheet's columns."""
    try:
        yield
    except FieldError as error:
        if error.field in names:
            raise FieldError(names[error.field], error.message, **error.values) from None
        raise


def _extension(tx: Tx, cells: Mapping[str, str], by: str) -> str:
    number, label, ward = cells["number"], cells["label"], cells["station_of"] or None
    if ward is not None:
        _known_ward(tx, ward, "station_of")
    now = present.extension(tx, number)
    if now is None:
        numbers.add_extension(tx, number, label, ward=ward, by=by)
        return ADDED
    if (now["label"], now["ward"]) == (label, ward):
        return SAME
    with _called(ward="station_of"):
        changing.change_extension(
            tx, number, label, ring_s=now["ring_s"], person=now["person"], ward=ward,
            phones=now["phones"], by=by,
        )  # fmt: skip
    return CHANGED


def _device(tx: Tx, cells: Mapping[str, str], by: str) -> str:
    number = cells["number"]
    try:
        device = device_name(cells["address"])
    except DirectoryError:
        message = N_("A hardware address has 12 digits 0-9 or letters a-f, as on the label.")
        raise FieldError("address", message) from None
    now = directory.phone(tx, device)
    if now is None:
        numbers.add_phone(
            tx, device, number, label=cells["label"], rights=cells["rights"] or directory.INTERNAL,
            lang=cells["lang"] or "zh", by=by,
        )  # fmt: skip
        return ADDED
    if now["number"] != number:
        message = N_("This telephone has the number %(number)s. Move it in the directory.")
        raise FieldError("address", message, number=now["number"])
    wanted = (cells["rights"] or now["rights"], cells["lang"] or now["lang"])
    if (now["rights"], now["lang"]) != wanted:
        message = N_("This telephone is in the directory otherwise. Change it there.")
        raise FieldError("address", message)
    return SAME


_KNOWN_BY = {
    "wards": ("ward",), "boxes": ("box",), "beds": ("ward", "bed"), "phones": ("number", "address"),
}  # fmt: skip
_PUT: Mapping[str, Callable[[Tx, Mapping[str, str], str], str]] = {
    "wards": _ward, "boxes": _box, "beds": _bed, "phones": _phone,
}  # fmt: skip
