"""The hospital of `tests.admissions`, whose system sends all sorts of messages."""

from tests.admissions.conftest import hospital, unmapped

__all__ = ["hospital", "unmapped"]
