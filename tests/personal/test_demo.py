"""The demo's doctor without a telephone is one whom the exchange can ring."""

from central.directory import model
from central.store import Store
from provisioning import hospital
from provisioning.layout import demo_wards


def test_the_demo_has_somebody_without_a_telephone_and_loads_twice(store: Store) -> None:
    for _ in range(2):
        with store.transaction() as tx:
            hospital.load(tx, demo_wards(with_communicator=False))
    now = model.directory(store.read())
    assert [each.owner for each in now.find] == [hospital.ROUNDS]
    assert now.devices_of([hospital.ROUNDS]) == ()
    assert hospital.DESK in {each.number for each in now.services}
    assert [each.number for each in now.speed] == ["8003"]
