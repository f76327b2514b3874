"""A broker and a box as the node's own tests have them, and the console's users."""

from tests.console.conftest import app, as_user, config, db
from tests.ward_node.conftest import box, broker, central

__all__ = ["app", "as_user", "box", "broker", "central", "config", "db"]
