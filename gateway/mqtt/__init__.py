"""MQTT as central sees it: the message contract, its schemas, and the checked link."""

from ward_node.contract import claim, kinds, sound, topics

__all__ = ["claim", "kinds", "sound", "topics"]
