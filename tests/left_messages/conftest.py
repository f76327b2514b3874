"""The console with its users, for messages that callers left."""

from tests.console.conftest import app, as_user  # noqa: F401
