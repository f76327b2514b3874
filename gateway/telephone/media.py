"""What is played on a channel, with how long it takes where that is known."""

from collections.abc import Iterable
from typing import Self


class Timed(str):
    """As ARI names it, such as "sound:/path"; lasts_s: how long it takes."""

    lasts_s: float

    def __new__(cls, media: str, lasts_s: float) -> Self:
        made = super().__new__(cls, media)
        made.lasts_s = lasts_s
        return made


def lasts_s(media: Iterable[str]) -> float | None:
    """One after the other; None where that is not known."""
    total_s = 0.0
    for each in media:
        if not isinstance(each, Timed):
            return None
        total_s += each.lasts_s
    return total_s
