"""Who may speak for whom, without asking the database each time."""

import pytest

from central.store import Store, Tx
from central.wards import model
from central.wards.register import Register
from gateway.mqtt import kinds


@pytest.fixture
def ward(store: Store) -> Store:
    with store.transaction() as tx:
        for number in ("3", "5"):
            model.add_ward(tx, number, f"{number}病区", f"Ward {number}")
        model.add_node(tx, "3-box", "3", "bedside")
        model.add_bed(tx, "3", "1", "3-box")
        model.add_bed(tx, "3", "2", None)
    return store


def refreshed(store: Store, register: Register) -> list[str]:
    """Refresh it; the queries that took."""
    asked: list[str] = []
    connection = store.connection()
    connection.set_trace_callback(asked.append)
    register.refresh(store.read())
    connection.set_trace_callback(None)
    return asked


def test_only_strangers_are_refused(ward: Store) -> None:
    register = Register()
    register.refresh(ward.read())
    assert register.stranger("3", "3-box") is None
    assert register.stranger("3", "nobody-knows-it") is None
    assert register.stranger("5", "3-box") == "box 3-box belongs to ward 3, and spoke in ward 5"


def test_only_its_own_box_speaks_of_presence_at_a_bed(ward: Store) -> None:
    register = Register()
    register.refresh(ward.read())
    assert register.not_its_bed("3", "3-box", "1", kinds.PRESENCE) is None
    assert "belongs to box 3-box" in str(register.not_its_bed("3", "other", "1", kinds.PRESENCE))
    assert register.not_its_bed("3", "other", "1", kinds.PRESS) is None
    for bed in ("2", "unheard-of", None):
        assert register.not_its_bed("3", "other", bed, kinds.PRESENCE) is None


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE nodes SET ward = '5' WHERE id = '3-box'",
        "INSERT INTO nodes (id, ward, role) VALUES ('5-box', '5', 'bedside')",
        "UPDATE beds SET node = '3-box' WHERE bed = '2'",
        "DELETE FROM beds WHERE bed = '1'",
        "INSERT INTO beds (ward, bed, node, position) VALUES ('3', '9', '3-box', 9)",
    ],
)
def test_every_change_of_boxes_and_beds_is_seen(ward: Store, change: str) -> None:
    register, fresh = Register(), Register()
    register.refresh(ward.read())
    with ward.transaction() as tx:
        tx.execute(change)
    register.refresh(ward.read())
    fresh.refresh(ward.read())
    assert vars(register) == vars(fresh)


def test_a_removed_box_is_no_longer_known(ward: Store) -> None:
    register = Register()
    register.refresh(ward.read())
    with ward.transaction() as tx:
        tx.execute("DELETE FROM beds WHERE node = '3-box'")
        tx.execute("DELETE FROM nodes WHERE id = '3-box'")
    register.refresh(ward.read())
    assert register.stranger("5", "3-box") is None


def test_what_changes_all_the_time_costs_one_look(ward: Store) -> None:
    def states(tx: Tx) -> None:
        tx.execute("UPDATE nodes SET state = 'ready', seen_ms = 1")
        tx.execute("UPDATE beds SET state = 'calling'")

    register = Register()
    assert len(refreshed(ward, register)) == 3
    with ward.transaction() as tx:
        states(tx)
    assert len(refreshed(ward, register)) == 1
