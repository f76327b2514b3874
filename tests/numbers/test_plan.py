"""The numbers plan says what the exchange is really told, and finds what gets in the way."""

import re

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from central.clock import FakeClock
from central.numbers import plan
from central.numbers.plan import Names
from central.store import Store
from gateway.telephone import files
from gateway.telephone.directory import (
    Directory,
    Line,
    Parking,
    Phone,
    Rights,
    Room,
    Route,
    Service,
    Trunk,
)
from gateway.telephone.exchange import Exchange, Ports
from gateway.telephone.personal import SpeedDial
from tests.console.busy import fill_directory
from tests.visitor import log_in

EXCHANGE = Exchange(Ports(5060, 8088, 20_000), "x")
PHONES = tuple(Phone(f"00156500000{n}", "secret", "staff", "8003", groups=("a",)) for n in range(2))
HOUSE = Directory(
    rights=(Rights("staff", ("city", "ambulance")),),
    phones=PHONES,
    lines=(Line("8003", tuple(each.device for each in PHONES), mailbox=True), Line("8004", ())),
    services=(Service("8600", "menu_main", ("8003",)), Service("*97", "voicemail")),
    trunks=(Trunk("world", "192.0.2.7:5060", inbound=(("62345678", "8003"),)),),
    routes=(
        Route("city", "world", ("9NXXXXXXX",), strip=1),
        Route("ambulance", "world", ("120",), always=True),
    ),
    rooms=(Room("8800", "4711"),),
    parking=Parking("8700", ("8701", "8702")),
    speed=(SpeedDial("*001", "8003", ""), SpeedDial("*002", "8004", "8003")),
    record_by_key=True,
)
NAMES = Names({"8003": "护士站"}, {"8003": ["Service desk"]}, frozenset({"main"}))


def numbers(house: Directory) -> list[str]:
    return [each.number for each in plan.entries(house, NAMES)]


def dialled(house: Directory) -> set[str]:
    """What stands in the dial plan that the exchange is given, beside what only it goes to."""
    text = files.living(EXCHANGE, house)["extensions.conf"]
    found: set[str] = set()
    context = ""
    for line in text.splitlines():
        if match := re.match(r"\[([\w-]+)\]", line):
            context = match[1]
        match = re.match(r"exten\s*=>?\s*_?([^,]+),1,", line)
        ours = context in ("lines", "services", "rooms", "picking-up") or context.startswith(
            ("from-", "inbound-", "route-")
        )
        if match and ours:
            found.add("**" if match[1].startswith("**") else match[1])
    return found


def test_the_plan_holds_all_that_can_be_dialled_and_nothing_else() -> None:
    codes = {"*8", "*1", "*2", "*3", "*4", "*5", "*7"}  # of features.conf
    parked = {"8700", "8701", "8702"}  # of res_parking.conf
    assert len(dialled(HOUSE)) == 11
    assert set(numbers(HOUSE)) == dialled(HOUSE) | codes | parked
    assert numbers(HOUSE)[:3] == ["120", "62345678", "8003"]
    assert [each for each in numbers(HOUSE) if each.startswith("*")] == numbers(HOUSE)[-11:]


def test_each_number_says_what_it_does_and_where_it_is_edited() -> None:
    found = {each.number: each for each in plan.entries(HOUSE, NAMES)}
    assert (found["8003"].kind, found["8003"].page) == (plan.RING_GROUP, ("extensions", "8003"))
    assert [each.message for each in found["8003"].more] == [
        "Service desk", "%(n)s telephones ring together", "has a mailbox",
    ]  # fmt: skip
    assert [each.message for each in found["8004"].more] == ["no telephone rings for it"]
    assert found["8600"].kind == plan.MENU
    assert found["120"].kind == plan.EMERGENCY
    city = found["9NXXXXXXX"].what
    assert isinstance(city, plan.Words)
    assert (city.values["prefix"], city.values["n"]) == ("9", 8)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, ""),
        ({"routes": (Route("city", "world", ("8XXX",)),)}, "is a number of the house"),
        ({"routes": (Route("city", "world", ("9NXX",)), Route("ambulance", "world", ("9X0X",)))},
         "have numbers in common"),
        ({"speed": (SpeedDial("*097", "8003", ""),), "services": (Service("*097", "voicemail"),)},
         "is a speed dial and a service"),
        ({"speed": (SpeedDial("*001", "7777", ""),)}, "which no telephone may dial"),
        ({"rooms": (Room("80"),)}, "is the beginning of"),
        ({"services": (Service("8600", "menu_gone"),)}, "spoken menu that is not there"),
    ],
)  # fmt: skip
def test_what_gets_in_the_way_is_found(change: dict[str, object], message: str) -> None:
    parts = {key: getattr(HOUSE, key) for key in HOUSE.__dataclass_fields__}
    if "routes" in change:
        parts["rights"] = (Rights("staff", tuple(each.name for each in change["routes"])),)  # type: ignore[attr-defined]
    told = plan.clashes(Directory(**(parts | change)), NAMES)
    assert [each.message for each in told if message in each.message][:1] or not message
    assert bool(told) == bool(message)


PATTERNS = st.text("0129XZN", min_size=2, max_size=4)


@given(PATTERNS, PATTERNS)
def test_patterns_overlap_where_some_number_fits_both(one: str, other: str) -> None:
    fits = any(
        plan._matches(one, number) and plan._matches(other, number)
        for number in (f"{n:0{len(one)}}" for n in range(10 ** len(one)))
    )
    assert plan.overlap(one, other) == fits


def test_free_numbers_are_nobodys() -> None:
    free = plan.free(HOUSE)
    assert ("8000", "8002") in free
    assert ("8005", "8099") in free
    assert ("8703", "8799") in free
    taken = set(numbers(HOUSE))
    assert not any(
        str(n) in taken for first, last in free for n in range(int(first), int(last) + 1)
    )


def test_the_page_and_the_table_are_the_directorys(app: Flask, db: Store, clock: FakeClock) -> None:
    with db.transaction() as tx:
        fill_directory(tx)
    client = log_in(app, "qian")
    page = client.get("/numbers").text
    for words in (
        '<a href="/directory/extensions/8003"><code>8003</code></a>', "三病区护士站",
        '<a href="/directory/speed-dials/', "outside over world: 9 and 8 digits",
        "Emergency number: told by the menus", "<code>8004</code>",
    ):  # fmt: skip
        assert words in page, words
    table = client.get("/numbers.csv").text
    assert "8800,Conference room,查房会议," in table
    assert "\n'*8,Key code" in table.replace("\r", "") or "\n*8,Key code" in table
