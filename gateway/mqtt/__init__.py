"""MQTT as central sees it: the message contract, its schemas, and the checked link."""

from ward_node.contract import kinds, sound, topics

__all__ = ["kinds", "sound", "topics"]
