"""The words of a menu with their values, read as people say them: {fee.total:money}."""

import string
from collections.abc import Iterator, Mapping
from typing import Any

from gateway.speech import say

# How a value may be read, as after the colon.
READINGS = tuple(say.READ_AS)


class UnreadableError(Exception):
    """A value is missing, or cannot be read as the words want it."""

    error_id = "flow-words"


class _Formatter(string.Formatter):
    """Values by their whole name, dots and all: nothing behind them can be reached."""

    def __init__(self, lang: str) -> None:
        self._lang = lang

    def get_field(self, field_name: str, args: Any, kwargs: Any) -> tuple[Any, str]:
        return kwargs[field_name], field_name

    def format_field(self, value: Any, format_spec: str) -> str:
        return say.READ_AS[format_spec](value, self._lang) if format_spec else str(value)


def read_out(text: str, values: Mapping[str, Any], lang: str) -> str:
    """Raises UnreadableError."""
    try:
        return _Formatter(lang).vformat(text, (), values)
    except (KeyError, ValueError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise UnreadableError(f"{text!r}: {error!r}") from error


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
