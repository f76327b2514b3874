"""The directory: what may be in it, and that it is always one an exchange can use."""

from typing import Any

import pytest

from central.directory import checks, model, service
from central.errors import FieldError
from central.store import HOSPITAL, Store
from central.wards import model as wards
from gateway.telephone import files
from gateway.telephone.exchange import Exchange, Ports

ADDRESS, DEVICE = "00:15:65:0A:1B:2C", "0015650a1b2c"


@pytest.fixture
def directory(store: Store) -> Store:
    """A nurse station with a number and no phone, and the emergency number."""
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        service.add_extension(tx, "8003", "三病区护士站", ward="3")
        service.add_service(tx, "120", "emergency", ["8003"])
    return store


def refused(store: Store, field: str, change: Any, *args: Any, **values: Any) -> str:
    """The message of a change that is refused for `field`; nothing of it is kept."""
    before = model.directory(store.read())
    with pytest.raises(FieldError) as caught, store.transaction() as tx:
        change(tx, *args, **values)
    assert caught.value.field == field
    assert model.directory(store.read()) == before
    return caught.value.message


def test_a_phone_rings_for_its_number_and_for_the_emergency(directory: Store) -> None:
    with directory.transaction() as tx:
        row = service.add_phone(tx, ADDRESS, "8003", groups=["nurses", "nurses"], by="eng")
    assert row["device"] == DEVICE
    assert len(row["password"]) == 24
    now = model.directory(directory.read())
    assert [line.devices for line in now.lines] == [(DEVICE,)]
    assert now.phones[0].groups == ("nurses",)
    assert now.devices_of(now.services[0].fallback) == (DEVICE,)
    text = files.living(Exchange(Ports(5060, 8088, 20_000), "x"), now)
    assert '"三病区护士站" <8003>' in text["pjsip.conf"]


def test_a_removed_phone_leaves_nothing_behind(directory: Store) -> None:
    before = model.directory(directory.read())
    with directory.transaction() as tx:
        service.add_phone(tx, ADDRESS, "8003", groups=["nurses"])
    with directory.transaction() as tx:
        service.remove_phone(tx, DEVICE)
    assert model.directory(directory.read()) == before
    assert directory.read().value("SELECT count(*) FROM phone_groups") == 0


def test_one_number_rings_at_several_phones_and_one_phone_for_several_numbers(
    directory: Store,
) -> None:
    with directory.transaction() as tx:
        service.add_extension(tx, "8101", "Dr Li")
        one = service.add_phone(tx, ADDRESS, "8003")["device"]
        other = service.add_phone(tx, "001565000001", "8101")["device"]
        service.ring(tx, "8101", [other, one, one])
    rings = {line.number: set(line.devices) for line in model.directory(directory.read()).lines}
    assert rings == {"8003": {one}, "8101": {one, other}}


@pytest.mark.parametrize(
    ("field", "change", "args", "values"),
    [
        ("address", service.add_phone, ("8003", "8003"), {}),
        ("number", service.add_phone, (ADDRESS, "9999"), {}),
        ("rights", service.add_phone, (ADDRESS, "8003"), {"rights": "everything"}),
        ("lang", service.add_phone, (ADDRESS, "8003"), {"lang": "de"}),
        ("lines", service.add_phone, (ADDRESS, "8003"), {"lines": 0}),
        ("groups", service.add_phone, (ADDRESS, "8003"), {"groups": ["a,b"]}),
        ("number", service.add_extension, ("8003", "Twice"), {}),
        ("number", service.add_extension, ("120", "As a service"), {}),
        ("number", service.add_extension, ("8_", "Odd"), {}),
        ("label", service.add_extension, ("8004", "  "), {}),
        ("label", service.add_extension, ("8004", "x" * 41), {}),
        ("ring_s", service.add_extension, ("8004", "Long"), {"ring_s": 3600}),
        ("ward", service.add_extension, ("8004", "Nowhere"), {"ward": "99"}),
        ("person", service.add_extension, ("8004", "Nobody"), {"person": 5}),
        ("number", service.add_service, ("8003", "broadcast"), {}),
        ("purpose", service.add_service, ("621", "emergency"), {}),
        ("purpose", service.add_service, ("621", "a,b"), {}),
        ("number", service.add_service, ("621", "broadcast", ["9999"]), {}),
        ("device", service.ring, ("8003", ["0015650a1b2f"]), {}),
        ("device", service.remove_phone, (DEVICE,), {}),
        ("name", service.add_person, ("",), {}),
    ],
)
def test_what_is_refused(
    directory: Store, field: str, change: Any, args: tuple[Any, ...], values: dict[str, Any]
) -> None:
    assert refused(directory, field, change, *args, **values)


def test_the_same_phone_stands_in_it_once(directory: Store) -> None:
    with directory.transaction() as tx:
        service.add_phone(tx, ADDRESS, "8003")
    refused(directory, "address", service.add_phone, DEVICE.upper(), "8003")


def test_every_change_is_audited_without_the_password_and_told(directory: Store) -> None:
    told: set[tuple[str, str]] = set()
    directory.on_commit = told.update
    with directory.transaction() as tx:
        person = service.add_person(tx, "李医生", ward="3", by="eng")
        service.add_extension(tx, "8101", "李医生", person=person, by="eng")
        password = service.add_phone(tx, ADDRESS, "8101", by="eng")["password"]
        service.ring(tx, "8003", [DEVICE], by="eng")
        service.remove_phone(tx, DEVICE, by="eng")
    assert (HOSPITAL, checks.CHANGED) in told
    entries = directory.read().all("SELECT * FROM audit WHERE who = 'eng' ORDER BY id")
    assert [row["what"] for row in entries] == [
        "person.add", "extension.add", "phone.add", "extension.ring", "phone.remove",
    ]  # fmt: skip
    assert not [row for row in entries if password in row["detail"]]


def test_an_empty_directory_is_one_too(store: Store) -> None:
    now = model.directory(store.read())
    assert [each.name for each in now.rights] == [model.INTERNAL]
    assert (now.phones, now.lines, now.services) == ((), (), ())


def test_a_phone_encrypts_when_it_is_told_to(directory: Store) -> None:
    with directory.transaction() as tx:
        service.add_phone(tx, ADDRESS, "8003")
        service.encrypt(tx, DEVICE, "required")
    assert model.directory(directory.read()).phones[0].encryption == "required"
    refused(directory, "encryption", service.encrypt, DEVICE, "sometimes")
    refused(directory, "device", service.encrypt, "0015650a1b2f", "optional")
