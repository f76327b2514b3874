"""A card's number and PIN: who is let in, who has to wait, and what stays secret."""

import stat
import threading
from dataclasses import replace
from typing import Any

import pytest

from central import pins
from central.clock import FakeClock
from central.console.limits import LockedOutError
from central.errors import FieldError
from central.patients import cards, issuing, model
from central.patients.cards import Caller, CardLockedError, PinsLostError, Secret
from central.store import Store
from tests.patients.conftest import CARD, PIN, QIAN, WRONG, ZHAO, give

HOME, LOBBY = Caller("address/198.51.100.7"), Caller("phone/0015650a1b2c")


def wrong(store: Store, times: int, number: str = CARD, caller: Caller = HOME) -> None:
    for _ in range(times):
        assert cards.check(store, number, WRONG, caller) is None


def test_number_and_pin_tell_the_patient(desk: Store) -> None:
    assert cards.check(desk, CARD, PIN, HOME) == ZHAO
    assert cards.check(desk, " 6201-0001 7", "２４６８０２", HOME) == ZHAO
    assert cards.check(desk, CARD, WRONG, HOME) is None
    assert cards.check(desk, "620100018", PIN, HOME) is None


async def test_the_bridge_asks_the_same(desk: Store) -> None:
    assert await cards.checked(desk, CARD, PIN, LOBBY) == ZHAO
    for _ in range(cards.TRIES):
        assert await cards.checked(desk, CARD, WRONG, LOBBY) is None
    with pytest.raises(CardLockedError):
        await cards.checked(desk, CARD, PIN, LOBBY)


def test_five_wrong_ones_lock_the_card_everywhere_and_for_good(
    desk: Store, clock: FakeClock
) -> None:
    wrong(desk, 3)
    wrong(desk, 2, caller=LOBBY)
    again = Store(desk.path, clock)
    for caller in (HOME, LOBBY, Caller("address/192.0.2.1")):
        with pytest.raises(CardLockedError):
            cards.check(again, CARD, PIN, caller)
    again.close()
    clock.advance(90 * 24 * 3_600_000)
    with pytest.raises(CardLockedError):
        cards.check(desk, CARD, PIN, HOME)
    key = Secret.of(desk)
    with desk.transaction() as tx:
        issuing.unlock(tx, key, ZHAO, by="sun")
    assert cards.check(desk, CARD, PIN, HOME) == ZHAO


def test_a_right_one_forgets_the_wrong_ones_before(desk: Store) -> None:
    for _ in range(3):
        wrong(desk, cards.TRIES - 1)
        assert cards.check(desk, CARD, PIN, LOBBY) == ZHAO


