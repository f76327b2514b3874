"""The console as in its own tests."""

from tests.console.conftest import config

__all__ = ["config"]
