"""Changing menus: a version is checked with all that will be live at its time, kept, and never
changed again. What is refused leaves live what was.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.flows import checks, model, named, numbers, service
from central.flows.document import MOST_CHARACTERS, Document, DocumentError, Problem
from central.flows.offers import offers
from central.flows.service import PURPOSE, SHIPPED_VERSION
from central.store import HOSPITAL, Row, Tx

CHANGED = "flows"
MOST_NOTE = 200
# Farther ahead nobody remembers why.
MOST_AHEAD_MS = 366 * 24 * 3_600_000
# As the purpose of a number can be.
_NAME = re.compile(r"[a-z][a-z_]{0,26}")
# Addresses of the console beside those of menus.
RESERVED = ("new",)
SKELETON = """\
flow: {flow}
title: {{zh: 新菜单, en: New menu}}
start: choose
failed: sorry
steps:
  choose:
    menu:
      zh: 再听一遍请按1,结束请按9。
      en: To hear this again press 1, to end press 9.
    keys: {{1: choose, 9: sorry}}
  sorry:
    hang_up:
      zh: 感谢来电,再见。
      en: Thank you for calling. Goodbye.
"""


class FlowChangedError(Exception):
    """Somebody else saved a version meanwhile; `newest` is its row."""

    error_id = "flow-changed"

    def __init__(self, newest: Row) -> None:
        super().__init__(f"{newest['by']} saved version {newest['number']} meanwhile")
        self.newest = newest


class UnknownVersionError(Exception):
    """There is no such version of this menu."""

    error_id = "flow-version-unknown"


@dataclass(frozen=True)
class Use:
    """What leads to a menu: a number of the house, or a menu by its name."""

    number: str = ""
    flow: str = ""


def problems(tx: Tx, flow: str, text: str, at_ms: int) -> list[Problem]:
    """What is wrong with a text as the menu of that name, live from then on, by line."""
    try:
        document = service.read_as(flow, text)
        others = dict(service.current(tx, at_ms))
        checks.check(others | {flow: document}, offers(), flow)
    except DocumentError as error:
        return error.problems
    return [*numbers.problems(tx, document), *named.problems(tx, document, offers())]


def newest(tx: Tx, flow: str) -> int:
    """The number of what was saved last, the token of a form."""
    row = model.newest(tx, flow)
    return SHIPPED_VERSION if row is None else row["number"]


def text_of(tx: Tx, flow: str, number: int) -> str:
    """The YAML of a version. Raises UnknownVersionError."""
    if number == SHIPPED_VERSION and flow in service.shipped_texts():
        return service.shipped_texts()[flow]
    row = model.version(tx, flow, number)
    if row is None:
        raise UnknownVersionError(f"{flow} has no version {number}")
    return str(row["text"])


def save(
    tx: Tx, flow: str, text: str, by: str, *, based_on: int, note: str = "",
    live_from_ms: int | None = None,
) -> int:  # fmt: skip
    """Keep a text, live from that time on; None: as a draft, which may be unfinished. based_on:
    what was newest when it was begun. Returns its number. Raises DocumentError, FieldError,
    FlowChangedError."""
    text = text.replace("\r\n", "\n")
    last = model.newest(tx, flow)
    if last is not None and last["number"] != based_on:
        raise FlowChangedError(last)
    if not text.strip():
        raise FieldError("text", N_("Write the menu."))
    if len(text) > MOST_CHARACTERS:
        raise FieldError("text", N_("The document is too long."))
    if live_from_ms is not None:
        _check(tx, flow, text, live_from_ms)
    number = model.add(tx, flow, text, _note(note), by, live_from_ms)
    deed = "flow.draft" if live_from_ms is None else _going_live(tx, live_from_ms)
    _note_deed(tx, by, deed, flow, number, why=_note(note))
    return number


def create(tx: Tx, flow: str, by: str) -> None:
    """A menu of one's own, as a draft. Raises FieldError."""
    if not _NAME.fullmatch(flow) or flow in RESERVED:
        raise FieldError("flow", N_("Use small letters a to z and _, 27 at most."))
    if flow in service.shipped() or flow in service.current(tx, tx.now_ms):
        raise FieldError("flow", N_("There is a menu of this name already."))
    last = model.newest(tx, flow)
    if last is not None and last["text"] != model.GONE:
        raise FieldError("flow", N_("There is a menu of this name already."))
    save(tx, flow, SKELETON.format(flow=flow), by, based_on=newest(tx, flow))


