"""The console as in its own tests."""

from tests.console.conftest import app, as_user, config, db, quick_hashes

__all__ = ["app", "as_user", "config", "db", "quick_hashes"]
