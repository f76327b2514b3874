"""Which menus there are: those that capabilities ship as `flow.yaml` beside their code, and what
the hospital has made of them since.

    live = service.live(tx, tx.now_ms)
    call = Call(live.documents, "main")          # `live` never changes: a call ends as it began

A set that does not check as a whole, for instance since an update offers a look-up no more, goes
back menu by menu to the version before; what was put aside stands in `Live.aside` and becomes a
fault.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from central.console.marks import N_
from central.flows import checks, document, model
from central.flows.document import Document, DocumentError, Problem
from central.flows.offers import offers
from central.store import Tx

SHIPPED = Path(__file__).parent.parent
# The word for a menu's number in the directory: "menu_fees".
PURPOSE = "menu_"
SHIPPED_VERSION = 0
# Sets of versions whose documents are kept.
MOST_KEPT = 16


@dataclass(frozen=True)
class Version:
    flow: str
    number: int


@dataclass(frozen=True)
class Aside:
    """A version whose time has come and which cannot be used."""

    version: Version
    problems: Sequence[Problem]


@dataclass(frozen=True)
class Live:
    """What callers hear: the document of each menu and its version's number."""

    documents: Mapping[str, Document]
    numbers: Mapping[str, int]
    aside: Sequence[Aside] = field(default=())


@cache
def shipped_texts() -> Mapping[str, str]:
    """The YAML of version 0 of each menu by its name. Raises DocumentError, ValueError: ours are
    wrong."""
    found: dict[str, str] = {}
    for path in sorted(SHIPPED.glob("*/flow.yaml")):
        text = path.read_text(encoding="utf-8")
        flow = document.read(text).flow
        if flow in found:
            raise ValueError(f"two capabilities ship the menu {flow}")
        found[flow] = text
    return found


@cache
def shipped() -> Mapping[str, Document]:
    """By name, checked together. Raises DocumentError: ours are wrong."""
    found = {flow: read(text) for flow, text in shipped_texts().items()}
    checks.check(found, offers())
    return found


@lru_cache(maxsize=128)
def read(text: str) -> Document:
    """As `document.read`, once for each text."""
    return document.read(text)


def read_as(flow: str, text: str) -> Document:
    """Of this name. Raises DocumentError."""
    found = read(text)
    if found.flow != flow:
        message = N_("This is the menu %(flow)s: flow must not be %(other)s.")
        raise DocumentError([Problem(1, "", message, {"flow": flow, "other": found.flow})])
    return found


def current(tx: Tx, now_ms: int) -> Mapping[str, Document]:
    """What a call that begins now runs on."""
    return live(tx, now_ms).documents


# What is live, by the versions whose time has come and what is offered: nothing is read twice.
_kept: dict[Any, Live] = {}
_keeping = threading.Lock()


def live(tx: Tx, now_ms: int) -> Live:
    """now_ms: hospital time; later than tx.now_ms for what is planned."""
    key = (model.begun_key(tx, now_ms), frozenset(offers()))
    with _keeping:
        found = _kept.get(key)
    if found is None:
        found = _settled(tx, now_ms)
        with _keeping:
            if len(_kept) >= MOST_KEPT:
                _kept.clear()
            _kept[key] = found
    return found


def titles(tx: Tx) -> Mapping[str, Mapping[str, str]]:
    """Of the menus that a number may lead to, by the number's purpose."""
    found = current(tx, tx.now_ms)
    return {f"{PURPOSE}{flow}": document.title for flow, document in found.items()}


class _Choices:
    """The versions of one menu whose time has come: which one serves. document: None where no menu
    of that name is left."""

    def __init__(self, tx: Tx, flow: str, numbers: list[int]) -> None:
        self.aside: list[Aside] = []
        self.number = SHIPPED_VERSION
        self.document: Document | None = None
        self._tx = tx
        self._flow = flow
        self._left = numbers
        self._next()

    def step_back(self, problems: Sequence[Problem]) -> None:
        """To the version before."""
        self.aside.append(Aside(Version(self._flow, self.number), problems))
        self._next()

    def _next(self) -> None:
        self.document = None
        while self._left:
            self.number = self._left.pop()
            try:
                self.document = self._read()
            except DocumentError as error:
                self.aside.append(Aside(Version(self._flow, self.number), error.problems))
            else:
                break

    def _read(self) -> Document | None:
        if self.number == SHIPPED_VERSION:
            return shipped()[self._flow]
        text = model.text(self._tx, self._flow, self.number)
        return None if text == model.GONE else read_as(self._flow, text)


def _settled(tx: Tx, now_ms: int) -> Live:
    numbers: dict[str, list[int]] = {flow: [SHIPPED_VERSION] for flow in shipped()}
    for row in model.begun(tx, now_ms):
        numbers.setdefault(row["flow"], []).append(row["number"])
    menus = {flow: _Choices(tx, flow, found) for flow, found in numbers.items()}
    while wrong := _wrong(menus):
        for flow, problems in wrong.items():
            menus[flow].step_back(problems)
    aside = tuple(one for each in menus.values() for one in each.aside)
    documents = {flow: each.document for flow, each in menus.items() if each.document}
    return Live(documents, {flow: menus[flow].number for flow in documents}, aside)


def _wrong(menus: Mapping[str, _Choices]) -> dict[str, list[Problem]]:
    """By menu, what is wrong with the set. Of menus that go round in a circle those are named that
    the hospital has changed: what is shipped goes round in none."""
    documents = {flow: each.document for flow, each in menus.items() if each.document}
    found = {
        flow: problems
        for flow, each in documents.items()
        if (problems := list(checks.problems_of(each, documents, offers())))
    }
    if not found:
        for circle, problem in checks.circles(documents):
            changed = [each for each in circle if menus[each].number != SHIPPED_VERSION]
            found |= {flow: [problem] for flow in changed}
    return found
