"""Free seating: who may log in, how slowly PINs can be tried, and what a seat changes."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from central import timers
from central.clock import FakeClock
from central.console.limits import LockedOutError
from central.directory import model as directory
from central.directory import reach, service
from central.errors import FieldError
from central.personal import desks, finding, model, pins, speed
from central.personal.service import TIMERS
from central.store import Store
from central.telephone import model as telephones
from gateway.telephone import files
from gateway.telephone.directory import Phone
from gateway.telephone.exchange import Exchange, Ports
from gateway.telephone.personal import Target
from tests.personal.conftest import LOBBY, OFFICE

PIN, WRONG = "246802", "135791"
AT_LOBBY, AT_OFFICE = f"phone/{LOBBY}", f"phone/{OFFICE}"


@pytest.fixture
def desk(house: Store) -> Store:
    """The person of 8201 has no phone, may dial the city, and logs in where he is."""
    with house.transaction() as tx:
        desks.put(tx, "8201", rights="local", pin=PIN, by="eng")
    return house


def phone(store: Store, device: str) -> Phone:
    found = [each for each in directory.directory(store.read()).phones if each.device == device]
    return found[0]


def rings(store: Store, number: str) -> tuple[str, ...]:
    return directory.directory(store.read()).devices_of([number])


@pytest.mark.parametrize(
    "pin", ["", "12345", "123456789", "24680a", "111111", "123456", "654321", "789012", "820199"]
)
def test_a_pin_is_not_easily_guessed(house: Store, pin: str) -> None:
    with pytest.raises(FieldError) as caught, house.transaction() as tx:
        desks.put(tx, "8201", rights="local", pin=pin)
    assert caught.value.field == "pin"
    assert model.desk(house.read(), "8201") is None


def test_a_pin_is_kept_as_an_argon2_hash_and_may_be_left_as_it_is(desk: Store) -> None:
    before = model.desk(desk.read(), "8201")
    assert before is not None
    assert before["pin_hash"].startswith("$argon2id$")
    with desk.transaction() as tx:
        desks.put(tx, "8201", rights="internal", leave_min=60)
    after = model.desk(desk.read(), "8201")
    assert after is not None
    assert after["pin_hash"] == before["pin_hash"]
    assert (after["rights"], after["leave_min"]) == ("internal", 60)


@pytest.mark.parametrize(
    ("field", "number", "changed"),
    [
        ("number", "7777", {}),
        ("rights", "8202", {"rights": "nobody"}),
        ("pin", "8202", {"pin": None}),
        ("leave_min", "8202", {"leave_min": 1440}),
    ],
)
def test_what_is_wrong_with_a_desk_is_named(
    house: Store, field: str, number: str, changed: dict[str, Any]
) -> None:
    with pytest.raises(FieldError) as caught, house.transaction() as tx:
        desks.put(tx, number, **{"rights": "local", "pin": PIN, **changed})
    assert caught.value.field == field


async def test_a_right_pin_is_right_and_wrong_ones_lock_for_longer_and_longer(
    desk: Store, clock: FakeClock
) -> None:
    assert await pins.right(desk, "8201", AT_LOBBY, PIN)
    for _ in range(pins.TRIES):
        assert not await pins.right(desk, "8201", AT_LOBBY, WRONG)
    waits = []
    for _ in range(8):
        with pytest.raises(LockedOutError) as caught:
            await pins.right(desk, "8201", AT_OFFICE, PIN)
        waits.append(caught.value.wait_ms)
        clock.advance(caught.value.wait_ms)
        assert not await pins.right(desk, "8201", AT_LOBBY if len(waits) < 4 else AT_OFFICE, WRONG)
    assert waits[:3] == [30_000, 60_000, 120_000]
    assert waits[-1] == pins.LONGEST_DELAY_MS
    with desk.transaction() as tx:
        desks.put(tx, "8201", rights="local", pin="97531024")
    assert await pins.right(desk, "8201", "phone/001565000999", "97531024"), "a new PIN begins anew"


async def test_wrong_pins_of_many_extensions_lock_the_phone_where_they_are_tried(
    desk: Store,
) -> None:
    for number in range(8300, 8300 + pins.TRIES_AT_PHONE - 1):
        assert not await pins.right(desk, str(number), AT_LOBBY, PIN)
    assert await pins.right(desk, "8201", AT_LOBBY, PIN)
    assert not await pins.right(desk, "8399", AT_LOBBY, PIN), "a success takes back its own only"
    with pytest.raises(LockedOutError):
        await pins.right(desk, "8201", AT_LOBBY, PIN)
    assert await pins.right(desk, "8201", AT_OFFICE, PIN), "its person is not locked out elsewhere"


async def test_what_was_entered_stands_nowhere(
    desk: Store, caplog: pytest.LogCaptureFixture
) -> None:
    """Not even in place of the extension, where somebody may enter his PIN."""
    caplog.set_level("DEBUG")
    assert not await pins.right(desk, WRONG, AT_LOBBY, PIN)
    assert not await pins.right(desk, "8201", AT_LOBBY, WRONG)
    kept = "\n".join(desk.read().connection.iterdump())
    assert "desk.refused" in kept
    for secret in (WRONG, PIN):
        assert secret not in kept
        assert secret not in caplog.text


def test_the_phone_is_his_while_he_sits_there(desk: Store) -> None:
    before = directory.directory(desk.read())
    with desk.transaction() as tx:
        speed.put(tx, "*012", "962221111", owner="8201")
        desks.sit(tx, "8201", LOBBY, by="8201")
    at = phone(desk, LOBBY)
    assert (at.number, at.name, at.rights) == ("8201", "Person 8201", "local")
    assert rings(desk, "8201") == (LOBBY,)
    assert rings(desk, "8102") == (LOBBY,), "a phone rings for its own lines all the same"
    said = files.living(Exchange(Ports(5060, 8088, 20_000), "x"), directory.directory(desk.read()))[
        "pjsip.conf"
    ]
    assert "SPEED_012=962221111" in said
    with desk.transaction() as tx:
        assert desks.leave(tx, LOBBY, by="8201") == "8201"
        assert desks.leave(tx, LOBBY, by="8201") is None
        speed.remove(tx, "*012", owner="8201")
    assert directory.directory(desk.read()) == before


def test_whoever_logs_in_elsewhere_leaves_and_a_phone_is_one_persons(desk: Store) -> None:
    with desk.transaction() as tx:
        desks.put(tx, "8202", rights="internal", pin=PIN)
        desks.sit(tx, "8201", LOBBY, by="8201")
        desks.sit(tx, "8201", OFFICE, by="8201")
        desks.sit(tx, "8202", OFFICE, by="8202")
    assert rings(desk, "8201") == ()
    assert rings(desk, "8202") == (OFFICE,)
    assert phone(desk, LOBBY).number == "8102"
    with desk.transaction() as tx:
        desks.remove(tx, "8202")
    assert rings(desk, "8202") == ()
    with pytest.raises(FieldError), desk.transaction() as tx:
        desks.sit(tx, "8202", OFFICE, by="8202")
    with pytest.raises(FieldError), desk.transaction() as tx:
        desks.remove(tx, "8202")


def test_a_nurse_who_sits_somewhere_is_rung_there_by_the_application(desk: Store) -> None:
    with desk.transaction() as tx:
        assert not telephones.telephones(tx, ["8201"])
        desks.sit(tx, "8201", LOBBY, by="8201")
        assert [each.device for each in telephones.telephones(tx, ["8201"])] == [LOBBY]
        assert reach.ringing(tx)["8201"]


def test_a_seat_ends_at_night(desk: Store, clock: FakeClock) -> None:
    with desk.transaction() as tx:
        desks.put(tx, "8201", rights="local", leave_min=3 * 60)
        desks.sit(tx, "8201", LOBBY, by="8201")
    due_ms = timers.pending_ms(desk.read(), desks.LEAVE, LOBBY)
    assert due_ms is not None
    at = datetime.fromtimestamp(due_ms / 1000).astimezone()
    assert (at.hour, at.minute) == (3, 0)
    assert timedelta(0) < at - datetime.fromtimestamp(clock.now_ms() / 1000).astimezone()
    assert at - datetime.fromtimestamp(clock.now_ms() / 1000).astimezone() <= timedelta(days=1)
    with desk.transaction() as tx:
        TIMERS[desks.LEAVE](tx, LOBBY, {}, 0)
    assert rings(desk, "8201") == ()
    with desk.transaction() as tx:
        desks.sit(tx, "8201", LOBBY, by="8201")
        desks.put(tx, "8201", rights="local")
    assert timers.pending_ms(desk.read(), desks.LEAVE, LOBBY) is None


def test_his_own_class_says_where_he_may_be_found(desk: Store) -> None:
    with desk.transaction() as tx:
        finding.find(tx, "8201", [Target("962221111")])
        service.remove_phone(tx, LOBBY)
    assert directory.directory(desk.read()).find[0].rights == "local"
