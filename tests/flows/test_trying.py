"""The text telephone: the engine and the offers of real calls, and no trace of a call."""

import pytest

from central.audit import model as audit
from central.directory import places
from central.directory import service as directory
from central.flows import service, trials, trying
from central.flows.engine import MOST_LOG_INS
from central.flows.offers import Answer, Asking, Offer
from central.flows.trying import TextTelephone, Trier
from central.patients import details, issuing
from central.patients.cards import TRIES
from central.store import Store, Tx
from tests.flows.test_versions import menu
from tests.flows.walking import read_all

PATIENT, CARD, PIN = "P1", "60010001", "246824"


@pytest.fixture
def registered(store: Store) -> Store:
    with store.transaction() as tx:
        details.register(tx, PATIENT, "李梅", "F", "1970-01-01", by="desk")
        issuing.issue(tx, PATIENT, CARD, by="desk")
    made = issuing.make_pin(store, PATIENT, PIN)
    with store.transaction() as tx:
        issuing.set_pin(tx, PATIENT, made, by="desk")
    return store


def begun(store: Store, flow: str = "main", **more: str) -> tuple[TextTelephone, list[str]]:
    telephone = TextTelephone(store, service.shipped(), flow, Trier("admin", "address/x"), **more)  # type: ignore[arg-type]
    return telephone, [each.text for each in telephone.begin()]


def press(telephone: TextTelephone, keys: str) -> list[str]:
    """What is heard after the last of the keys."""
    heard: list[str] = []
    for key in keys:
        heard = [each.text for each in telephone.press(key)]
    return heard


def audited(store: Store) -> list[tuple[str, str, str]]:
    rows = store.read().all("SELECT who, what, ref FROM audit ORDER BY id")
    return [(row["who"], row["what"], row["ref"]) for row in rows]


def test_a_card_opens_the_real_fees_and_leaves_the_trier_alone_in_the_audit(
    registered: Store,
) -> None:
    before = audited(registered)
    telephone, heard = begun(registered)
    assert heard[0] == service.shipped()["main"].steps["welcome"].words["zh"]
    press(telephone, "1")
    assert telephone.secret
    press(telephone, f"{CARD}#")
    assert telephone.secret
    heard = press(telephone, f"{PIN}#")
    assert heard[0] == "目前没有费用记录。"
    assert not telephone.secret
    assert audited(registered)[len(before) :] == [("admin", "flow.try", f"patient/{PATIENT}")]
    assert audit.first_broken(registered.read()) is None


def test_wrong_pins_count_like_those_of_a_call(registered: Store) -> None:
    for _ in range(TRIES):
        telephone, _heard = begun(registered, "fees")
        press(telephone, f"{CARD}#111111#")
    telephone, _heard = begun(registered, "fees")
    heard = press(telephone, f"{CARD}#{PIN}#")
    assert heard[0] == "这张卡已经锁定,请到挂号收费处解锁。"
    assert telephone.is_over


