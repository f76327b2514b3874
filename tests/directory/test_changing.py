"""What stands in the directory is changed and removed: checked, audited, nothing left dangling."""

import json
from typing import Any

import pytest

from central.directory import changing, model, outside, present, removing, service
from central.errors import FieldError
from central.store import HOSPITAL, Store
from central.wards import model as wards
from gateway.telephone.directory import Rights, Route, Trunk

ONE, TWO = "0015650a1b2c", "0015650a1b2d"


@pytest.fixture
def directory(store: Store) -> Store:
    """Everything there can be, each thing used by another."""
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        person = service.add_person(tx, "Dr Li", ward="3")
        service.add_extension(tx, "8003", "Station", ward="3")
        service.add_extension(tx, "8101", "Office", person=person)
        service.add_extension(tx, "8102", "Spare")
        outside.add_class(tx, "city", "City")
        service.add_phone(tx, ONE, "8003", label="left", groups=["nurses"])
        service.add_phone(tx, TWO, "8101", rights="city", groups=["nurses"])
        service.add_service(tx, "120", "emergency", ["8003"])
        service.add_service(tx, "621", "broadcast")
        outside.add_trunk(
            tx, "world", "192.0.2.7", user="us", password="of-the-line", inbound={"62345678": "120"}
        )
        outside.add_route(tx, "far", "world", ["90XXXXXXXXXX"], strip=1)
        outside.allow(tx, "city", ["far"])
    return store


def entries(store: Store) -> list[tuple[str, str, dict[str, Any]]]:
    """What `eng` did, by the audit."""
    rows = store.read().all("SELECT what, ref, detail FROM audit WHERE who = 'eng' ORDER BY id")
    return [(row["what"], row["ref"], json.loads(row["detail"])) for row in rows]


def test_an_extension_gets_another_name_and_rings_elsewhere(directory: Store) -> None:
    with directory.transaction() as tx:
        changing.change_extension(
            tx, "8102", "Porter", ring_s=90, person=None, ward=None, phones=[ONE, TWO], by="eng"
        )
        assert (HOSPITAL, "directory") in tx.changes
    line = model.directory(directory.read()).lines[2]
    assert (line.number, set(line.devices), line.ring_s) == ("8102", {ONE, TWO}, 90)
    assert entries(directory) == [
        ("extension.ring", "extension/8102", {"phones": [ONE, TWO]}),
        ("extension.change", "extension/8102", {"label": "Porter", "ring_s": 90}),
    ]


def test_a_phone_that_shows_another_number_rings_for_that_one(directory: Store) -> None:
    with directory.transaction() as tx:
        changing.change_service(tx, "120", ["8003", "8101"], by="system")
        changing.change_phone(
            tx, ONE, "8102", label="left", rights="city", lang="en", lines=1, groups=[], by="eng"
        )
    now = model.directory(directory.read())
    phone = next(each for each in now.phones if each.device == ONE)
    assert (phone.number, phone.rights, phone.lang, phone.lines) == ("8102", "city", "en", 1)
    assert phone.groups == ()
    assert {line.number: line.devices for line in now.lines} == {
        "8003": (), "8101": (TWO,), "8102": (ONE,),
    }  # fmt: skip
    ((code, _ref, detail),) = entries(directory)
    assert code == "phone.change"
    assert detail == {"number": "8102", "rights": "city", "lang": "en", "lines": 1, "groups": []}


def test_what_is_the_same_as_before_is_no_change(directory: Store) -> None:
    with directory.transaction() as tx:
        changing.change_phone(
            tx, ONE, "8003", label="left", rights="internal", lang="zh", lines=2,
            groups=["nurses"], by="eng",
        )  # fmt: skip
        changing.change_class(tx, "city", "City", ["far"], by="eng")
        changing.change_route(tx, "far", "world", ["90XXXXXXXXXX"], strip=1, limit_s=0, by="eng")
        assert tx.changes == set()
    assert entries(directory) == []


def test_a_new_password_is_another_one_and_in_no_audit(directory: Store) -> None:
    before = model.phone(directory.read(), ONE)
    with directory.transaction() as tx:
        changing.new_password(tx, ONE, by="eng")
    after = model.phone(directory.read(), ONE)
    assert before is not None
    assert after is not None
    assert len(after["password"]) == len(before["password"]) == 24
    assert after["password"] != before["password"]
    assert entries(directory) == [("phone.password", f"phone/{ONE}", {})]


def test_a_person_belongs_to_one_log_in(directory: Store) -> None:
    with directory.transaction() as tx:
        tx.insert(
            "users", name="li", display="Li", role="nurse", password_hash="x", created_ms=0
        )  # fmt: skip
        other = service.add_person(tx, "Wang")
        changing.change_person(tx, 1, "Dr Li", ward=None, user="li", by="eng")
    with pytest.raises(FieldError) as caught, directory.transaction() as tx:
        changing.change_person(tx, other, "Wang", ward=None, user="li", by="eng")
    assert caught.value.field == "user"
    assert entries(directory) == [("person.change", "person/1", {"ward": None, "user": "li"})]


