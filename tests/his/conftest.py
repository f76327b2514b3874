"""Messages to send, and somebody who takes them."""

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from gateway.his import ack
from gateway.his.adt import AdtEvent
from gateway.his.message import Parsed

SAMPLES = sorted((Path(__file__).parent.parent / "data" / "hl7").glob("*.hl7"))
AT = datetime(2026, 11, 24, 14, 5, 10, tzinfo=timezone(timedelta(hours=8)))


def message(
    event: str = "A01",
    *,
    control_id: str = "C1",
    name: str = "张^三",
    charset: str = "",
    msh: str = "",
    location: str = "3E^301^05^总院",
) -> str:
    """An ADT message with CR line ends. `msh`: what follows MSH-12 instead of MSH-18."""
    tail = msh or (f"||||||{charset}" if charset else "")
    return (
        f"MSH|^~\\&|HIS|总院|WARDLINE|W|20261124140000||ADT^{event}|{control_id}|P|2.5.1{tail}\r"
        f"EVN|{event}|20261124140000\r"
        f"PID|1||P1^^^H^MR||{name}||19800102|F\r"
        f"PV1|1|I|{location}|E|||||||||||||||V1\r"
    )


def stay_of(parsed: Parsed) -> AdtEvent:
    """The one event of an ADT message."""
    [event] = parsed.events
    assert isinstance(event, AdtEvent)
    return event


class Ward:
    """A Hospital that keeps what it is given and accepts what can be understood."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes, Parsed]] = []
        self.encodings: dict[str, str] = {}
        self.failing: Exception | None = None

    def encoding_of(self, peer: str) -> str | None:
        return self.encodings.get(peer)

    async def take(self, peer: str, raw: bytes, parsed: Parsed) -> bytes | None:
        if self.failing is not None:
            raise self.failing
        self.taken.append((peer, raw, parsed))
        return ack.build(
            parsed.header, parsed.refusal, encoding=parsed.encoding, own_id="W1", at=AT
        )


@pytest.fixture
def ward() -> Ward:
    return Ward()
