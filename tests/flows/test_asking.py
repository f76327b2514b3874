"""What a menu asks may fail, take too long, or be tried by a stranger."""

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import pytest
from argon2 import PasswordHasher

from central import pins
from central.flows import asking
from central.flows.engine import LogIn
from central.flows.offers import Answer, Asking, Offer, Run
from central.patients import details, issuing
from central.patients.cards import Caller
from central.store import Store, Tx

CARD, PIN = "60010001", "246824"
UNKNOWN, WITHOUT_PIN = "60019999", "60010002"


async def look_up(
    store: Store, monkeypatch: pytest.MonkeyPatch, run: Run, **more: Any
) -> Answer | None:
    offer = Offer("a.b", run, "a trial", **more)
    monkeypatch.setattr(asking, "offers", lambda: {"a.b": offer})
    return await asking.look_up(store, "a.b", Asking("zh"), {})


@pytest.mark.parametrize("acts", [False, True])
async def test_one_that_fails_has_no_answer_and_the_log_says_why(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, acts: bool
) -> None:
    def run(tx: Tx, who: Asking, values: Mapping[str, str]) -> Answer:
        raise RuntimeError("the other side is away")

    assert await look_up(store, monkeypatch, run, acts=acts) is None
    assert "a.b failed" in caplog.text
    assert "the other side is away" in caplog.text


@pytest.mark.parametrize("acts", [False, True])
async def test_one_that_takes_too_long_is_not_waited_for(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, acts: bool
) -> None:
    goes_on = threading.Event()

    def run(tx: Tx, who: Asking, values: Mapping[str, str]) -> Answer:
        goes_on.wait()
        return Answer()

    monkeypatch.setattr(asking, "MOST_S", 0.05)
    try:
        assert await look_up(store, monkeypatch, run, acts=acts) is None
        assert not goes_on.is_set(), "it is still at it"
    finally:
        goes_on.set()
    assert "a.b had no answer within 0.05 s" in caplog.text
    await store.write(lambda tx: None)


async def test_a_patients_data_are_not_even_looked_for_without_a_log_in(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(tx: Tx, who: Asking, values: Mapping[str, str]) -> Answer:
        raise AssertionError("it was asked")

    assert await look_up(store, monkeypatch, run, of_patient=True) is None
    assert await look_up(store, monkeypatch, run, of_staff=True) is None


class Hasher:
    """Tells what was compared."""

    def __init__(self, real: PasswordHasher) -> None:
        self._real = real
        self.verified: list[str] = []

    def hash(self, secret: str) -> str:
        return self._real.hash(secret)

    def verify(self, kept: str, secret: str) -> bool:
        self.verified.append(kept)
        return self._real.verify(kept, secret)


def test_whoever_tries_a_card_has_a_pin_compared_whether_there_is_such_a_card(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once each time, against a hash made like any other: nothing in the time tells a card from
    a number that is none, or from one without a PIN."""
    with store.transaction() as tx:
        for number, patient in ((CARD, "P1"), (WITHOUT_PIN, "P2")):
            details.register(tx, patient, "李梅", "F", "1970-01-01", by="desk")
            issuing.issue(tx, patient, number, by="desk")
    made = issuing.make_pin(store, "P1", PIN)
    with store.transaction() as tx:
        issuing.set_pin(tx, "P1", made, by="desk")
    hasher = Hasher(pins.HASHER)
    monkeypatch.setattr(pins, "HASHER", hasher)
    came = {}

    async def log_in() -> None:
        for number, pin in ((CARD, PIN), (CARD, "1"), (UNKNOWN, PIN), (WITHOUT_PIN, PIN)):
            before = len(hasher.verified)
            found = await asking.log_in(store, number, pin, Caller("phone/001565000003"))
            assert len(hasher.verified) == before + 1
            came[number, pin] = found[0]

    asyncio.run(log_in())
    right = came.pop((CARD, PIN))
    assert (right, set(came.values())) == (LogIn.RIGHT, {LogIn.WRONG})
    parameters = {each.rsplit("$", 2)[0] for each in hasher.verified}
    assert len(parameters) == 1, "all cost the same"