def test_a_line_and_its_route_and_class_are_changed(directory: Store) -> None:
    with directory.transaction() as tx:
        changing.change_trunk(
            tx, "world", "192.0.2.8:5070", user="us", password=None, most_calls=9,
            inbound={"62345679": "8003"}, by="eng",
        )  # fmt: skip
        changing.change_route(tx, "far", "world", ["9NXXXXXXX"], strip=1, limit_s=300, by="eng")
        changing.change_class(tx, "internal", "House", ["far"], by="eng")
        changing.change_service(tx, "621", ["8101", "8003"], by="eng")
    now = model.directory(directory.read())
    secret = "of-the-line"
    inbound = (("62345679", "8003"),)
    assert now.trunks == (Trunk("world", "192.0.2.8:5070", "us", secret, 9, inbound),)
    assert now.routes == (Route("far", "world", ("9NXXXXXXX",), 1, 300),)
    assert now.rights == (Rights("city", ("far",)), Rights("internal", ("far",)))
    assert now.services[1].fallback == ("8003", "8101")
    with directory.transaction() as tx:
        changing.change_trunk(
            tx, "world", "192.0.2.8:5070", user="us", password="another", most_calls=9,
            inbound={}, by="eng",
        )  # fmt: skip
    assert model.directory(directory.read()).trunks[0].password == "another"
    assert "another" not in str(entries(directory))


def test_a_line_without_a_user_has_no_password(directory: Store) -> None:
    with directory.transaction() as tx:
        changing.change_trunk(
            tx, "world", "192.0.2.7", user="", password=None, most_calls=4, inbound={}, by="eng"
        )
    assert model.directory(directory.read()).trunks == (Trunk("world", "192.0.2.7"),)


def test_a_group_is_who_answers_for_whom(directory: Store) -> None:
    with directory.transaction() as tx:
        changing.set_group(tx, "icu", [TWO], by="eng", fresh=True)
        changing.set_group(tx, "nurses", [ONE], by="eng")
    now = {each.device: each.groups for each in model.directory(directory.read()).phones}
    assert now == {ONE: ("nurses",), TWO: ("icu",)}
    with directory.transaction() as tx:
        removing.remove_group(tx, "icu", by="eng")
    assert [code for code, _ref, _detail in entries(directory)] == [
        "group.add", "group.change", "group.remove",
    ]  # fmt: skip


PHONE = {"label": "x", "rights": "internal", "lang": "zh", "lines": 2, "groups": []}
LINE = {"ring_s": 60, "person": None, "ward": None, "phones": []}
TRUNK = {"user": "", "password": None, "most_calls": 4, "inbound": {}}


@pytest.mark.parametrize(
    ("field", "change", "args", "values"),
    [
        ("person", changing.change_person, (99, "X"), {"ward": None, "user": None}),
        ("ward", changing.change_person, (1, "X"), {"ward": "9", "user": None}),
        ("user", changing.change_person, (1, "X"), {"ward": None, "user": "ghost"}),
        ("number", changing.change_extension, ("8999", "X"), LINE),
        ("label", changing.change_extension, ("8003", " "), LINE),
        ("ring_s", changing.change_extension, ("8003", "X"), LINE | {"ring_s": 4}),
        ("person", changing.change_extension, ("8003", "X"), LINE | {"person": 99}),
        ("phones", changing.change_extension, ("8003", "X"), LINE | {"phones": ["a" * 12]}),
        ("device", changing.change_phone, ("a" * 12, "8003"), PHONE),
        ("number", changing.change_phone, (ONE, "8999"), PHONE),
        ("rights", changing.change_phone, (ONE, "8003"), PHONE | {"rights": "all"}),
        ("groups", changing.change_phone, (ONE, "8003"), PHONE | {"groups": ["a,b"]}),
        ("device", changing.new_password, ("a" * 12,), {}),
        ("phones", changing.set_group, ("nurses", []), {}),
        ("phones", changing.set_group, ("icu", ["a" * 12]), {}),
        ("name", changing.set_group, ("a,b", [ONE]), {}),
        ("name", changing.set_group, ("nurses", [ONE]), {"fresh": True}),
        ("number", changing.change_service, ("8003", []), {}),
        ("fallback", changing.change_service, ("120", ["8999"]), {}),
        ("name", changing.change_class, ("ghost", "X", []), {}),
        ("routes", changing.change_class, ("city", "X", ["ghost"]), {}),
        ("name", changing.change_trunk, ("ghost", "192.0.2.7"), TRUNK),
        ("host", changing.change_trunk, ("world", "192.0.2.7;x"), TRUNK),
        ("inbound", changing.change_trunk, ("world", "h"), TRUNK | {"inbound": {"62345": "9"}}),
        ("password", changing.change_trunk, ("world", "h"), TRUNK | {"password": "alone"}),
        ("name", changing.change_route, ("ghost", "world", ["90XX"]), {"strip": 0, "limit_s": 0}),
        ("patterns", changing.change_route, ("far", "world", ["9."]), {"strip": 0, "limit_s": 0}),
        ("trunk", changing.change_route, ("far", "ghost", ["90XX"]), {"strip": 0, "limit_s": 0}),
        # What is still used stays.
        ("person", removing.remove_person, (1,), {}),
        ("number", removing.remove_extension, ("8003",), {}),
        ("number", removing.remove_service, ("120",), {}),
        ("name", removing.remove_class, ("city",), {}),
        ("name", removing.remove_class, ("internal",), {}),
        ("name", removing.remove_trunk, ("world",), {}),
        ("name", removing.remove_route, ("far",), {}),
        # What is not there cannot go.
        ("person", removing.remove_person, (99,), {}),
        ("number", removing.remove_extension, ("8999",), {}),
        ("device", removing.remove_phone, ("a" * 12,), {}),
        ("name", removing.remove_group, ("ghost",), {}),
        ("number", removing.remove_service, ("8999",), {}),
        ("name", removing.remove_class, ("ghost",), {}),
        ("name", removing.remove_trunk, ("ghost",), {}),
        ("name", removing.remove_route, ("ghost",), {}),
    ],
)
def test_what_is_refused_leaves_no_trace(
    directory: Store, field: str, change: Any, args: tuple[Any, ...], values: dict[str, Any]
) -> None:
    before = "\n".join(directory.read().connection.iterdump())
    with pytest.raises(FieldError) as caught, directory.transaction() as tx:
        change(tx, *args, by="eng", **values)
    assert caught.value.field == field
    assert "\n".join(directory.read().connection.iterdump()) == before


