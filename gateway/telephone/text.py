"""Asterisk's configuration files as text, from data that cannot break out of its line.

In such a file a line break begins a new setting, and a semicolon a comment. In the dial plan
${ }, $[ ], commas and parentheses are a language, too: whatever a person typed gets there only
through `word` or `spoken_name`.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Asterisk reads lines of 8,192 bytes and cuts off the rest without a word.
MOST_LINE_BYTES = 8000
_WORD = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}")
_PATTERN = re.compile(r"_?[0-9XZN*#]{1,24}|[a-z]{1,16}|T")
# What means something inside a quoted caller name or in the dial plan.
_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f"\\<>;$`{}\[\](),&^|~%@]')


class UnsafeTextError(ValueError):
    """A text that cannot stand in Asterisk's configuration; says which and why."""

    error_id = "exchange-unsafe-text"


def word(text: str) -> str:
    """`text`, if it is a plain name: letters, digits, dot, dash. Raises UnsafeTextError."""
    if not _WORD.fullmatch(text):
        raise UnsafeTextError(f"{text!r} is no plain name (letters, digits, '_', '-', '.')")
    return text


def pattern(text: str) -> str:
    """`text`, if it is a number or a pattern of fixed length. Raises UnsafeTextError."""
    if not _PATTERN.fullmatch(text):
        raise UnsafeTextError(f"{text!r} is no number and no pattern of fixed length")
    return text


def spoken_name(text: str) -> str:
    """A person's or room's name with everything left out that is more than a letter."""
    return " ".join(_NOT_IN_NAMES.sub(" ", text).split())[:40]


def _value(text: str) -> str:
    if any(each in text for each in "\r\n\0"):
        raise UnsafeTextError(f"{text!r} has a line break")
    return text.replace(";", r"\;")


def _line(text: str) -> str:
    if len(text.encode()) > MOST_LINE_BYTES:
        raise UnsafeTextError(f"a line longer than Asterisk reads: {text[:60]!r}...")
    return text


@dataclass(frozen=True)
class Section:
    """A [name] with its settings in order; a key may come more than once."""

    name: str
    settings: Sequence[tuple[str, str]] = ()

    def lines(self) -> Iterable[str]:
        yield f"[{word(self.name)}]"
        for key, value in self.settings:
            yield _line(f"{word(key)} = {_value(value)}")


@dataclass(frozen=True)
class Extension:
    """A number or pattern and what happens when it is dialled, step by step. A step is an
    application with its arguments, or (label, application)."""

    number: str
    steps: Sequence[str | tuple[str, str]] = ()
    hint: str = ""

    def lines(self) -> Iterable[str]:
        number = pattern(self.number)
        if self.hint:
            yield _line(f"exten => {number},hint,{_value(self.hint)}")
        for place, step in enumerate(self.steps):
            label, application = ("", step) if isinstance(step, str) else step
            mark = f"({word(label)})" if label else ""
            lead = " same => n" if place else f"exten => {number},1"
            yield _line(f"{lead}{mark},{_value(application)}")


@dataclass(frozen=True)
class Context:
    """A part of the dial plan. What is included is looked at after its own numbers."""

    name: str
    extensions: Sequence[Extension] = ()
    includes: Sequence[str] = ()

    def lines(self) -> Iterable[str]:
        yield f"[{word(self.name)}]"
        for each in self.extensions:
            yield from each.lines()
        for name in self.includes:
            yield f"include => {word(name)}"


def file(*parts: Section | Context, include: str = "") -> str:
    """A whole file. `include`: the file in the same folder whose lines come last, if it is
    there."""
    blocks = ["\n".join(part.lines()) for part in parts]
    if include:
        blocks.append(f"#tryinclude {word(include)}")
    return "\n\n".join(["; Written by Wardline; changes here are lost.", *blocks]) + "\n"