def go_live(tx: Tx, flow: str, number: int, by: str, live_from_ms: int) -> None:
    """Let a draft be live from then on, or what is planned from another time. Raises
    UnknownVersionError, FieldError, DocumentError."""
    row = _still_open(tx, flow, number)
    _check(tx, flow, row["text"], live_from_ms)
    model.set_live_from(tx, flow, number, live_from_ms)
    _note_deed(tx, by, _going_live(tx, live_from_ms), flow, number)


def take_back(tx: Tx, flow: str, number: int, by: str) -> None:
    """What was planned is a draft again. Raises UnknownVersionError, FieldError."""
    _still_open(tx, flow, number)
    model.set_live_from(tx, flow, number, None)
    _note_deed(tx, by, "flow.take_back", flow, number)


def roll_back(tx: Tx, flow: str, number: int, by: str) -> int:
    """Let an earlier version be live again, as a new one. Returns its number. Raises
    UnknownVersionError, DocumentError."""
    text = text_of(tx, flow, number)
    if text == model.GONE:
        raise UnknownVersionError(f"version {number} of {flow} removed it")
    _check(tx, flow, text, tx.now_ms)
    made = model.add(tx, flow, text, "", by, tx.now_ms)
    _note_deed(tx, by, "flow.back", flow, made, restored=number)
    return made


def remove(tx: Tx, flow: str, by: str) -> None:
    """Take a menu of one's own away. Raises FieldError: it is shipped, or something leads to it."""
    if flow in service.shipped():
        raise FieldError("flow", N_("This menu comes with Wardline: change it instead."))
    used = uses(tx, flow)
    if used:
        named = ", ".join(each.number or each.flow for each in used)
        raise FieldError("flow", N_("%(users)s lead here. Change those first."), users=named)
    for row in model.planned(tx, tx.now_ms):
        if row["flow"] == flow:
            model.set_live_from(tx, flow, row["number"], None)
    number = model.add(tx, flow, model.GONE, "", by, tx.now_ms)
    _note_deed(tx, by, "flow.remove", flow, number)


def uses(tx: Tx, flow: str) -> list[Use]:
    """What leads to a menu now or will: numbers of the house, and other menus."""
    rows = tx.all("SELECT number FROM services WHERE purpose = ?", (f"{PURPOSE}{flow}",))
    menus = {
        name
        for name, document in _now_or_planned(tx)
        if name != flow
        and any(step.verb == "flow" and step.what == flow for step in document.steps.values())
    }
    return [Use(number=row["number"]) for row in rows] + [Use(flow=each) for each in sorted(menus)]


def naming(tx: Tx, number: str) -> list[str]:
    """The menus that put callers through to a number, now or by a version that is planned."""
    found = _now_or_planned(tx)
    return sorted({name for name, document in found if numbers.leading_to(document, number)})


def saying(tx: Tx, offer: str, name: str, value: str) -> list[str]:
    """The menus that ask an offer with this value, now or by a version that is planned."""
    found = _now_or_planned(tx)
    return sorted({flow for flow, each in found if named.saying(each, offer, name, value)})


def _now_or_planned(tx: Tx) -> Iterator[tuple[str, Document]]:
    times = {tx.now_ms} | {row["live_from_ms"] for row in model.planned(tx, tx.now_ms)}
    for at_ms in times:
        yield from service.current(tx, at_ms).items()


def check_time(at_ms: int, now_ms: int) -> None:
    """Of what is planned. Raises FieldError."""
    if at_ms <= now_ms:
        raise FieldError("at", N_("This time is past. Choose a later one, or let it go live now."))
    if at_ms > now_ms + MOST_AHEAD_MS:
        raise FieldError("at", N_("This is more than a year ahead. Choose a nearer day."))


def _check(tx: Tx, flow: str, text: str, at_ms: int) -> None:
    found: Sequence[Problem] = problems(tx, flow, text, at_ms)
    if found:
        raise DocumentError(list(found))


def _still_open(tx: Tx, flow: str, number: int) -> Row:
    """A version whose time has not come."""
    row = model.version(tx, flow, number)
    if row is None:
        raise UnknownVersionError(f"{flow} has no version {number}")
    if row["live_from_ms"] is not None and row["live_from_ms"] <= tx.now_ms:
        raise FieldError("version", N_("This version has been live already: roll back to it."))
    return row


def _note(note: str) -> str:
    return " ".join(note.split())[:MOST_NOTE]


def _going_live(tx: Tx, live_from_ms: int) -> str:
    return "flow.live" if live_from_ms <= tx.now_ms else "flow.plan"


def _note_deed(
    tx: Tx, by: str, what: str, flow: str, number: int, why: str = "", **detail: object
) -> None:
    audit.append(tx, by, what, f"flow/{flow}", why, {"version": number} | detail)
    tx.changed(HOSPITAL, CHANGED)
