"""What is told to everybody now: which sections are on, which entries are in force, and what a
search finds. The telephone and the public page both ask here."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

from central.information import model
from central.information.initials import initials
from central.information.kinds import columns, lacks_english
from central.store import Row, Tx

# The word for what changed, in nudges.
INFORMATION = "information"
MOST_FOUND = 50
MOST_WORDS = 6


@dataclass(frozen=True)
class Entry:
    """An entry in force. values: by the columns of its kind."""

    section: str
    kind: str
    code: str
    values: Mapping[str, Any]

    def lang(self, wanted: str) -> str:
        """In which language it is told to who wants this one: what lacks a part of its English is
        told in Chinese as a whole."""
        return "zh" if wanted == "en" and lacks_english(self.kind, self.values) else wanted

    def title(self, wanted: str) -> tuple[str, str]:
        """(lang, title)."""
        english = str(self.values["title_en"])
        return ("en", english) if wanted == "en" and english else ("zh", self.values["title_zh"])

    def value(self, name: str, lang: str) -> Any:
        """Of a field in a language, or of one that has none."""
        return self.values.get(f"{name}_{lang}", self.values.get(name))


def today(now_ms: int, zone: tzinfo | None) -> str:
    return datetime.fromtimestamp(now_ms / 1000, zone).date().isoformat()


def open_sections(tx: Tx, day: str) -> list[Row]:
    """Those that are on and have something to tell."""
    counts = model.counts(tx, day)
    told = {id for id, row in counts.items() if row["told"]}
    return [row for row in model.sections(tx) if row["is_on"] and row["id"] in told]


def open_section(tx: Tx, id: str) -> Row | None:
    """One that is on."""
    row = model.section(tx, id)
    return row if row is not None and row["is_on"] else None


def codes(tx: Tx, section: Row, day: str) -> list[str]:
    """The numbers of the entries in force, in their order."""
    return model.codes(tx, section["id"], day)


def entries(tx: Tx, section: Row, codes: Sequence[str]) -> list[Entry]:
    rows = model.of_codes(tx, section["id"], codes)
    return [as_entry(row, section["kind"]) for row in rows]


def entry(tx: Tx, section: Row, code: str, day: str) -> Entry | None:
    """None: there is none, or it is not in force."""
    row = model.entry(tx, section["id"], code)
    return None if row is None or not is_in_force(row, day) else as_entry(row, section["kind"])


def is_in_force(row: Mapping[str, Any] | Row, day: str) -> bool:
    return bool(row["valid_from"] <= day and (not row["valid_to"] or day <= row["valid_to"]))


def as_entry(row: Row, kind: str) -> Entry:
    return Entry(row["section"], kind, row["code"], model.values_of(row, kind))


def section_title(row: Row, lang: str) -> tuple[str, str]:
    """(lang, title): a section may lack its English."""
    english = str(row["title_en"])
    return ("en", english) if lang == "en" and english else ("zh", row["title_zh"])


# --- search ---


def found(tx: Tx, text: str, day: str) -> list[Entry]:
    """What holds every word of `text`: parts of Chinese words, English words, numbers, or the first
    letters of a title's pinyin."""
    words = searchable(text).split()[:MOST_WORDS]
    if not words:
        return []
    return [as_entry(row, row["kind"]) for row in model.found(tx, words, day, MOST_FOUND)]


def searchable(text: str) -> str:
    """One form of what looks alike: small letters, no wide ones."""
    return unicodedata.normalize("NFKC", text).lower()


def find_text(kind: str, values: Mapping[str, Any]) -> str:
    """In what an entry is searched."""
    texts = [str(values["code"])]
    texts += [str(values[column]) for column, field in columns(kind) if field.both]
    texts += [initials(str(values.get(f"{name}_zh", ""))) for name in ("title", "department")]
    return searchable("\n".join(filter(None, texts)))
