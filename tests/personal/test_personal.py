"""Speed dials and find-me: what may stand there, and that no loop ever reaches the exchange."""

import logging
import re
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.directory import model, outside
from central.errors import FieldError
from central.personal import finding, speed
from central.store import HOSPITAL, Store
from gateway.telephone import files, personal
from gateway.telephone.directory import Directory, DirectoryError, Line
from gateway.telephone.exchange import Exchange, Ports
from gateway.telephone.personal import FindMe, Hours, SpeedDial, Target

CITY = "962221111"


def plan(house: Store) -> str:
    return files.living(Exchange(Ports(5060, 8088, 20_000), "x"), model.directory(house.read()))[
        "extensions.conf"
    ]


def refused(house: Store, field: str, change: Any, *args: Any, **values: Any) -> str:
    """What is said of a change that is refused for `field`; nothing of it is kept."""
    before = model.directory(house.read())
    with pytest.raises(FieldError) as caught, house.transaction() as tx:
        change(tx, *args, **values)
    assert caught.value.field == field
    assert model.directory(house.read()) == before
    return str(caught.value)


def test_a_code_stands_in_the_classes_that_reach_its_number(house: Store) -> None:
    with house.transaction() as tx:
        speed.put(tx, "*012", "9 6222-1111", by="eng")
        speed.put(tx, "*013", "8102")
        assert (HOSPITAL, "directory") in tx.changes
    parts = {part.splitlines()[0]: part for part in plan(house).split("\n\n")}
    assert f"exten => *012,1,Goto({CITY},1)" in parts["[from-local]"]
    assert "*012" not in parts["[from-internal]"]
    assert "exten => *013,1,Goto(8102,1)" in parts["[from-internal]"]
    with house.transaction() as tx:
        outside.allow(tx, "local", [])
    assert "*012" not in plan(house), "a class that may less has less codes"


def test_a_code_of_ones_own_goes_before_the_houses(house: Store) -> None:
    with house.transaction() as tx:
        speed.put(tx, "*012", "8102")
        speed.put(tx, "*012", "8201", owner="8101")
        speed.put(tx, "*012", "8202", owner="8101")
    own = 'exten => *012,1,GotoIf($["${SPEED_012}" != ""]?${SPEED_012},1)'
    assert f"{own}\n same => n,Goto(8102,1)\n" in plan(house)
    with house.transaction() as tx:
        speed.put(tx, "*013", "8202", owner="8101")
        speed.remove(tx, "*012", owner="8101")
    assert "exten => *012,1,Goto(8102,1)" in plan(house)
    assert "n,Hangup(1)" in plan(house), "who has no such code is told that there is none"


@pytest.mark.parametrize("code", ["", "012", "*01", "*0123", "*112", "*01X", "_*0XX", "*012\n"])
def test_a_speed_dial_is_a_code_of_ours(house: Store, code: str) -> None:
    if code.strip() != "*012":
        refused(house, "code", speed.put, code, "8102")


@pytest.mark.parametrize("number", ["", "8", "*012", "8101,1)", "${EXTEN}", "s", "9NXXXXXXX"])
def test_a_speed_dial_dials_a_number(house: Store, number: str) -> None:
    refused(house, "number", speed.put, "*012", number)


def test_a_speed_dial_is_no_way_around_a_class(house: Store) -> None:
    assert "may not dial 962221111" in refused(
        house, "number", speed.put, "*012", CITY, owner="8102"
    )
    refused(house, "number", speed.put, "*012", "916812345")
    refused(house, "number", speed.put, "*012", "7777")
    refused(house, "number", speed.put, "*012", "8101", owner="7777")
    refused(house, "code", speed.remove, "*012")


def test_where_somebody_is_found_is_kept_in_order_and_taken_back(house: Store) -> None:
    day, night = Hours(8 * 60, 17 * 60, (0, 1, 2, 3, 4)), Hours(22 * 60, 6 * 60, (6,))
    targets = (Target("8102", day, 15), Target(CITY, night, outside=True))
    with house.transaction() as tx:
        finding.find(tx, "8101", [targets[0], Target(CITY, night)], by="eng")
    assert model.directory(house.read()).find == (FindMe("8101", targets, rights="local"),)
    said = plan(house)
    legs = f"Dial(Local/{CITY}@from-local/n,20,tk${{MAY}})"
    assert "mon&tue&wed&thu&fri,*,*,Asia/Shanghai?Dial(Local/8102@reach,15,tk${MAY}))" in said
    assert "ExecIfTime(08:00-16:59,mon&tue" in said
    assert f"ExecIfTime(22:00-23:59,sun,*,*,Asia/Shanghai?{legs})" in said
    assert f"ExecIfTime(00:00-05:59,mon,*,*,Asia/Shanghai?{legs})" in said, (
        "the morning after Sunday's night"
    )
    with house.transaction() as tx:
        finding.find(tx, "8101", [])
    assert model.directory(house.read()).find == ()


