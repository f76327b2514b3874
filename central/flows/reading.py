"""The words of a menu with their values, read as people say them: {fee.total:money}."""

import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.speech import say

# How a value may be read, as after the colon.
READINGS = tuple(say.READ_AS)


class UnreadableError(Exception):
    """A value is missing, or cannot be read as the words want it."""

    error_id = "flow-words"


@dataclass(frozen=True)
class Said:
    """A value that is words, each in a language of its own: what exists in Chinese only is said in
    Chinese amid English ones. texts: (lang, text)."""

    texts: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return "".join(text for _, text in self.texts)


def read_out(text: str, values: Mapping[str, Any], lang: str) -> list[tuple[str, str]]:
    """(lang, text) of what is to be said, mostly one. Values are found by their whole name, dots
    and all: nothing behind them can be reached. Raises UnreadableError."""
    found: list[tuple[str, str]] = []
    try:
        for literal, name, spec, conversion in string.Formatter().parse(text):
            found.append((lang, literal))
            if name is None:
                continue
            if not name or conversion:
                raise ValueError(f"{{{name}!{conversion}}}")
            found += _value(values[name], spec or "", lang)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise UnreadableError(f"{text!r}: {error!r}") from error
    return joined(found)


def _value(value: Any, spec: str, lang: str) -> list[tuple[str, str]]:
    if isinstance(value, Said):
        if spec:
            raise ValueError(f"words are not read as {spec}")
        return list(value.texts)
    return [(lang, say.READ_AS[spec](value, lang) if spec else str(value))]


def joined(texts: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Neighbours of one language as one; without what has nothing to be said."""
    found: list[tuple[str, str]] = []
    for lang, text in texts:
        if found and found[-1][0] == lang:
            text = found.pop()[1] + text
        found.append((lang, text))
    return [each for each in found if any(letter.isalnum() for letter in each[1])]


def placeholders(text: str) -> Iterator[tuple[str, str]]:
    """(name, reading) of each value that the words want. Raises UnreadableError."""
    try:
        for _, name, spec, conversion in string.Formatter().parse(text):
            if name is None:
                continue
            if not name or conversion or (spec and spec not in say.READ_AS):
                raise UnreadableError(f"{{{name}:{spec}}}")
            yield name, spec or ""
    except ValueError as error:
        raise UnreadableError(str(error)) from error
