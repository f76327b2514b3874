"""One real exchange for each module of tests that asks for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.telephone.directory import Directory, Line, Phone, Rights, Service
from tests.telephone.running import RunningExchange

STATION, OFFICE = "0015650a1b2c", "0015650a1b2d"
NIGHT = "0015650a1b2f"  # picks up for the station
# Stands in the directory and is never plugged in.
ABSENT = "0015650a1b2e"


@pytest.fixture(scope="module")
def directory() -> Directory:
    """Three telephones, one that is never there, and two numbers of the application."""
    return Directory(
        rights=(Rights("internal"),),
        phones=(
            Phone(
                STATION, "station-secret", "internal", "8003", "三病区护士站", groups=("nurses",)
            ),
            Phone(OFFICE, "office-secret", "internal", "8101", "Office", lang="en"),
            Phone(NIGHT, "night-secret", "internal", "8104", groups=("nurses",)),
            Phone(ABSENT, "absent-secret", "internal", "8102"),
        ),
        lines=(
            Line("8003", (STATION,)),
            Line("8101", (OFFICE,)),
            Line("8104", (NIGHT,)),
            Line("8999", ()),
        ),
        services=(Service("120", "emergency", ("8003",)), Service("621", "broadcast")),
    )


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory)
    running.start()
    yield running
    running.close()
