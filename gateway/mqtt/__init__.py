"""MQTT as central sees it: the message contract, its schemas, and the checked link."""

from ward_node.contract import claim, kinds, sound, topics, versions

__all__ = ["claim", "kinds", "sound", "topics", "versions"]
