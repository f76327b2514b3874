"""A list by telephone, so many things at a time, each with a key of its own. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

# Keys 1 to 6; 7 and up lead elsewhere.
PER_PAGE = 6

T = TypeVar("T")


@dataclass(frozen=True)
class Page(Generic[T]):
    """next: what the following page begins with, "" where this is the last one."""

    items: Sequence[T]
    next: str


def page(items: Sequence[T], start: str) -> Page[T]:
    """From place `start` on; from the first one where there is nothing at it."""
    first = int(start) if start.isascii() and start.isdigit() and len(start) < 7 else 0
    if first >= len(items):
        first = 0
    end = first + PER_PAGE
    return Page(items[first:end], str(end) if end < len(items) else "")
