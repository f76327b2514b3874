"""Entries as they are said on the telephone."""

import re
from collections.abc import Iterator

from central.flows.reading import Said, joined, read_out
from central.information.kinds import INSURED, RANKS
from central.information.service import Entry, section_title
from central.store import Row
from central.words import catalogue, seen, spoken
from gateway.speech.written import aloud

_END = re.compile(r"[\s。.,，;；]+$")


def whole(entry: Entry, wanted: str) -> Said:
    """All of an entry, and before it a word where it is there in Chinese only."""
    lang = entry.lang(wanted)
    texts = [(lang, sentence) for sentence in _sentences(entry, lang)]
    if lang != wanted:
        texts.insert(0, (wanted, spoken(wanted, "information.chinese_only") + " "))
    return Said(tuple(joined(texts)))


def _sentences(entry: Entry, lang: str) -> Iterator[str]:
    def text(name: str) -> str:
        return aloud(_END.sub("", str(entry.value(name, lang) or "")), lang)

    gap = "" if lang == "zh" else " "
    rank = RANKS.get(entry.values.get("rank", ""), "")
    head = [text("title"), text("department"), seen(lang, rank) if rank else ""]
    comma, stop = (",", "。") if lang == "zh" else (", ", ".")
    yield comma.join(filter(None, head)) + stop + gap
    for name in ("specialities", "clinic", "spec"):
        if said := text(name):
            yield spoken(lang, f"information.{name}", text=said) + gap
    if (fen := entry.values.get("price_fen")) is not None:
        words = "information.price_of" if text("unit") else "information.price"
        values = {"fen": fen} | ({"unit": text("unit")} if text("unit") else {})
        yield spoken(lang, words, **values) + gap
    if insured := entry.values.get("insured"):
        yield spoken(lang, "information.insured", text=seen(lang, INSURED[insured])) + gap
    if said := aloud(str(entry.value("text", lang) or "").strip(), lang):
        yield said


def of_section(row: Row, lang: str) -> Said:
    return Said((section_title(row, lang),))


def to_choose(titles: list[Said], lang: str) -> Said:
    """Each with the key that leads to it."""
    words = catalogue(lang)["information.choice"]
    return _one_after_the_other(
        read_out(words, {"title": title, "key": key}, lang)
        for key, title in enumerate(titles, start=1)
    )


def to_choose_by_number(entries: list[Entry], lang: str) -> Said:
    """Each with its number and the key that leads to it."""
    words = catalogue(lang)["information.entry_choice"]
    return _one_after_the_other(
        read_out(words, {"code": each.code, "title": _label(each, lang), "key": key}, lang)
        for key, each in enumerate(entries, start=1)
    )


def _label(entry: Entry, wanted: str) -> Said:
    """The title, of an expert with the department."""
    lang, title = entry.title(wanted)
    department = str(entry.value("department", lang) or "")
    comma = "," if lang == "zh" else ", "
    text = comma.join(filter(None, (title, department)))
    return Said(((lang, aloud(text, lang)),))


def _one_after_the_other(said: "Iterator[list[tuple[str, str]]]") -> Said:
    texts = [(lang, text if lang == "zh" else f"{text} ") for each in said for lang, text in each]
    return Said(tuple(joined(texts)))
