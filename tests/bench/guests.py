"""Accounts and connections that benchmarks have at the brokers."""

import secrets
import threading
from collections.abc import Callable

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from gateway.mqtt import topics
from provisioning.mosquitto import User, watcher_user

ANSWER_TIMEOUT_S = 20.0
# Nobody else listens to it.
HOP = topics.topic("bench", "bench", topics.RECEIPT)


def watcher(name: str, *kinds: str) -> User:
    """Hears `kinds` of all wards."""
    return watcher_user(name, secrets.token_urlsafe(24), *kinds)


def hop_ends() -> tuple[User, User]:
    """Two who may say something to one another, on HOP."""
    rule = (f"topic readwrite {HOP}",)
    one, other = (User(f"bench-hop-{n}", secrets.token_urlsafe(24), rule) for n in (1, 2))
    return one, other


def connect(port: int, user: User) -> mqtt.Client:
    """A client whose network thread is running. End it with `tests.paho.leave`."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, user.name, protocol=mqtt.MQTTv5)
    client.username_pw_set(user.name, user.password)
    client.connect("127.0.0.1", port)
    client.loop_start()
    return client


def hear(client: mqtt.Client, topic: str, told: Callable[[mqtt.MQTTMessage], None]) -> None:
    """Subscribe and wait until the broker has agreed."""
    agreed = threading.Event()
    client.on_message = lambda _client, _data, message: told(message)
    client.on_subscribe = lambda *_: agreed.set()
    client.subscribe(topic, qos=1)
    if not agreed.wait(ANSWER_TIMEOUT_S):
        raise TimeoutError(f"no answer to the subscription of {topic}")
