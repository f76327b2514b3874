"""The console of `tests.console`, for the pages of spoken menus."""

from tests.console.conftest import app, as_user, config, db, site

__all__ = ["app", "as_user", "config", "db", "site"]