def test_all_of_it_can_be_taken_down_from_its_ends(directory: Store) -> None:
    with directory.transaction() as tx:
        outside.allow(tx, "city", [])
        removing.remove_route(tx, "far", by="eng")
        removing.remove_trunk(tx, "world", by="eng")
        removing.remove_service(tx, "120", by="eng")
        removing.remove_service(tx, "621", by="eng")
        removing.remove_phone(tx, ONE, by="eng")
        removing.remove_phone(tx, TWO, by="eng")
        removing.remove_class(tx, "city", by="eng")
        for number in ("8003", "8101", "8102"):
            removing.remove_extension(tx, number, by="eng")
        removing.remove_person(tx, 1, by="eng")
    tx = directory.read()
    for table in (
        "people", "extensions", "phones", "extension_phones", "phone_groups", "services",
        "service_fallbacks", "trunks", "trunk_numbers", "routes", "route_patterns", "class_routes",
    ):  # fmt: skip
        assert tx.value(f"SELECT count(*) FROM {table}") == 0, table
    assert "of-the-line" not in str(entries(directory))


def test_what_another_capability_holds_is_not_taken_from_it(directory: Store) -> None:
    with directory.transaction() as tx:
        tx.execute("CREATE TABLE boxes (number TEXT REFERENCES extensions (number))")
        tx.insert("boxes", number="8102")
    with pytest.raises(FieldError) as caught, directory.transaction() as tx:
        removing.remove_extension(tx, "8102", by="eng")
    assert caught.value.message == removing.OTHERS


def test_what_uses_a_thing_is_named(directory: Store) -> None:
    tx = directory.read()
    names = [(each.kind, each.ref) for each in removing.uses_of_extension(tx, "8003")]
    assert names == [("phone", ONE), ("service", "120")]
    assert [each.ref for each in removing.uses_of_service(tx, "120")] == ["world"]
    assert [each.ref for each in removing.uses_of_person(tx, "1")] == ["8101"]
    assert [each.ref for each in removing.uses_of_class(tx, "city")] == [TWO]
    assert [each.ref for each in removing.uses_of_trunk(tx, "world")] == ["far"]
    assert [each.ref for each in removing.uses_of_route(tx, "far")] == ["city"]


def test_a_mark_tells_whether_anything_was_changed_by_whatever_way(directory: Store) -> None:
    seen = present.phone(directory.read(), ONE)
    assert seen is not None
    assert present.unchanged(present.phone(directory.read(), ONE), present.mark(seen)) == seen
    with directory.transaction() as tx:
        tx.execute("DELETE FROM phone_groups WHERE device = ?", (ONE,))
    now = present.phone(directory.read(), ONE)
    with pytest.raises(present.ChangedMeanwhileError) as caught:
        present.unchanged(now, present.mark(seen))
    assert caught.value.now == seen | {"groups": []}
    with pytest.raises(present.ChangedMeanwhileError):
        present.unchanged(None, present.mark(seen))
