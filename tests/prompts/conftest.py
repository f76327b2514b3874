"""The console with its users, for recorded words of menus."""

from tests.console.conftest import app, as_user, config, site

__all__ = ["app", "as_user", "config", "site"]
