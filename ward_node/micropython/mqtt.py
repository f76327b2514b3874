"""The packets of MQTT 5 that a node needs, as bytes. Sans-IO.

Of the client packages for MicroPython none speaks MQTT 5, whose answers tell a refusal from a
success, and those for boards wait in their sockets, where the node has buttons to watch.
"""

import struct

from ward_node.compat import Any

CONNACK, PUBLISH, PUBACK, SUBACK, PINGRESP, DISCONNECT = 2, 3, 4, 9, 13, 14
REFUSED_FROM = 128  # reason codes from here on are failures
PINGREQ = b"\xc0\x00"
GOODBYE = b"\xe0\x00"
MOST_LENGTH_BYTES = 4

# Properties by number: how their value is written. "s" text or bytes with a length, "p" a pair
# of texts, "v" a number of variable length, else as in `struct`.
_PROPERTIES = {
    1: "B", 2: "I", 3: "s", 8: "s", 9: "s", 11: "v", 17: "I", 18: "s", 19: "H", 21: "s", 22: "s",
    23: "B", 24: "I", 25: "B", 26: "s", 28: "s", 31: "s", 33: "H", 34: "H", 35: "H", 36: "B",
    37: "B", 38: "p", 39: "I", 40: "B", 41: "B", 42: "B",
}  # fmt: skip
MESSAGE_EXPIRY, SESSION_EXPIRY, RECEIVE_MAXIMUM, MOST_BYTES = 2, 17, 33, 39


class MalformedPacketError(Exception):
    """The broker sent what is no MQTT 5; the connection cannot go on."""

    error_id = "mqtt-malformed"


def connect(
    client: str, keepalive_s: int, expiry_s: int, most_bytes: int, will: "tuple[str, bytes]",
    username: str | None, password: str | None,
) -> bytes:  # fmt: skip
    """Keeps the session of an earlier connection. `will`: topic and payload, QoS 1, retained."""
    flags = 0x04 | 0x08 | 0x20
    flags |= (0x80 if username is not None else 0) | (0x40 if password is not None else 0)
    asked = struct.pack(">BIBI", SESSION_EXPIRY, expiry_s, MOST_BYTES, most_bytes)
    body = _text("MQTT") + struct.pack(">BBH", 5, flags, keepalive_s)
    body += _length(len(asked)) + asked
    body += _text(client) + b"\x00" + _text(will[0]) + _bytes(will[1])
    for each in (username, password):
        if each is not None:
            body += _text(each)
    return _packet(0x10, body)


def subscribe(number: int, filters: "list[tuple[str, int]]") -> bytes:
    """`filters`: topic filter and QoS each."""
    body = struct.pack(">H", number) + b"\x00"
    for name, qos in filters:
        body += _text(name) + bytes([qos])
    return _packet(0x82, body)


def publish(
    topic: str, payload: bytes, retain: bool, number: int | None, expiry_s: int | None = None
) -> bytes:
    """QoS 1 with `number`, QoS 0 without. The broker may drop it after `expiry_s`."""
    head = 0x30 | (0x01 if retain else 0) | (0x02 if number is not None else 0)
    body = _text(topic)
    if number is not None:
        body += struct.pack(">H", number)
    told = b"" if expiry_s is None else struct.pack(">BI", MESSAGE_EXPIRY, expiry_s)
    return _packet(head, body + _length(len(told)) + told + payload)


def puback(number: int) -> bytes:
    return _packet(0x40, struct.pack(">H", number))


def parse_connack(body: bytes) -> "tuple[int, dict[int, Any]]":
    """(reason code, properties). Raises MalformedPacketError."""
    if len(body) < 3:
        raise MalformedPacketError("a CONNACK cut short")
    return body[1], properties(body, 2)[0]


def parse_publish(head: int, body: bytes) -> "tuple[str, bytes, int | None]":
    """(topic, payload, number or None). Raises MalformedPacketError."""
    try:
        topic, at = _text_at(body, 0)
        number = None
        if head & 0x06:
            number = struct.unpack(">H", body[at : at + 2])[0]
            at += 2
        _known, at = properties(body, at)
        return topic.decode(), body[at:], number
    except (ValueError, IndexError):
        raise MalformedPacketError("a PUBLISH that makes no sense")  # noqa: B904


def parse_ack(body: bytes) -> "tuple[int, int]":
    """(number, first reason code) of a PUBACK. Raises MalformedPacketError."""
    if len(body) < 2:
        raise MalformedPacketError("an acknowledgement cut short")
    return struct.unpack(">H", body[:2])[0], body[2] if len(body) > 2 else 0


def parse_suback(body: bytes) -> "tuple[int, bytes]":
    """(number, a reason code for each filter). Raises MalformedPacketError."""
    number, _ = parse_ack(body)
    return number, body[properties(body, 2)[1] :]


def properties(body: bytes, at: int) -> "tuple[dict[int, Any], int]":
    """The properties that start at `at`, and where they end. Raises MalformedPacketError."""
    found: dict[int, Any] = {}
    try:
        length, at = _number_at(body, at)
        end = at + length
        while at < end:
            key = body[at]
            found[key], at = _value_at(_PROPERTIES[key], body, at + 1)
    except (KeyError, IndexError, ValueError):
        raise MalformedPacketError("properties that make no sense")  # noqa: B904
    if at != end or end > len(body):
        raise MalformedPacketError("properties cut short")
    return found, end


def _value_at(shape: str, body: bytes, at: int) -> "tuple[Any, int]":
    if shape == "s":
        return _text_at(body, at)
    if shape == "p":
        key, at = _text_at(body, at)
        value, at = _text_at(body, at)
        return (key, value), at
    if shape == "v":
        return _number_at(body, at)
    size = struct.calcsize(shape)
    piece = body[at : at + size]
    if len(piece) < size:
        raise ValueError
    return struct.unpack(">" + shape, piece)[0], at + size


def _text_at(body: bytes, at: int) -> "tuple[bytes, int]":
    length = body[at] << 8 | body[at + 1]
    text = body[at + 2 : at + 2 + length]
    if len(text) < length:
        raise ValueError
    return text, at + 2 + length


def _number_at(body: bytes, at: int) -> "tuple[int, int]":
    """A number of variable length, seven bits a byte, the lowest first."""
    value = 0
    for place in range(MOST_LENGTH_BYTES):
        byte = body[at + place]
        value |= (byte & 127) << (7 * place)
        if byte < 128:
            return value, at + place + 1
    raise ValueError


def _length(value: int) -> bytes:
    found = []
    while True:
        value, low = value >> 7, value & 127
        found.append(low | (128 if value else 0))
        if not value:
            return bytes(found)


def _text(text: str) -> bytes:
    return _bytes(text.encode())


def _bytes(content: bytes) -> bytes:
    return struct.pack(">H", len(content)) + content


def _packet(head: int, body: bytes) -> bytes:
    return bytes([head]) + _length(len(body)) + body


async def read(reader: Any, most_bytes: int) -> "tuple[int, bytes]":
    """(first byte, the rest after the length) of the next packet. Raises OSError or EOFError
    when the connection ends, MalformedPacketError."""
    head = (await reader.readexactly(1))[0]
    length = 0
    for place in range(MOST_LENGTH_BYTES):
        byte = (await reader.readexactly(1))[0]
        length |= (byte & 127) << (7 * place)
        if byte < 128:
            break
    else:
        raise MalformedPacketError("a packet without end")
    if length > most_bytes:
        raise MalformedPacketError("a packet of " + str(length) + " bytes")
    return head, (await reader.readexactly(length)) if length else b""
