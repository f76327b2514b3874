"""Mailboxes, conference rooms and parked calls in the directory."""

from typing import Any

import pytest

from central.directory import facilities, model, service
from central.errors import FieldError
from central.store import Store
from gateway.telephone import files
from gateway.telephone.directory import Line, Parking, Room
from gateway.telephone.exchange import Exchange, Ports

EXCHANGE = Exchange(Ports(5060, 8088, 20_000), "x")


@pytest.fixture
def directory(store: Store) -> Store:
    with store.transaction() as tx:
        service.add_extension(tx, "8101", "Office")
        service.add_extension(tx, "8102", "Lobby")
        service.add_service(tx, "*97", "voicemail")
    return store


def test_a_mailbox_is_the_extensions_own_and_its_pin_stands_nowhere(directory: Store) -> None:
    with directory.transaction() as tx:
        facilities.set_mailbox(tx, "8101", "4711", mail="li@example.org", by="eng")
    now = model.directory(directory.read())
    assert now.lines == (Line("8101", (), mailbox=True), Line("8102", ()))
    written = files.living(EXCHANGE, now)
    assert "8101 = -" in written["voicemail.conf"]
    assert "VoiceMail(8101@house,s)" in written["extensions.conf"]
    said = [dict(row) for row in directory.read().all("SELECT * FROM audit WHERE who = 'eng'")]
    row = model.mailbox(directory.read(), "8101")
    assert row is not None
    assert "4711" not in "".join(map(str, [*written.values(), *said, *row]))
    facilities.HASHER.verify(row["pin"], "4711")
    with directory.transaction() as tx:
        facilities.remove_mailbox(tx, "8101")
    assert not model.directory(directory.read()).lines[0].mailbox


def test_rooms_and_places_are_numbers_of_the_house(directory: Store) -> None:
    with directory.transaction() as tx:
        facilities.add_room(tx, "8800", "Round")
        facilities.add_room(tx, "8801", "Doctors", pin="4711")
        facilities.set_parking(tx, "700", "701", "703", wait_s=60)
    now = model.directory(directory.read())
    assert now.rooms == (Room("8800"), Room("8801", "4711"))
    assert now.parking == Parking("700", ("701", "702", "703"), 60)
    assert "parkpos = 701-703" in files.living(EXCHANGE, now)["res_parking.conf"]
    with directory.transaction() as tx:
        facilities.set_parking(tx, "700", "701", "702")
        facilities.remove_room(tx, "8801")
    now = model.directory(directory.read())
    assert now.rooms == (Room("8800"),)
    assert now.parking == Parking("700", ("701", "702"))


@pytest.mark.parametrize(
    ("field", "change", "args", "values"),
    [
        ("number", facilities.set_mailbox, ("8199", "4711"), {}),
        ("pin", facilities.set_mailbox, ("8101", "471"), {}),
        ("pin", facilities.set_mailbox, ("8101", "47a1"), {}),
        ("mail", facilities.set_mailbox, ("8101", "4711"), {"mail": "li@x\nBcc: y@z"}),
        ("mail", facilities.set_mailbox, ("8101", "4711"), {"mail": "li"}),
        ("number", facilities.remove_mailbox, ("8101",), {}),
        ("number", facilities.add_room, ("8101", "Round"), {}),
        ("number", facilities.add_room, ("702", "Round"), {}),
        ("number", facilities.add_room, ("88,1", "Round"), {}),
        ("pin", facilities.add_room, ("8800", "Round"), {"pin": "1)"}),
        ("number", facilities.remove_room, ("8800",), {}),
        ("number", facilities.set_parking, ("8101", "701", "702"), {}),
        ("first", facilities.set_parking, ("700", "070", "702"), {}),
        ("first", facilities.set_parking, ("700", "8100", "8103"), {}),
        ("last", facilities.set_parking, ("700", "703", "701"), {}),
        ("last", facilities.set_parking, ("700", "701", "799"), {}),
        ("wait_s", facilities.set_parking, ("700", "701", "702"), {"wait_s": 5}),
        ("number", service.add_extension, ("*98", "Star"), {}),
        ("number", service.add_service, ("**97", "stars"), {}),
        ("number", service.add_service, ("*97", "again"), {}),
    ],
)
def test_what_no_exchange_can_use_is_refused_by_field(
    directory: Store, field: str, change: Any, args: tuple[Any, ...], values: dict[str, Any]
) -> None:
    with directory.transaction() as tx:
        facilities.set_parking(tx, "701", "702", "703")
    before = model.directory(directory.read())
    with pytest.raises(FieldError) as caught, directory.transaction() as tx:
        change(tx, *args, **values)
    assert caught.value.field == field
    assert model.directory(directory.read()) == before
