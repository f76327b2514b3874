"""A hospital of two wards whose information system calls the beds its own names."""

from collections.abc import Callable
from datetime import timedelta, timezone
from typing import Any

import pytest

from central.admissions import model
from central.clock import FakeClock
from central.hospital import model as messages
from central.hospital import service
from central.store import Row, Store
from central.wards import model as wards
from gateway.his.message import parse

SENDER = "HIS/总院"
PEER = "10.1.2.3"
ZONE = timezone(timedelta(hours=8))
# FakeClock begins at 2026-09-21 22:13:20 in ZONE.
EARLIER = "20260921200000"


def adt(
    event: str = "A01",
    bed: str = "07",
    *,
    control_id: str | None = None,
    patient: str = "P1",
    visit: str | None = None,
    name: str = "张^三",
    sex: str = "F",
    birth: str = "19800102",
    kind: str = "E",
    prior: str = "",
    sent: str = EARLIER,
    location: str | None = None,
) -> bytes:
    """An ADT message about a patient in bed `bed` of ward 3, by the sender's names."""
    place = f"3E^^{bed}^总院" if location is None else location
    fresh = control_id or f"{event}-{patient}-{visit}-{bed}-{sent}"
    return (
        f"MSH|^~\\&|HIS|总院|WARDLINE|W|{sent}||ADT^{event}|{fresh}|P|2.5.1\r"
        f"EVN|{event}|{sent}\r"
        f"PID|1||{patient}||{name}||{birth}|{sex}\r"
        f"PV1|1|I|{place}|{kind}||{prior}|||||||||||||{visit or patient + '-1'}\r"
    ).encode()


def at(hour: int, minute: int = 0) -> str:
    """A sender's time of the day before the clock's beginning."""
    return f"202609{20 + hour // 24:02d}{hour % 24:02d}{minute:02d}00"


class Hospital:
    """Sends messages as the sender would and looks at what became of them."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def send(self, raw: bytes, peer: str = PEER) -> str:
        """The answer's text."""
        encoding = messages.encoding_of(self.store.read(), peer)
        with self.store.transaction() as tx:
            answer = service.take_message(tx, peer, raw, parse(raw, encoding), ZONE)
        return "" if answer is None else answer.decode("utf-8", errors="replace")

    def accepted(self, raw: bytes) -> Row:
        """Send; the message as stored."""
        assert "MSA|AA|" in self.send(raw)
        return self.last()

    def last(self) -> Row:
        row = self.store.read().one("SELECT * FROM his_messages ORDER BY id DESC LIMIT 1")
        assert row is not None
        return row

    def message(self, message: int) -> Row:
        row = messages.message(self.store.read(), message)
        assert row is not None
        return row

    def why(self, message: int | None = None) -> list[str]:
        row = self.last() if message is None else self.message(message)
        return [text for text, _ in messages.reasons(row)]

    def beds(self, ward: str = "3") -> dict[str, str]:
        """Patient by bed."""
        return {row["bed"]: row["patient"] for row in model.stays(self.store.read(), ward)}

    def spoken(self, ward: str = "3") -> list[str]:
        """What the station was asked to say, in order."""
        rows = self.store.read().all(
            "SELECT json_extract(body, '$.words.text') AS text FROM commands"
            " WHERE type = 'speak' AND ward = ? ORDER BY id",
            (ward,),
        )
        return [row["text"] for row in rows]

    def do(self, rule: Callable[..., Any], *args: Any, **options: Any) -> Any:
        with self.store.transaction() as tx:
            return rule(tx, *args, **options)


@pytest.fixture
def unmapped(store: Store) -> Hospital:
    with store.transaction() as tx:
        for ward, beds in (("3", range(1, 9)), ("5", range(1, 5))):
            wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
            wards.add_node(tx, f"{ward}-box", ward, "bedside")
            wards.add_node(tx, f"{ward}-station", ward, "station")
            for bed in beds:
                wards.add_bed(tx, ward, str(bed), f"{ward}-box")
    return Hospital(store)


@pytest.fixture
def hospital(unmapped: Hospital) -> Hospital:
    with unmapped.store.transaction() as tx:
        for bed in range(1, 9):
            service.map_location(tx, SENDER, f"3E^^{bed:02d}^总院", "3", str(bed), "e")
        for bed in range(1, 5):
            service.map_location(tx, SENDER, f"5W^^{bed:02d}^总院", "5", str(bed), "e")
        service.map_location(tx, SENDER, "ICU^^01^总院", None, None, "e")
    return unmapped


__all__ = ["FakeClock", "Hospital", "adt"]
