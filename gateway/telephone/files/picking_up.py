"""A ringing phone of a colleague is answered from one's own, by its number."""

from collections.abc import Iterable

from gateway.telephone import text
from gateway.telephone.directory import Directory, Line
from gateway.telephone.files.features import PICK_UP_AT
from gateway.telephone.text import Context, Extension

CONTEXT = "picking-up"
# Why a call ends, by Q.850.
NOT_ALLOWED, NOBODY_RINGS = 21, 31


def belongs_to(group: str) -> str:
    """The variable that is set on every call of a phone in this pick-up group."""
    return f"IN_{text.word(group)}"


def contexts(directory: Directory) -> Iterable[Context]:
    yield Context(CONTEXT, [_pick_up(directory, each) for each in directory.lines])


def _pick_up(directory: Directory, line: Line) -> Extension:
    """Only for a phone that has a group in common with one of the line's."""
    number = text.pattern(line.number)
    groups = dict.fromkeys(
        group
        for phone in directory.phones
        if phone.device in line.devices
        for group in phone.groups
    )
    member = "".join(f"${{{belongs_to(group)}}}" for group in groups)
    return Extension(
        f"{PICK_UP_AT}{number}",
        [
            f'GotoIf($["{member}" = ""]?no)',
            f"Pickup({number}@PICKUPMARK)",
            f"Hangup({NOBODY_RINGS})",
            ("no", f"Hangup({NOT_ALLOWED})"),
        ],
    )
