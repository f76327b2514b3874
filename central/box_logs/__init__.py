"""Excerpts of the logs of boxes, asked for by an engineer and told over MQTT."""
