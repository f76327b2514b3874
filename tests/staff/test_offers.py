"""What the staff's menu tells and does: within the rights that the console gives the person."""

import json
from typing import Any

import pytest

from central.calls import model as calls
from central.calls import service as calling
from central.clock import FakeClock
from central.console import service as people
from central.directory import changing
from central.directory import service as directory
from central.flows import asking, service, trying
from central.flows.engine import LogIn
from central.flows.offers import Answer, Asking, offers
from central.flows.reading import Said
from central.notices import service as notices
from central.patients.cards import Caller
from central.personal import desks
from central.store import Store, Tx
from central.wards import model as wards

PIN = "258025"
# Extension: log-in, its role and ward.
STAFF = {
    "8203": ("li", "nurse", "3"),
    "8205": ("wu", "nurse", "5"),
    "8102": ("zhao", "duty_manager", None),
    "8299": ("sun", "registry", None),
}


def build(tx: Tx) -> None:
    for ward in ("3", "5"):
        wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
        wards.add_node(tx, f"{ward}-box", ward, "bedside")
        wards.add_node(tx, f"{ward}-station", ward, "station")
        for bed in ("1", "2"):
            wards.add_bed(tx, ward, bed, f"{ward}-box")
    directory.add_extension(tx, "8201", "Nobody's")
    for number, (name, role, ward) in STAFF.items():
        people.add_user(tx, name, name.title(), role, "wardline-test", ward=ward, lang="en")
        person = directory.add_person(tx, name.title())
        changing.change_person(tx, person, name.title(), ward=None, user=name, by="admin")
        directory.add_extension(tx, number, name.title(), person=person)
        desks.put(tx, number, rights="internal", pin=PIN)


@pytest.fixture
def house(store: Store) -> Store:
    with store.transaction() as tx:
        build(tx)
    return store


def ask(store: Store, name: str, number: str | None = "8203", /, **values: Any) -> Answer:
    given = {key: str(value) for key, value in values.items()}
    with store.transaction() as tx:
        return offers()[f"staff.{name}"].run(tx, Asking("zh", staff=number), given)


def opened(store: Store, ward: str, bed: str, kind: str = "nurse") -> int:
    with store.transaction() as tx:
        return calling.open_call(tx, ward, bed, kind)


def test_a_nurse_hears_the_calls_of_her_ward_and_accepts_as_at_the_board(
    house: Store, clock: FakeClock
) -> None:
    assert ask(house, "call", after=0) == Answer("none")
    first = opened(house, "3", "1")
    opened(house, "5", "1", "emergency")
    clock.advance(125_000)
    second = opened(house, "3", "2", "toilet")
    told = ask(house, "call", after=0)
    assert told.values == {
        "id": second, "said": "三病区二床卫生间呼叫,请立即前往。", "count": 2, "state": "open",
    }  # fmt: skip
    told = ask(house, "call", after=second)
    assert told.values["said"] == "三病区一床呼叫护士。已等待两分钟。"
    assert ask(house, "call", after=first) == Answer("none")
    assert ask(house, "accept", call=first) == Answer()
    (row,) = [row for row in calls.board(house.read(), "3") if row["id"] == first]
    assert (row["state"], row["accepted_by"]) == ("accepted", "li")
    audited = house.read().one("SELECT who, ref, detail FROM audit WHERE what = 'call.accept'")
    assert audited is not None
    assert tuple(audited)[:2] == ("li", f"call/{first}")
    assert json.loads(audited["detail"]) == {"via": "phone 8203"}
    # What nobody has accepted comes first.
    assert ask(house, "call", after=0).values["id"] == second
    assert ask(house, "call", after=second).values["said"].endswith("已由Li接听。")
    with house.transaction() as tx:
        calling.attend(tx, "3", "1", tx.now_ms, "3-box")
    assert ask(house, "accept", call=first) == Answer("gone")


