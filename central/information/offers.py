"""What spoken menus may ask of what the hospital tells everybody."""

from collections.abc import Mapping

from central.flows.offers import Answer, Asking, Offer
from central.information import model, saying, service
from central.information.paging import PER_PAGE, page
from central.information.service import Entry
from central.store import Row, Tx

NONE, OFF, NOT_NOW = "none", "off", "not_now"
_SECTION_MOST, CODE_MOST = 40, 8
# What a list hands to the choice among it.
_SHOWN_MOST = PER_PAGE * (_SECTION_MOST + 1)


def sections(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """Only those that are on and have something to tell."""
    rows = service.open_sections(tx, _today(tx, asking))
    if not rows:
        return Answer(NONE)
    shown = page(rows, values["start"])
    titles = [saying.of_section(row, asking.lang) for row in shown.items]
    return Answer(
        values={
            "words": saying.to_choose(titles, asking.lang),
            "shown": " ".join(row["id"] for row in shown.items),
            "next": shown.next,
            "more": "yes" if shown.next else "no",
        }
    )


def pick(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """What a key of a list stands for, as the list was when it was read out."""
    shown, key = values["shown"].split(), values["key"]
    if not (key.isascii() and key.isdigit() and 1 <= int(key) <= len(shown)):
        return Answer(NONE)
    return Answer(values={"what": shown[int(key) - 1]})


def section_open(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    row = model.section(tx, values["section"])
    if row is None:
        return Answer(NONE)
    if not row["is_on"]:
        return Answer(OFF)
    codes = service.codes(tx, row, _today(tx, asking))
    if not codes:
        return Answer(NONE)
    title = saying.of_section(row, asking.lang)
    return Answer(values={"title": title, "count": len(codes)})


def entries(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """Titles with their numbers."""
    row = service.open_section(tx, values["section"])
    if row is None:
        return Answer(OFF)
    shown = page(service.codes(tx, row, _today(tx, asking)), values["start"])
    if not shown.items:
        return Answer(NONE)
    found = service.entries(tx, row, shown.items)
    return Answer(
        values={
            "words": saying.to_choose_by_number(found, asking.lang),
            "shown": " ".join(shown.items),
            "next": shown.next,
            "more": "yes" if shown.next else "no",
        }
    )


def entry(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """All of an entry, and the number of the one that follows it."""
    row = service.open_section(tx, values["section"])
    if row is None:
        return Answer(OFF)
    day = _today(tx, asking)
    found = service.entry(tx, row, values["code"], day)
    if found is None:
        return Answer(NOT_NOW if model.entry(tx, row["id"], values["code"]) else NONE)
    return Answer(
        values={"text": saying.whole(found, asking.lang), "next": _next(tx, row, found, day)}
    )


def _next(tx: Tx, section: Row, entry: Entry, day: str) -> str:
    """After the last one comes the first."""
    codes = service.codes(tx, section, day)
    return codes[(codes.index(entry.code) + 1) % len(codes)]


def _today(tx: Tx, asking: Asking) -> str:
    return service.today(tx.now_ms, asking.zone)


_LIST = {"words": "", "shown": "", "next": "", "more": ""}

OFFERS = [
    Offer(
        "information.sections",
        sections,
        "the sections that are on, each with a key, from place start on; more: yes or no",
        takes={"start": 6},
        gives=_LIST,
        others={NONE: "no section is on"},
    ),
    Offer(
        "information.pick",
        pick,
        "what a key of such a list stands for",
        takes={"shown": _SHOWN_MOST, "key": 1},
        gives={"what": ""},
        others={NONE: "this key stands for nothing"},
    ),
    Offer(
        "information.section_open",
        section_open,
        "a section's title and how many entries it has now",
        takes={"section": _SECTION_MOST},
        gives={"title": "", "count": "count"},
        others={NONE: "there is nothing in it", OFF: "it is switched off"},
    ),
    Offer(
        "information.list",
        entries,
        "titles of a section with their numbers, each with a key, from place start on",
        takes={"section": _SECTION_MOST, "start": 6},
        gives=_LIST,
        others={NONE: "there is nothing in it", OFF: "it is switched off"},
    ),
    Offer(
        "information.entry",
        entry,
        "an entry by its number; next: the number of the one after it",
        takes={"section": _SECTION_MOST, "code": CODE_MOST},
        gives={"text": "", "next": ""},
        others={
            NONE: "there is no such number", OFF: "the section is switched off",
            NOT_NOW: "it does not hold today",
        },
    ),
]  # fmt: skip
