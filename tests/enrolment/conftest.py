"""The console as in its own tests."""

from tests.console.conftest import app, as_user, config, db

__all__ = ["app", "as_user", "config", "db"]
