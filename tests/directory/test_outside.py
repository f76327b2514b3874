"""Lines to the world in the directory: only what an exchange can use, and nobody may unasked."""

from typing import Any

import pytest

from central.directory import model, outside, service
from central.errors import FieldError
from central.store import Store
from gateway.telephone.directory import Rights, Route, Trunk


@pytest.fixture
def directory(store: Store) -> Store:
    with store.transaction() as tx:
        service.add_extension(tx, "8003", "Station")
        service.add_service(tx, "120", "emergency", ["8003"])
        outside.add_class(tx, "local", "Local calls")
        outside.add_trunk(tx, "world", "192.0.2.7:5060", inbound={"62345678": "8003"})
    return store


def test_nobody_may_dial_a_route_before_it_is_allowed(directory: Store) -> None:
    with directory.transaction() as tx:
        outside.add_route(tx, "city", "world", ["9NXXXXXXX"], strip=1, limit_s=300)
    now = model.directory(directory.read())
    assert now.trunks == (Trunk("world", "192.0.2.7:5060", inbound=(("62345678", "8003"),)),)
    assert now.routes == (Route("city", "world", ("9NXXXXXXX",), 1, 300),)
    assert now.rights == (Rights("internal"), Rights("local"))
    with directory.transaction() as tx:
        outside.allow(tx, "local", ["city", "city"])
    assert model.directory(directory.read()).rights[1] == Rights("local", ("city",))
    with directory.transaction() as tx:
        outside.allow(tx, "local", [])
    assert model.directory(directory.read()).rights[1] == Rights("local")


@pytest.mark.parametrize(
    ("field", "change", "args", "values"),
    [
        ("name", outside.add_class, ("local", "Again"), {}),
        ("name", outside.add_class, ("Local!", "Odd"), {}),
        ("label", outside.add_class, ("far", " "), {}),
        ("name", outside.add_trunk, ("world", "192.0.2.8"), {}),
        ("host", outside.add_trunk, ("other", "192.0.2.8;x"), {}),
        ("host", outside.add_trunk, ("other", "192.0.2.8"), {"inbound": {"6!": "8003"}}),
        ("inbound", outside.add_trunk, ("other", "192.0.2.8"), {"inbound": {"62345679": "8"}}),
        ("inbound", outside.add_trunk, ("other", "192.0.2.8"), {"inbound": {"62345678": "8003"}}),
        ("password", outside.add_trunk, ("other", "192.0.2.8"), {"password": "a;b"}),
        ("password", outside.add_trunk, ("other", "192.0.2.8"), {"user": "us"}),
        ("password", outside.add_trunk, ("other", "192.0.2.8"), {"password": "alone"}),
        ("most_calls", outside.add_trunk, ("other", "192.0.2.8"), {"most_calls": 0}),
        ("trunk", outside.add_route, ("city", "moon", ["9NXX"]), {}),
        ("patterns", outside.add_route, ("city", "world", []), {}),
        ("patterns", outside.add_route, ("city", "world", ["9NXX."]), {}),
        ("patterns", outside.add_route, ("city", "world", ["${EXTEN}"]), {}),
        ("strip", outside.add_route, ("city", "world", ["9NXX"]), {"strip": 4}),
        ("limit_s", outside.add_route, ("city", "world", ["9NXX"]), {"limit_s": -1}),
        ("class", outside.allow, ("nobody", []), {}),
        ("routes", outside.allow, ("local", ["moon"]), {}),
    ],
)
def test_what_is_refused_leaves_no_trace(
    directory: Store, field: str, change: Any, args: tuple[Any, ...], values: dict[str, Any]
) -> None:
    before = model.directory(directory.read())
    with pytest.raises(FieldError) as caught, directory.transaction() as tx:
        change(tx, *args, **values)
    assert caught.value.field == field
    assert model.directory(directory.read()) == before


def test_the_password_of_a_line_is_not_in_the_audit(directory: Store) -> None:
    with directory.transaction() as tx:
        outside.add_trunk(tx, "other", "192.0.2.8", user="us", password="of-the-line", by="eng")
    (entry,) = directory.read().all("SELECT * FROM audit WHERE who = 'eng'")
    assert (entry["what"], entry["ref"]) == ("trunk.add", "trunk/other")
    assert "of-the-line" not in entry["detail"]


def test_caps_of_a_line_and_of_a_class_are_kept(directory: Store) -> None:
    with directory.transaction() as tx:
        outside.cap_trunk(tx, "world", most_calls=2, day_calls=100, day_minutes=500)
        outside.cap_class(tx, "local", day_minutes=60)
        outside.add_route(tx, "police", "world", ["9110"], strip=1, always=True)
    now = model.directory(directory.read())
    (trunk,) = now.trunks
    assert (trunk.most_calls, trunk.day_calls, trunk.day_minutes) == (2, 100, 500)
    assert now.rights[1] == Rights("local", day_minutes=60)
    assert now.routes == (Route("police", "world", ("9110",), 1, always=True),)


@pytest.mark.parametrize(
    ("field", "change", "name", "values"),
    [
        ("most_calls", outside.cap_trunk, "world", {"most_calls": 0}),
        ("trunk", outside.cap_trunk, "moon", {"most_calls": 1}),
        ("day_calls", outside.cap_class, "local", {"day_calls": -1}),
        ("day_minutes", outside.cap_class, "local", {"day_minutes": 10**7}),
        ("class", outside.cap_class, "moon", {"day_calls": 1}),
    ],
)
def test_a_cap_that_makes_no_sense_is_refused(
    directory: Store, field: str, change: Any, name: str, values: dict[str, int]
) -> None:
    with pytest.raises(FieldError) as caught, directory.transaction() as tx:
        change(tx, name, **values)
    assert caught.value.field == field
