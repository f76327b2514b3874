"""What CPython and MicroPython name differently. Every import fall-back of the node is here."""

try:
    from typing import Any
except ImportError:  # MicroPython has no typing, and does not look at annotations
    Any = object  # type: ignore[assignment,misc,unused-ignore]

__all__ = ["Any"]
