"""A broker and a box, as the node's own tests have them."""

from tests.ward_node.conftest import box, broker, central

__all__ = ["box", "broker", "central"]
