"""The service manager, as every program of ours speaks to it."""

from ward_node.contract.manager import Manager

__all__ = ["Manager"]