def test_rights_are_those_of_the_console(house: Store) -> None:
    call = opened(house, "3", "1")
    assert ask(house, "call", "8205", after=0) == Answer("none")
    assert ask(house, "accept", "8205", call=call) == Answer("not_yours")
    assert ask(house, "accept", "8205", call="x") == Answer("not_yours")
    for number in ("8299", "8201", None):  # no nurse, no person, nobody
        for name, values in (("call", {"after": 0}), ("accept", {"call": call}),
                             ("notice", {"after": 0}), ("message", {})):  # fmt: skip
            assert ask(house, name, number, **values) == Answer("not_yours")
    assert calls.one(house.read(), call)["state"] == "open"  # type: ignore[index]
    # What is handed over to her is hers, and a duty manager's is all of it.
    with house.transaction() as tx:
        calling.hand_over(tx, call, "5", "li")
    assert ask(house, "call", "8205", after=0).values["id"] == call
    assert ask(house, "call", "8102", after=0).values["id"] == call
    assert ask(house, "accept", "8205", call=call) == Answer()
    with house.transaction() as tx:
        people.set_disabled(tx, "li", True, "admin")
    assert ask(house, "call", after=0) == Answer("not_yours")


def test_notices_are_heard_again_and_confirmed_and_the_last_message_too(
    house: Store, clock: FakeClock
) -> None:
    assert ask(house, "notice", after=0) == Answer("none")
    assert ask(house, "message") == Answer("none")
    with house.transaction() as tx:
        old = notices.tell(tx, "3", "stay/1", "admitted", {"zh": "新入院。", "en": "New."},
                           until_accepted=True)  # fmt: skip
        clock.advance(1000)
        new = notices.tell(tx, "3", "stay/2", "left", {"zh": "出院。", "en": "Left."},
                           until_accepted=True)  # fmt: skip
    assert ask(house, "notice", "8205", after=0) == Answer("none")
    told = ask(house, "notice", after=0).values
    assert told == {"id": new, "said": "出院。", "waits": "yes"}
    assert ask(house, "notice", after=new).values["id"] == old
    assert ask(house, "confirm", "8205", notice=new) == Answer("not_yours")
    assert ask(house, "confirm", notice=new) == Answer()
    assert ask(house, "confirm", notice=new) == Answer("gone")
    row = house.read().one("SELECT who, detail FROM audit WHERE what = 'notice.accept'")
    assert row is not None
    assert (row["who"], json.loads(row["detail"])) == ("li", {"via": "phone 8203"})
    assert ask(house, "notice", after=0).values["id"] == old
    assert ask(house, "notice", after=old).values == {"id": new, "said": "出院。", "waits": "no"}
    assert ask(house, "message").values == {"said": Said((("zh", "出院。"),))}
    clock.advance(13 * 3_600_000)  # of yesterday: only what nobody has confirmed
    assert ask(house, "notice", after=old) == Answer("none")


async def test_extension_and_pin_are_counted_by_place_and_the_language_is_the_persons(
    house: Store,
) -> None:
    where = Caller("outside/13900001111")
    assert await asking.log_in_staff(house, "8203", PIN, where) == (LogIn.RIGHT, "8203", "en")
    assert await asking.log_in_staff(house, "8999", PIN, where) == (LogIn.WRONG, None, None)
    for _ in range(3):
        assert (await asking.log_in_staff(house, "8203", "000000", where))[0] is LogIn.WRONG
    assert (await asking.log_in_staff(house, "8203", PIN, where))[0] is LogIn.WAIT
    rows = house.read().all("SELECT ref, detail FROM audit WHERE what = 'desk.refused'")
    assert {row["ref"] for row in rows} == {"outside/13900001111"}
    assert not any(PIN in str(tuple(row)) or "000000" in str(tuple(row)) for row in rows)
    # A menu that asks for what is the staff's is told nothing without a log-in.
    assert await asking.look_up(house, "staff.call", Asking("zh"), {"after": "0"}) is None


def test_the_text_telephone_knows_the_staff_and_undoes_what_it_does(house: Store) -> None:
    call = opened(house, "3", "1")
    trier = trying.Trier("admin", "address/127.0.0.1")
    phone = trying.TextTelephone(house, service.shipped(), "staff", trier)
    heard = phone.begin()
    for key in f"8203#{PIN}#1":
        heard = phone.press(key)
    assert heard[0].text.startswith("Calls: one.")
    assert phone.press("1")[0].text.startswith("The call is yours.")
    row = calls.one(house.read(), call)
    assert row is not None
    assert row["state"] == "open"
