"""Brokers never silently drop: what waits is all there, in order, after a restart or a cut."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.mqtt import topics
from provisioning import mosquitto
from tests.conftest import wait_for
from tests.provisioning.test_brokers import Brokers, Client

MANY = 20_000
EVENT = topics.topic("3", "3-box", topics.EVENT)
COMMAND = topics.topic("3", "3-box", topics.COMMAND)


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[Brokers]:
    started = Brokers(tmp_path)
    yield started
    started.close()


def _publish(client: Client, topic: str, count: int) -> None:
    """Publish the numbers below `count`; the broker has taken all when this returns."""
    before = len(client.answered)
    for number in range(count):
        client.mqtt.publish(topic, str(number), qos=1)
    wait_for(lambda: len(client.answered) == before + count, "the broker to take them")
    assert max(client.answered.values()) < 0x80


def _numbers(client: Client) -> list[int]:
    return [int(payload) for _, payload in client.heard]


def test_20000_messages_for_an_absent_subscriber_survive_a_restart(brokers: Brokers) -> None:
    event = topics.topic("7", "7-box", topics.EVENT)
    away = brokers.client("hospital", "bridge", keeps=True)
    away.subscribe(event)
    away.close()
    ward = brokers.client("hospital", "ward-7-events")
    _publish(ward, event, MANY)
    brokers.stop("hospital")  # SIGTERM: all is saved
    brokers.start("hospital")
    back = brokers.client("hospital", "bridge", keeps=True)
    wait_for(lambda: len(back.heard) >= MANY, "all that waited")
    wait_for(ward.mqtt.is_connected, "the ward to connect again")
    _publish(ward, event, 1)
    wait_for(lambda: len(back.heard) > MANY, "one message more, and no more than one")
    assert _numbers(back) == [*range(MANY), 0]


def test_what_a_ward_says_waits_over_a_restart_of_its_broker(brokers: Brokers) -> None:
    box = brokers.client("3", "3-box")
    central = brokers.client("hospital", "bridge", keeps=True)
    central.subscribe(EVENT)
    _publish(box, EVENT, 1)  # the line is up once this has come through
    wait_for(lambda: central.heard, "the first event")
    brokers.stop("hospital")
    _publish(box, EVENT, MANY)
    brokers.stop("3")
    brokers.start("3")
    brokers.start("hospital")
    wait_for(lambda: len(central.heard) > MANY, "what the ward's broker kept")
    wait_for(box.mqtt.is_connected, "the box to connect again")
    _publish(box, EVENT, 1)
    wait_for(lambda: len(central.heard) > MANY + 1, "one event more, and no more than one")
    assert _numbers(central) == [0, *range(MANY), 0]


def test_what_a_ward_is_told_waits_while_its_broker_is_away(brokers: Brokers) -> None:
    central = brokers.client("hospital", "bridge")
    box = brokers.client("3", "3-box", keeps=True)
    box.subscribe(COMMAND)
    _publish(central, COMMAND, 1)
    wait_for(lambda: box.heard, "the first command")
    brokers.stop("3")
    _publish(central, COMMAND, 2_000)
    brokers.start("3")
    wait_for(lambda: len(box.heard) > 2_000, "what the hospital's broker kept")
    assert _numbers(box) == [0, *range(2_000)]


def test_what_is_retained_for_a_box_waits_at_its_wards_broker(brokers: Brokers) -> None:
    config = topics.topic("3", "3-box", topics.CONFIG)
    station = brokers.client("3", "3-station")
    station.subscribe(config)
    brokers.client("hospital", "bridge").publish(config, "told", retain=True)
    wait_for(lambda: station.heard, "the config at the ward's broker")
    brokers.stop("hospital")
    box = brokers.client("3", "3-box")
    box.subscribe(config)
    wait_for(lambda: box.heard == [(config, b"told")], "the retained config")


def test_nothing_in_the_configuration_limits_a_queue(tmp_path: Path) -> None:
    mosquitto.write(
        broker := mosquitto.Broker(
            tmp_path / "b",
            1,
            (mosquitto.web_user("secret"),),
            upstream=mosquitto.Upstream(
                "3",
                2,
                mosquitto.ward_events_user("3", "secret"),
                mosquitto.ward_user("3", "secret"),
            ),
        )
    )
    settings = dict(line.split(maxsplit=1) for line in broker.config_file.read_text().splitlines())
    for name in ("queued_messages", "queued_bytes", "inflight_bytes"):
        assert settings[f"max_{name}"] == "0"
    assert settings["message_size_limit"] == settings["bridge_max_packet_size"] == "0"
    assert settings["cleansession"] == settings["local_cleansession"] == "false"
    assert settings["persistence"] == settings["set_tcp_nodelay"] == "true"
    limiting = {"persistent_client_expiration", "memory_limit", "max_packet_size"}
    assert not limiting & settings.keys()
