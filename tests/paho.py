"""What every test does with a client of MQTT."""

import paho.mqtt.client as mqtt


def leave(client: mqtt.Client) -> None:
    """End it and its thread. The pair of sockets that paho keeps for itself is closed too: a
    garbage collector may come to them before it comes to their owner, and then they warn."""
    client.disconnect()
    client.loop_stop()
    client.reinitialise()
