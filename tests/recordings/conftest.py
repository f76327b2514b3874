"""The console with its users, for recordings."""

from tests.console.conftest import app, as_user  # noqa: F401
