"""The packets of the communicator's MQTT: read as another implementation writes them, and no
bytes of a broken broker do more than end the connection."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from ward_node.micropython import mqtt


def test_properties_as_paho_writes_them() -> None:
    given = Properties(PacketTypes.CONNACK)
    given.ReceiveMaximum = 20
    given.SessionExpiryInterval = 86_400
    given.AssignedClientIdentifier = "床"
    given.RetainAvailable = 1
    given.UserProperty = ("a", "b")
    body = b"\x00\x00" + given.pack()
    assert mqtt.parse_connack(body) == (
        0,
        {33: 20, 17: 86_400, 18: "床".encode(), 37: 1, 38: (b"a", b"b")},
    )


@given(st.text(max_size=300), st.binary(max_size=400), st.integers(1, 65_535) | st.none())
def test_what_is_published_is_read_back(topic: str, payload: bytes, number: int | None) -> None:
    packet = mqtt.publish(topic, payload, True, number, 3)
    head, body = packet[0], packet[1:]
    while body[0] & 128:
        body = body[1:]
    assert head & 1
    assert mqtt.parse_publish(head, body[1:]) == (topic, payload, number)


@pytest.mark.parametrize(
    "parse",
    [
        mqtt.parse_connack,
        mqtt.parse_ack,
        mqtt.parse_suback,
        lambda body: mqtt.parse_publish(0x32, body),
        lambda body: mqtt.properties(body, 0),
    ],
)
@given(body=st.binary(max_size=40))
def test_no_bytes_raise_anything_else(parse: Any, body: bytes) -> None:
    try:
        parse(body)
    except mqtt.MalformedPacketError:
        pass