def test_who_may_not_dial_a_number_is_not_found_there(house: Store) -> None:
    refused(house, "targets", finding.find, "8102", [Target(CITY)])
    refused(house, "targets", finding.find, "8201", [Target(CITY)])  # no phone, no class
    refused(house, "targets", finding.find, "8101", [Target("916812345")])
    refused(house, "targets", finding.find, "8101", [Target("621")])
    refused(house, "number", finding.find, "7777", [Target("8102")])
    with house.transaction() as tx:
        finding.find(tx, "8101", [Target(CITY)])
        tx.execute("UPDATE phones SET rights = 'internal'")
    assert f"Local/{CITY}@from-internal/n" in plan(house), "by the class it has now"
    with house.transaction() as tx:
        tx.execute("DELETE FROM phones WHERE number = '8101'")
    assert CITY not in plan(house)


@pytest.mark.parametrize(
    ("field", "target"),
    [
        ("hours", Target("8102", Hours(-1, 60))),
        ("hours", Target("8102", Hours(0, 1441))),
        ("days", Target("8102", Hours(days=()))),
        ("days", Target("8102", Hours(days=(7,)))),
        ("ring_s", Target("8102", ring_s=0)),
    ],
)
def test_when_somebody_is_found_is_a_time(house: Store, field: str, target: Target) -> None:
    refused(house, field, finding.find, "8101", [target])


def test_a_loop_is_refused_by_name(house: Store) -> None:
    with house.transaction() as tx:
        finding.find(tx, "8101", [Target("8102"), Target("8201")])
        finding.find(tx, "8201", [Target("8202")])
    assert "8202 → 8101 → 8201 → 8202" in refused(
        house, "targets", finding.find, "8202", [Target("8102"), Target("8101")]
    )
    assert "8203 → 8203" in refused(house, "targets", finding.find, "8203", [Target("8203")])


def test_a_call_is_not_passed_on_for_long(house: Store) -> None:
    with house.transaction() as tx:
        finding.find(tx, "8201", [Target("8202")])
        finding.find(tx, "8202", [Target("8203")])
        finding.find(tx, "8203", [Target("8102")])
    assert "8101 → 8201 → 8202 → 8203 → 8102" in refused(
        house, "targets", finding.find, "8101", [Target("8201")]
    )
    refused(house, "targets", finding.find, "8102", [Target("8101")])
    refused(house, "targets", finding.find, "8101", [Target("8102")] * 6)


def test_a_loop_in_rows_changed_by_hand_costs_one_target_and_is_told(
    house: Store, caplog: pytest.LogCaptureFixture
) -> None:
    with house.transaction() as tx:
        finding.find(tx, "8101", [Target("8102"), Target("8201")])
        finding.find(tx, "8201", [Target("8203")])
        tx.execute("UPDATE find_targets SET inside = '8101' WHERE owner = '8201'")
    with caplog.at_level(logging.ERROR):
        found = model.directory(house.read()).find
    assert [target.number for each in found for target in each.targets] == ["8102", "8201"]
    assert "8101 → 8201 → 8101" in caplog.text


def test_a_directory_with_a_loop_is_none() -> None:
    lines = (Line("8101", ()), Line("8102", ()))
    find = (FindMe("8101", (Target("8102"),)), FindMe("8102", (Target("8101"),)))
    with pytest.raises(DirectoryError, match="8101 → 8102 → 8101"):
        Directory(lines=lines, find=find)
    for wrong in ({"speed": (SpeedDial("*0X1", "8101"),)}, {"speed": (SpeedDial("*011", "8X"),)}):
        with pytest.raises(DirectoryError):
            Directory(lines=lines, **wrong)


NUMBERS = [str(number) for number in range(10, 16)]
WAYS = st.dictionaries(
    st.sampled_from(NUMBERS), st.lists(st.sampled_from(NUMBERS), unique=True, max_size=4)
)


@given(WAYS)
def test_a_loop_is_found_where_there_is_one_and_only_there(ways: dict[str, list[str]]) -> None:
    reached = {each: set(ways.get(each, ())) for each in NUMBERS}
    for _ in NUMBERS:
        for each in NUMBERS:
            reached[each] |= {far for near in reached[each] for far in reached[near]}
    found = personal.loop(ways)
    assert bool(found) == any(each in reached[each] for each in NUMBERS)
    assert all(b in ways[a] for a, b in pairwise(found))
    assert found[:1] == found[-1:]


@given(WAYS)
def test_without_its_loops_a_find_me_keeps_all_else(ways: dict[str, list[str]]) -> None:
    find = [FindMe(owner, tuple(map(Target, targets))) for owner, targets in ways.items()]
    kept, loops = personal.without_loops(find)
    assert personal.loop(personal.passes_on(kept)) == ()
    lost = sum(len(each.targets) for each in find) - sum(len(each.targets) for each in kept)
    assert lost == len(loops)
    assert bool(lost) == bool(personal.loop(ways))


@given(st.text("0123456789XZN", min_size=1, max_size=4), st.text("0123456789", max_size=4))
def test_a_pattern_is_understood_as_asterisk_does(pattern: str, number: str) -> None:
    same = pattern.replace("X", "[0-9]").replace("Z", "[1-9]").replace("N", "[2-9]")
    assert personal.matches(pattern, number) == bool(re.fullmatch(same, number))
