"""Calls as a real exchange (22.10.1) wrote them down, and a hospital that knows its phones."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from central.clock import FakeClock, SystemClock
from central.directory import facilities, outside, service
from central.store import Store, Tx
from gateway.telephone.cel import CallEvent, parse
from tests.conftest import free_port

# A console over two wards, with a user of each role.
from tests.console.conftest import app, as_user, config  # noqa: F401

WRITTEN = Path(__file__).with_name("written")
NAMES = sorted(path.stem for path in WRITTEN.glob("*.json"))
STATION, OFFICE, NIGHT = "0015650a1b2c", "0015650a1b2d", "0015650a1b2f"


def lines(name: str) -> list[bytes]:
    return (WRITTEN / f"{name}.json").read_bytes().splitlines(keepends=True)


def written(*names: str) -> list[CallEvent]:
    return [parse(line) for name in names for line in lines(name)]


def moved(event: CallEvent, later_us: int, other: str) -> CallEvent:
    """The same of another call at another time."""
    extra = {
        key: value + other if key.endswith(("uniqueid", "bridge_id")) else value
        for key, value in event.extra.items()
    }
    return replace(
        event, at_us=event.at_us + later_us, unique=event.unique + other,
        linked=event.linked + other, extra=extra,
    )  # fmt: skip


def build(tx: Tx) -> None:
    outside.add_class(tx, "local", "市话")
    for number, label, device in (
        ("8003", "三病区护士站", STATION), ("8101", "Office", OFFICE), ("8104", "Night", NIGHT),
    ):  # fmt: skip
        service.add_extension(tx, number, label)
        rights = "local" if number == "8101" else "internal"
        service.add_phone(tx, device, number, rights=rights)
    service.add_service(tx, "120", "emergency", ["8003"])
    facilities.add_room(tx, "8800", "查房会议")
    outside.add_trunk(tx, "world", "192.0.2.7:5060", inbound={"62345678": "8003"})
    outside.add_route(tx, "city", "world", ["9NXXXXXXX"], strip=1)
    outside.add_route(tx, "mobile", "world", ["913NXXXXXXXX"], strip=1)
    outside.allow(tx, "local", ["city", "mobile"])


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    clock.value_ms = 1_795_902_600_000
    opened = Store(tmp_path / "wardline.db", clock)
    with opened.transaction() as tx:
        build(tx)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def world() -> int:
    """The port where a hospital with an exchange of its own reaches the world."""
    return free_port()


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory, world: int) -> Iterator[Store]:
    """For a module that has an exchange of its own."""
    opened = Store(tmp_path_factory.mktemp("hospital") / "wardline.db", SystemClock())
    with opened.transaction() as tx:
        build(tx)
        tx.execute("UPDATE trunks SET host = ?", (f"127.0.0.1:{world}",))
    yield opened
    opened.close()
