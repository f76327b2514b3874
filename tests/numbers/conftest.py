"""The console of tests/console."""

from tests.console.conftest import app, as_user, config, db  # noqa: F401
