"""The console as in its own tests."""

from tests.console.conftest import config, quick_hashes

__all__ = ["config", "quick_hashes"]
