"""Ward 3 with the rules of proving, and a box that answers as a real one would."""

from typing import Any

import pytest

from central.bridge import intake
from central.clock import FakeClock
from central.proving import model, service
from central.store import Row, Store
from gateway.mqtt import kinds
from tests.calls.ward import Ward, build


class Proved(Ward):
    """`tests.calls.ward.Ward`, whose box 3-bedside can be told how to answer."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(store, clock)
        self.rules.add(service)

    def born(self, node: str = "3-bedside") -> None:
        self.do(intake.births, self.rules, node)

    def prove(self, *beds: str) -> None:
        self.do(service.prove_now, "3", beds, "zhang")

    def orders(self) -> list[Row]:
        """The prove commands that nobody has answered, oldest first."""
        return self.store.read().all(
            "SELECT *, json_extract(body, '$.proof') AS proof FROM commands"
            " WHERE type = 'prove' AND result IS NULL ORDER BY id"
        )

    def order(self) -> Row:
        (row,) = self.orders()
        return row

    def test_press(self, order: Row, **about: Any) -> None:
        self.operate(kinds.TEST_PRESS, order["bed"], proof=order["proof"], took_ms=80, **about)

    def answer(self, order: Row, result: str = kinds.DONE, reason: str | None = None) -> None:
        message = {"id": str(order["id"]), "result": result, "reason": reason}
        self.do(intake.take_ack, self.rules, order["node"], message)

    def carry_out(self) -> None:
        """Whatever is asked succeeds."""
        for order in self.orders():
            self.test_press(order)
            self.answer(order)

    def fail(self, reason: str = "not-counted: waited 5000 ms") -> None:
        self.answer(self.order(), kinds.REFUSED, reason)

    def bed(self, bed: str = "1") -> Row:
        (row,) = model.beds(self.store.read(), "3", bed)
        return row

    def book(self, bed: str | None = None) -> list[tuple[str, str, str | None]]:
        """(bed, result, leg), oldest first."""
        rows = self.store.read().all(
            "SELECT * FROM proofs WHERE ? IS NULL OR bed = ? ORDER BY id", (bed, bed)
        )
        return [(row["bed"], row["result"], row["leg"]) for row in rows]


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Proved:
    build(store)
    return Proved(store, clock)
