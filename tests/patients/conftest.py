"""Two patients whom the hospital's system has told of, and one card with its PIN."""

import pytest

from central.patients import issuing
from central.store import Store, Tx

ZHAO, QIAN = "P100", "P200"
CARD, PIN, WRONG = "620100017", "246802", "135791"


def tell_of(tx: Tx, patient: str, name: str, birth: str = "1961-06-15") -> None:
    tx.insert("patients", id=patient, name=name, sex="F", birth=birth, updated_ms=tx.now_ms)


def give(store: Store, patient: str, number: str, pin: str | None = PIN) -> None:
    """A card with a PIN."""
    with store.transaction() as tx:
        issuing.issue(tx, patient, number, by="sun")
    if pin is not None:
        made = issuing.make_pin(store, patient, pin)
        with store.transaction() as tx:
            issuing.set_pin(tx, patient, made, by="sun")


@pytest.fixture
def desk(store: Store) -> Store:
    with store.transaction() as tx:
        tell_of(tx, ZHAO, "赵敏")
        tell_of(tx, QIAN, "钱多多", "1975-01-30")
    give(store, ZHAO, CARD)
    return store