def test_a_number_that_is_no_card_is_treated_like_one(
    desk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[str | None] = []
    same = pins.same
    monkeypatch.setattr(pins, "same", lambda kept, pin: (looked.append(kept), same(kept, pin))[1])
    wrong(desk, cards.TRIES, number="999999999")
    assert len(looked) == cards.TRIES, "the same slow work each time"
    with pytest.raises(CardLockedError):
        cards.check(desk, "999999999", WRONG, LOBBY)


def test_somebody_who_tries_many_cards_from_one_place_waits_longer_and_longer(
    desk: Store, clock: FakeClock
) -> None:
    for each in range(cards.FREE_AT_PLACE + 1):
        wrong(desk, 1, number=f"7000{each}")
    waits = []
    for each in range(3):
        with pytest.raises(LockedOutError) as caught:
            cards.check(desk, f"8000{each}", WRONG, HOME)
        waits.append(caught.value.wait_ms)
        clock.advance(caught.value.wait_ms)
        wrong(desk, 1, number=f"8000{each}")
    assert waits == [5_000, 10_000, 20_000]
    again = Store(desk.path, clock)
    with pytest.raises(LockedOutError):
        cards.check(again, CARD, PIN, HOME)
    assert cards.check(again, CARD, PIN, LOBBY) == ZHAO, "others elsewhere are let in"
    again.close()


def test_a_known_device_is_not_kept_out_by_strangers_at_its_address(desk: Store) -> None:
    mine = replace(HOME, device="a secret of its own")
    assert cards.check(desk, CARD, PIN, mine) == ZHAO
    for each in range(cards.FREE_AT_PLACE + 1):
        wrong(desk, 1, number=f"7000{each}")
    with pytest.raises(LockedOutError):
        cards.check(desk, CARD, PIN, HOME)
    assert cards.check(desk, CARD, PIN, mine) == ZHAO
    give(desk, QIAN, "620100025", "975310")
    with pytest.raises(LockedOutError):
        cards.check(desk, "620100025", "975310", mine)


def test_many_tries_at_once_are_no_way_round(desk: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = cards.TRIES * 2
    looked, locked = [], []
    gate = threading.Barrier(asked)

    def slow(kept: str | None, pin: str) -> bool:
        looked.append(pin)
        return False

    def attempt() -> None:
        gate.wait()
        try:
            cards.check(desk, CARD, WRONG, HOME)
        except CardLockedError:
            locked.append(1)

    monkeypatch.setattr(pins, "same", slow)
    threads = [threading.Thread(target=attempt) for _ in range(asked)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (len(looked), len(locked)) == (cards.TRIES, asked - cards.TRIES)


def test_a_lost_or_replaced_card_and_one_without_pin_open_nothing(desk: Store) -> None:
    with desk.transaction() as tx:
        issuing.replace(tx, ZHAO, "620100033", by="sun")
    assert cards.check(desk, CARD, PIN, HOME) is None
    assert cards.check(desk, "620100033", PIN, HOME) is None
    made = issuing.make_pin(desk, ZHAO, "975310")
    with desk.transaction() as tx:
        issuing.set_pin(tx, ZHAO, made, by="sun")
    assert cards.check(desk, "620100033", "975310", HOME) == ZHAO
    with desk.transaction() as tx:
        issuing.lose(tx, ZHAO, by="sun")
    assert cards.check(desk, "620100033", "975310", HOME) is None
    assert [row["state"] for row in model.cards_of(desk.read(), ZHAO)] == ["lost", "replaced"]


def test_a_card_reported_lost_while_its_pin_is_looked_at_opens_nothing(
    desk: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(kept: str | None, pin: str) -> bool:
        with desk.transaction() as tx:
            issuing.lose(tx, ZHAO, by="sun")
        return True

    monkeypatch.setattr(pins, "same", meanwhile)
    assert cards.check(desk, CARD, PIN, HOME) is None


def test_a_new_pin_unlocks_the_card(desk: Store) -> None:
    wrong(desk, cards.TRIES)
    made = issuing.make_pin(desk, ZHAO, "975310")
    with desk.transaction() as tx:
        issuing.set_pin(tx, ZHAO, made, by="sun")
    assert cards.check(desk, CARD, PIN, HOME) is None
    assert cards.check(desk, CARD, "975310", HOME) == ZHAO


def test_a_pin_is_not_easily_guessed(desk: Store) -> None:
    malformed = ("", "12345", "123456789", "24680a")
    for pin in (*malformed, "777777", "234567", "987654", "100017", "610615"):
        with pytest.raises(FieldError) as caught:
            issuing.make_pin(desk, ZHAO, pin)
        assert caught.value.field == "pin", pin


def test_a_pin_by_lot_is_one(desk: Store) -> None:
    drawn = [issuing.draw_pin(desk.read(), ZHAO) for _ in range(20)]
    assert len(set(drawn)) > 10
    for each in drawn:
        issuing.make_pin(desk, ZHAO, each)


@pytest.mark.parametrize(
    ("deed", "field"),
    [
        (lambda tx: issuing.issue(tx, "P999", "62010041", by="sun"), "patient"),
        (lambda tx: issuing.issue(tx, QIAN, "123", by="sun"), "number"),
        (lambda tx: issuing.issue(tx, QIAN, "12345x", by="sun"), "number"),
        (lambda tx: issuing.issue(tx, QIAN, CARD, by="sun"), "number"),
        (lambda tx: issuing.issue(tx, ZHAO, "62010041", by="sun"), "number"),
        (lambda tx: issuing.replace(tx, QIAN, "62010041", by="sun"), "card"),
        (lambda tx: issuing.lose(tx, QIAN, by="sun"), "card"),
    ],
)
def test_a_wrong_deed_names_its_field(desk: Store, deed: Any, field: str) -> None:
    with pytest.raises(FieldError) as caught, desk.transaction() as tx:
        deed(tx)
    assert caught.value.field == field


def test_the_secret_stands_outside_the_database_for_its_owner_only(desk: Store) -> None:
    path = desk.path.with_name(cards.SECRET_FILE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(path.read_bytes()) == 32
    card = model.card(desk.read(), CARD)
    assert card is not None
    assert card["pin_hash"].startswith("$argon2id$")
    assert not pins.same(card["pin_hash"], PIN), "the database alone says nothing of the PIN"
    path.unlink()
    with pytest.raises(PinsLostError):
        cards.check(desk, CARD, PIN, HOME)
    made = issuing.make_pin(desk, ZHAO, PIN)
    with desk.transaction() as tx:
        issuing.set_pin(tx, ZHAO, made, by="sun")
    assert cards.check(desk, CARD, PIN, HOME) == ZHAO, "a PIN set anew is under the new secret"


def test_a_hash_is_as_slow_as_owasp_asks() -> None:
    from argon2 import PasswordHasher

    made = PasswordHasher()
    assert (made.memory_cost, made.time_cost, made.parallelism) >= (19 * 1024, 2, 1)


def test_neither_pin_nor_what_was_typed_for_a_card_is_written_anywhere(
    desk: Store, caplog: pytest.LogCaptureFixture
) -> None:
    typed = "864209753"
    with caplog.at_level("DEBUG"):
        assert cards.check(desk, typed, WRONG, HOME) is None
        assert cards.check(desk, CARD, PIN, HOME) == ZHAO
        wrong(desk, cards.TRIES)
    assert [row["what"] for row in desk.read().all("SELECT what FROM audit ORDER BY id")][-2:] == [
        "card.refused", "card.locked",
    ]  # fmt: skip
    desk.read().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = desk.path.read_bytes()
    for secret in (PIN, WRONG, typed):
        assert secret not in caplog.text
        assert secret.encode() not in kept
    assert PIN not in repr(HOME) + repr(Secret.of(desk))
