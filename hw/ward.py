"""What a node asks of its ward hardware, whatever it is made of."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

# Told in the event loop's thread: bed (None when it concerns the whole box), one of
# `hw.kinds`, and what else is known.
OnEvent = Callable[[str | None, str, dict[str, Any]], None]


class WardHardware(Protocol):
    """The buttons, lights and speaker relays of the beds that one node serves.

    None of the methods raises when the hardware is broken: that is told as a `fault` event.
    They raise KeyError for a bed that is not wired, ValueError for an unknown light pattern.
    """

    def start(self, on_event: OnEvent) -> None:
        """Begin to report. Call it once, from within the running event loop."""

    async def close(self) -> None:
        """Stop and free the hardware. Nothing is reported afterwards."""

    def set_lamp(self, bed: str, pattern: str) -> None:
        """Show `pattern` on the lamp over the bed (or its door)."""

    def set_reassurance(self, bed: str, pattern: str) -> None:
        """Show `pattern` on the small light beside the red button."""

    def route(self, beds: Sequence[str]) -> None:
        """Let sound be heard at `beds` and nowhere else; empty: the box's own speaker."""

    async def selftest(self) -> dict[str, dict[str, Any]]:
        """By bed: {"broken": [part]}, or {"error"} where it could not be asked."""

    async def prove(self, bed: str) -> tuple[str, str] | None:
        """Make a test press at `bed`, as near to the finger as this hardware can: it is told as
        `test_press`, soon. Or why none can be made: a code of `hw.kinds` and a detail."""

    @property
    def poll_ms(self) -> int | None:
        """How long the last round over all beds took, in ms; None when nothing is polled."""

    def silent_beds(self) -> list[str]:
        """Beds whose buttons cannot be heard at the moment."""


class NoWard:
    """A node without beds, such as a nurses' station."""

    poll_ms: int | None = None

    def start(self, on_event: OnEvent) -> None:
        pass

    async def close(self) -> None:
        pass

    def set_lamp(self, bed: str, pattern: str) -> None:
        raise KeyError(bed)

    set_reassurance = set_lamp

    def route(self, beds: Sequence[str]) -> None:
        pass

    async def selftest(self) -> dict[str, dict[str, Any]]:
        return {}

    async def prove(self, bed: str) -> tuple[str, str] | None:
        raise KeyError(bed)

    def silent_beds(self) -> list[str]:
        return []
