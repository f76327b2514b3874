"""Between a message and the rules that act on it."""

from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any

# A text of the catalogues and its values.
Reason = tuple[str, dict[str, Any]]


@dataclass
class Told:
    """What a rule is given beside the event, and where it says what follows for other messages.

    `ref`: the message, for the audit ("his/123"). `zone`: of times without one; None: the system's.
    `force`: a person decided that the message is right and what is known is wrong."""

    ref: str
    sender: str
    zone: tzinfo | None = None
    force: bool = False
    settled: str = ""
    freed: set[str] = field(default_factory=set)

    def settles(self, reason: str) -> None:
        """Older messages of this kind about the visit that still wait no longer matter. `reason`:
        the text that they show then; its value `id` is this message."""
        self.settled = reason

    def frees(self, reason: str) -> None:
        """Messages that are held for `reason` may be tried again."""
        self.freed.add(reason)


class HeldError(Exception):
    """The message cannot be applied before a person, or a later message, acts."""

    error_id = "hospital-held"

    def __init__(self, text: str, **values: Any) -> None:
        super().__init__(text % values if values else text)
        self.reason: Reason = (text, values)