def test_what_a_look_up_would_write_is_undone_and_its_answer_is_heard(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def act(tx: Tx, asking: Asking, values: object) -> Answer:
        audit.append(tx, "patient", "booked")
        return Answer(values={"n": tx.value("SELECT count(*) FROM audit")})

    offer = Offer("x.book", act, "books", gives={"n": "number"}, acts=True)
    monkeypatch.setattr(trying, "offers", lambda: {"x.book": offer})
    steps = "look_up: x.book, as: it, then: c}\n  c: {hang_up: {zh: 好, en: 'Number {it.n:number}'}"
    documents = read_all(menu("own", "well", steps))
    telephone = TextTelephone(store, documents, "own", Trier("admin", "address/x"), lang="en")
    assert [each.text for each in telephone.begin()] == ["well", "Number one", trying.OVER]
    assert audited(store) == []


def test_a_look_up_that_fails_is_told_and_the_call_goes_on(
    registered: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying.asking, "run", lambda *_: 1 / 0)
    telephone, _heard = begun(registered, "fees", lang="en")
    heard = press(telephone, f"{CARD}#{PIN}#")
    assert heard[0] == trying.FAILED
    assert heard[1].startswith("Fees cannot be looked up just now.")


def test_nothing_pressed_tries_the_patience_of_the_menu(store: Store) -> None:
    telephone, _heard = begun(store, lang="en")
    for _ in range(2):
        assert telephone.wait()[0].text == "Nothing was pressed."
        assert telephone.place == ("main", "choose")
    assert [each.text for each in telephone.wait()][-1] == trying.OVER
    assert telephone.is_over
    assert telephone.press("1") == []


def test_a_trial_is_its_owners_and_goes_when_it_is_left(store: Store) -> None:
    now_s = [0.0]
    mine = trials.Trials(lambda: now_s[0])
    names = [mine.add("admin", begun(store)[0]) for _ in range(trials.MOST_EACH + 1)]
    assert mine.find("admin", names[0]) is None
    assert mine.find("admin", names[1]) is not None
    assert mine.find("other", names[1]) is None
    now_s[0] = trials.IDLE_S
    assert mine.find("admin", names[1]) is not None
    now_s[0] += trials.IDLE_S + 1
    assert mine.find("admin", names[1]) is None


def test_three_wrong_tries_end_the_service(registered: Store) -> None:
    telephone, _heard = begun(registered, "fees", lang="en")
    heard = press(telephone, f"{CARD}#1#" * MOST_LOG_INS)
    assert heard[0] == "Card number or PIN is wrong."
    assert heard[-1] == trying.OVER


def test_a_message_is_left_in_words_alone(store: Store) -> None:
    telephone, heard = begun(store, "message", lang="en")
    assert heard[-1] == trying.SPEAKS
    assert press(telephone, "#") == [
        "To keep it press 1, to hear it press 2, to record it again press 3."
    ]
    assert press(telephone, "2")[0] == trying.HEARS
    press(telephone, "1")
    assert telephone.is_over
    assert store.read().value("SELECT count(*) FROM left_messages") == 0
    assert audited(store) == []


def test_where_nobody_answers_the_menu_goes_on(store: Store) -> None:
    with store.transaction() as tx:
        directory.add_extension(tx, "8101", "Desk")
        places.put(tx, places.DESK, "8101")
    then = "transfer: desk, unanswered: c}\n  c: {hang_up: {zh: 好, en: Nobody is there}"
    documents = read_all(menu("own", "well", then))
    telephone = TextTelephone(store, documents, "own", Trier("admin", "address/x"), lang="en")
    assert [each.text for each in telephone.begin()] == ["well", trying.BACK]
    assert telephone.press("1") == []
    assert [each.text for each in telephone.wait()] == ["Nobody is there", trying.OVER]


def test_a_caller_waits_in_words_and_is_not_taken_or_leaves(store: Store) -> None:
    def waits() -> TextTelephone:
        then = "queue: 8101, unanswered: c}\n  c: {hang_up: {zh: 好, en: Nobody took it}"
        documents = read_all(menu("own", "well", then))
        return TextTelephone(store, documents, "own", Trier("admin", "address/x"), lang="en")

    telephone = waits()
    heard = [each.text for each in telephone.begin()]
    assert trying.QUEUED in heard
    assert heard[-1].startswith("You are number one in the queue.")
    assert [each.text for each in telephone.wait()][-2:] == ["Nobody took it", trying.OVER]
    telephone = waits()
    telephone.begin()
    assert press(telephone, "*") == ["Nobody took it", trying.OVER]


def test_every_menu_that_is_shipped_can_be_tried_whatever_is_pressed(store: Store) -> None:
    for flow in service.shipped():
        for keys in ("123456789*0#", "0#1", "...........", "1.2.0.", "#1#2#3"):
            telephone, _heard = begun(store, flow, lang="en")
            for key in keys * 3:
                if key == ".":
                    telephone.wait()
                else:
                    telephone.press(key)
            for _ in range(200):
                if telephone.is_over:
                    break
                telephone.wait()
            assert telephone.is_over, (flow, keys)
