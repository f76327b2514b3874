"""What nurse calls and services rely on is not taken away; conveniences go with their number."""

import json
from typing import Any

import pytest

from central.directory import changing, facilities, model, relied, removing, service
from central.errors import FieldError
from central.escalation import model as escalation
from central.personal import finding, speed
from central.personal import model as personal
from central.store import Store
from central.wards import model as wards
from gateway.telephone.personal import Target

STATION, OFFICE, SPARE = "0015650a1b2c", "0015650a1b2d", "0015650a1b2e"
STAFF = {"nurse": "3", "head_nurse": "3", "duty_manager": None, "engineer": None}


@pytest.fixture
def house(store: Store) -> Store:
    """Ward 3 with a station's phone, its head nurse's phone and a spare one."""
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-station", "3", "station")
        for role, ward in STAFF.items():
            tx.insert("users", name=role, display=role, role=role, ward=ward, password_hash="x",
                      created_ms=0)  # fmt: skip
        head = service.add_person(tx, "Li", ward="3")
        service.add_extension(tx, "8003", "Station", ward="3")
        service.add_extension(tx, "8101", "Office", person=head)
        service.add_extension(tx, "8102", "Spare")
        for device, number in ((STATION, "8003"), (OFFICE, "8101"), (SPARE, "8102")):
            service.add_phone(tx, device, number)
        changing.change_person(tx, head, "Li", ward="3", user="head_nurse", by="eng")
    return store


def by_policy(store: Store, **target: Any) -> None:
    """Ward 3 has a policy whose second step rings telephones."""
    steps = [
        {"after_s": 0, "target": {"kind": "station"}},
        {"after_s": 10, "target": {"kind": "phones", **target}},
        {"after_s": 50, "target": {"kind": "role", "role": "duty_manager"}},
    ]
    rule = {"types": ["nurse"], "beds": "all", "steps": steps}
    with store.transaction() as tx:
        escalation.add_version(tx, "3", {"name": "n", "rules": [rule]}, "head_nurse")


def refused(store: Store, change: Any, *args: Any, **values: Any) -> FieldError:
    before = "\n".join(store.read().connection.iterdump())
    with pytest.raises(FieldError) as caught, store.transaction() as tx:
        change(tx, *args, by="eng", **values)
    assert "\n".join(store.read().connection.iterdump()) == before
    return caught.value


def test_an_extension_that_a_policy_names_stays(house: Store) -> None:
    by_policy(house, numbers=["8102", "8101"])
    with house.transaction() as tx:
        service.ring(tx, "8102", [STATION, SPARE])
        changing.change_phone(tx, SPARE, "8101", **PHONE, by="eng")
    error = refused(house, removing.remove_extension, "8102")
    assert (error.field, error.message, error.values) == (
        "number", removing.IN_POLICY, {"ward": "3"},
    )  # fmt: skip
    by_policy(house, numbers=["8101"])
    with house.transaction() as tx:
        removing.remove_extension(tx, "8102", by="eng")
    assert [row["number"] for row in model.extensions(house.read())] == ["8003", "8101"]


LINE: dict[str, Any] = {"label": "Office", "ring_s": 60, "ward": None}
PHONE: dict[str, Any] = {"label": "", "rights": "internal", "lang": "zh", "lines": 2, "groups": []}


@pytest.mark.parametrize(
    ("target", "change", "args", "values"),
    [
        ({"numbers": ["8102"]}, removing.remove_phone, (SPARE,), {}),
        ({"numbers": ["8102"]}, changing.change_phone, (SPARE, "8101"), PHONE),
        ({"numbers": ["8101"]}, changing.change_extension, ("8101",),
         LINE | {"person": 1, "phones": []}),
        ({"of": "ward"}, removing.remove_phone, (STATION,), {}),
        ({"of": "ward"}, changing.change_extension, ("8003",),
         LINE | {"person": None, "phones": [STATION]}),
        ({"of": "head_nurse"}, removing.remove_phone, (OFFICE,), {}),
        ({"of": "head_nurse"}, changing.change_extension, ("8101",),
         LINE | {"person": None, "phones": [OFFICE]}),
        ({"of": "head_nurse"}, changing.change_person, (1, "Li"), {"ward": "3", "user": None}),
    ],
)  # fmt: skip
def test_no_step_of_a_policy_loses_its_last_phone(
    house: Store, target: dict[str, Any], change: Any, args: tuple[Any, ...], values: Any
) -> None:
    by_policy(house, **target)
    error = refused(house, change, *args, **values)
    assert (error.message, error.values) == (relied.POLICY, {"ward": "3"})


@pytest.mark.parametrize("saved", [True, False])
def test_the_default_policy_goes_by_the_phones_there_are(house: Store, saved: bool) -> None:
    if saved:
        by_policy(house, of="head_nurse")
    with house.transaction() as tx:
        removing.remove_phone(tx, STATION, by="eng")
    assert len(model.phones(house.read())) == 2


def test_a_service_keeps_a_phone_that_rings_for_it(house: Store) -> None:
    with house.transaction() as tx:
        service.add_service(tx, "120", "emergency", ["8102"])
    error = refused(house, removing.remove_phone, SPARE)
    assert error.values == {"number": "120"}
    with house.transaction() as tx:
        changing.change_service(tx, "120", ["8102", "8003"], by="eng")
        removing.remove_phone(tx, SPARE, by="eng")
    assert len(model.phones(house.read())) == 2


def test_what_leads_to_a_number_goes_with_it(house: Store) -> None:
    with house.transaction() as tx:
        service.add_extension(tx, "8200", "Laboratory")
        speed.put(tx, "*012", "8200")
        speed.put(tx, "*013", "8200", owner="8003")
        speed.put(tx, "*014", "8101")
        finding.find(tx, "8101", [Target("8200"), Target("8102")])
        finding.find(tx, "8003", [Target("8200")])
        removing.remove_extension(tx, "8200", by="eng")
    tx = house.read()
    assert [row["code"] for row in tx.all("SELECT code FROM speed_dials")] == ["*014"]
    assert [(each.owner, [t.number for t in each.targets]) for each in personal.find(tx)] == [
        ("8101", ["8102"])
    ]
    rows = tx.all("SELECT what, ref, detail FROM audit WHERE who = 'eng' ORDER BY id")
    assert [(row["what"], row["ref"], json.loads(row["detail"])) for row in rows][1:] == [
        ("speed.remove", "speed/house", {"code": "*012"}),
        ("speed.remove", "extension/8003", {"code": "*013"}),
        ("find.put", "extension/8003", {"numbers": []}),
        ("find.put", "extension/8101", {"numbers": ["8102"]}),
        ("extension.remove", "extension/8200", {"label": "Laboratory"}),
    ]


def test_a_speed_dial_goes_with_the_room_or_parking_it_dials(house: Store) -> None:
    with house.transaction() as tx:
        facilities.add_room(tx, "8700", "Round")
        facilities.set_parking(tx, "700", "701", "705")
        speed.put(tx, "*012", "8700")
        speed.put(tx, "*013", "700")
        facilities.remove_room(tx, "8700", by="eng")
        assert [row["code"] for row in tx.all("SELECT code FROM speed_dials")] == ["*013"]
        facilities.remove_parking(tx, "700", by="eng")
        assert tx.all("SELECT code FROM speed_dials") == []
