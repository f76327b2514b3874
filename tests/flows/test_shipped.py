"""The menus that are shipped: every step and every way of each is walked, whatever happens."""

from collections import deque
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from central.flows import checks, service
from central.flows.engine import (
    KEYS,
    MOST_LOG_INS,
    Call,
    Hush,
    LogIn,
    LookUp,
    Remember,
    Say,
    TryCard,
)
from central.flows.offers import OK, Answer, offers
from central.flows.reading import Said
from tests.flows.walking import CARD, PATIENT, PIN, STAFF, Walk

FEES = {
    "today": 32050, "total": 123000, "insured": 86000, "own": 37000, "deposit": "left",
    "left": 63000, "certain": "no",
}  # fmt: skip
LIST = {"words": "请按键。", "shown": "1 2", "next": "", "more": "no"}
PLACES = {"count": 1, "places": "一号超声,您是三号。"}
OPENS = {"opens": "明天八点整"}
DESK = {"desk": "8101"}
LOG_IN = f"{CARD}#{PIN}#"


FAILED, OTHER = "failed", "other"
WELL: dict[str, Answer | None] = {
    "fees.account": Answer(values=FEES),
    "exams.places": Answer(values=PLACES),
    "hours.open": Answer(),
    "directory.number": Answer(values={"number": "120"}),
    "left_messages.keep": Answer(),
    "prompts.find": Answer(values={"words": Said((("zh", "您好。"),))}),
    "prompts.keep": Answer(),
    "information.sections": Answer(values=LIST),
    "information.pick": Answer(values={"what": "1"}),
    "information.section_open": Answer(values={"title": "专家介绍", "count": 3}),
    "information.list": Answer(values=LIST),
    "information.entry": Answer(values={"text": "这是介绍。" * 20, "next": "2"}),
    "staff.call": Answer(values={"id": 7, "said": "三床呼叫。", "count": 2, "state": "open"}),
    "staff.accept": Answer(),
    "staff.notice": Answer(values={"id": 4, "said": "新入院。", "waits": "yes"}),
    "staff.confirm": Answer(),
    "staff.message": Answer(values={"said": "五床呼叫。"}),
}
# Told instead, where a menu makes a difference by it.
OTHERWISE = {
    "staff.call": Answer(values={"id": 7, "said": "", "count": 1, "state": "accepted"}),
    "staff.notice": Answer(values={"id": 4, "said": "", "waits": "no"}),
}
CLOSED = WELL | {"hours.open": Answer("closed", OPENS)}
LISTS = ("information.sections", "information.list")
LONG = Answer(values=LIST | {"more": "yes"})
Way = tuple[str, str, str]
# Of a look-up by its name.
Outcome = tuple[str, str]


def walk(
    flow: str,
    answers: dict[str, Answer | None] | None = None,
    lang: str = "zh",
    *,
    places: dict[str, str] = DESK,
    answered: bool = True,
) -> Walk:
    call = Call(service.shipped(), flow, lang=lang, places=places)
    return Walk(call, WELL | (answers or {}), answered=answered).begin()


def test_fees_are_told_after_card_and_pin_and_not_before() -> None:
    call = walk("fees")
    assert call.last() == "请输入就诊卡号码,按井号键结束。"
    call.press(f"{CARD}#")
    assert call.last() == "请输入密码,按井号键结束。"
    assert call.asked == []
    call.press(f"{PIN}#")
    assert call.asked == [("fees.account", PATIENT)]
    assert call.last() == (
        "今日费用三百二十元五角。累计一千二百三十元,其中医保约支付八百六十元,您个人约负担三百七十元。"
        " 押金余额六百三十元。 重听请按1,返回请按9,人工服务请按0。"
    )
    assert call.press("9").over


def test_three_wrong_tries_end_the_service() -> None:
    call = walk("main").press("1")
    for tried in range(MOST_LOG_INS):
        assert not call.over
        call.press("1234#11#")
        assert "卡号或密码错误" in call.last(), tried
    assert "服务到此结束" in call.last()
    assert call.listen().over
    assert of_patients(call) == []


def test_who_has_logged_in_is_not_asked_again_in_the_same_call() -> None:
    call = walk("main").press("1" + LOG_IN).press("9").press("2")
    assert of_patients(call) == [("fees.account", PATIENT), ("exams.places", PATIENT)]
    assert call.last() == "一号超声,您是三号。 重听请按1,返回请按9,人工服务请按0。"


def test_the_other_language_is_offered_in_its_own_words_and_kept() -> None:
    call = walk("main")
    assert call.last().endswith("For English press 8.")
    call.press("8")
    assert call.last() == (
        "For fees press 1, for your place in the queue of an examination press 2, for information"
        " press 3, for a person press 0. 中文请按7。"
    )
    call.press("1" + LOG_IN)
    assert call.last().startswith("Today three hundred and twenty yuan fifty.")


def of_patients(call: Walk) -> list[tuple[str, str | None]]:
    """What was asked of patients' data, and for whom."""
    return [(name, patient) for name, patient in call.asked if offers()[name].of_patient]


def of_staff(call: Walk) -> list[tuple[str, str | None]]:
    """What was asked that is for the staff alone, and by whom."""
    return [(name, who) for name, who in call.asked if offers()[name].of_staff]


def test_a_nurse_hears_a_call_and_accepts_it_by_a_key() -> None:
    call = walk("staff")
    assert call.last() == "请输入您的分机号码,按井号键结束。"
    call.press(LOG_IN).press("1")
    assert call.last() == "有两个呼叫。 三床呼叫。接听请按1,下一个请按2,返回请按9。"
    call.press("1")
    assert call.asked[-2:] == [("staff.accept", STAFF), ("staff.call", STAFF)]
    assert call.given[-2:] == [{"call": "7"}, {"after": "0"}]
    # A patient's log-in is none of the staff's, and the other way round.
    call = walk("main").press("1" + LOG_IN)
    assert (call.call.patient, call.call.staff) == (PATIENT, None)
    assert (walk("staff").press(LOG_IN).call.patient) is None


def test_the_staff_hear_their_own_language_and_no_card_remembers_it() -> None:
    call = Call(service.shipped(), "staff", places=DESK)
    call.begin()
    for key in f"{CARD}#{PIN}#":
        todo = call.pressed(key)
    assert isinstance(todo[-1], TryCard)
    assert todo[-1].staff
    (said,) = call.logged_in(LogIn.RIGHT, STAFF, "en")
    assert isinstance(said, Say)
    assert said.texts[0][0] == "en"
    assert said.texts[0][1].startswith("For calls press 1, for notices press 2")
    assert not any(isinstance(each, Remember) for each in call.pressed("7"))
    assert call.lang == "zh"


def test_a_key_ends_the_words_even_where_something_is_looked_up_first() -> None:
    call = walk("staff").press(LOG_IN).call
    assert [type(each) for each in call.pressed("1")] == [Hush, LookUp]
    (said,) = call.looked_up(OK, WELL["staff.call"].values)  # type: ignore[union-attr]
    assert isinstance(said, Say)


def test_0_leads_to_the_service_desk_and_back_when_nobody_answers() -> None:
    assert walk("main").press("0").listen().through == "8101"
    call = walk("main", answered=False).press("0").listen()
    assert call.last() == "服务台现在无人接听。留言请按1,排队等候请按2,返回请按9。"
    assert call.press("2").listen().queue == "8101"
    assert call.nobody().last() == "很抱歉,现在没有人接听。 留言请按1,返回请按9。"
    assert call.press("9").last().startswith("费用查询请按1")
    assert not call.over
    # A house that has not said where its desk is, is told in no other way.
    assert walk("main", places={}).press("0").last().startswith("服务台现在无人接听")


def test_a_key_pressed_while_something_is_looked_up_counts_unless_there_is_news() -> None:
    for early in (True, False):
        call = Call(service.shipped(), "main", places=DESK)
        call.begin()
        todo = call.pressed("1") if early else call.looked_up(OK)
        assert todo == []  # the welcome is still being said
        todo = call.looked_up(OK) if early else call.pressed("1")
        assert [each for each in todo if isinstance(each, Say)] == [
            Say((("zh", "请输入就诊卡号码,按井号键结束。"),))
        ]
    call = Call(service.shipped(), "main", places=DESK)
    call.begin()
    call.pressed("1")
    assert isinstance(call.looked_up("closed", OPENS)[-1], LookUp)
    assert call.looked_up("none") == []  # it is closed: that is heard before the menu
    assert [type(each) for each in call.spoken()] == [Say]


def test_outside_the_hours_0_says_when_it_opens_and_what_to_dial_in_an_emergency() -> None:
    closed: dict[str, Answer | None] = {"hours.open": Answer("holiday", OPENS)}
    call = walk("main", closed)
    assert call.heard[-2:-1] == ["现在是人工服务时间以外,自助查询照常。人工服务明天八点整开始。"]
    assert call.last().startswith("如遇紧急情况,请拨打幺二零。 费用查询请按1")
    call.press("0")
    assert call.heard[-2:-1] == ["今天是节假日,服务台明天八点整开始服务。"]
    assert call.last() == "如遇紧急情况,请拨打幺二零。 留言请按1,返回请按9。"
    assert call.press("1").last().startswith("请在提示音后留言")
    assert not call.through


def test_every_step_and_every_way_is_walked() -> None:
    """Over all menus: with each outcome of each look-up at each place, each deposit, right and
    wrong cards, each key, nobody pressing anything, and callers who say nothing when they are
    asked to or cannot be recorded."""
    documents = service.shipped()
    walked: set[Way] = set()
    for flow, document in documents.items():
        verbs = {step.verb for step in document.steps.values()}
        walked |= _walked(flow, WELL)
        # Nobody answers at the desk, so the menu that led there goes on.
        walked |= _walked(flow, WELL, answered=False, keys=["", "0"])
        if any(step.what == "hours.open" for step in document.steps.values()):
            walked |= _walked(flow, CLOSED)
        for speaks in (False, None) if "record" in verbs else ():
            walked |= _walked(flow, WELL, speaks=speaks)
    for speaks in (True, False):
        walked |= _walked("studio", WELL, speaks=speaks, keys=("", "1", "#", LOG_IN, "123456"))
    walked |= _walked("desk", WELL, answered=False)
    walked |= _walked("information", WELL | dict.fromkeys(LISTS, LONG))
    for deposit in ("short", "unknown"):
        walked |= _walked(
            "fees", WELL | {"fees.account": Answer(values=FEES | {"deposit": deposit})}
        )
    ways = {
        (flow, step.name, why)
        for flow, document in documents.items()
        for step in document.steps.values()
        for why, _ in checks.ways(document, step)
    }
    assert ways - walked == set()


class _Answers(dict[str, Answer | None]):
    """What look-ups are told; `odd`: of the one that goes otherwise for a while."""

    odd: Outcome | None = None

    def get(self, offer: str, _default: Any = None) -> Answer | None:
        if self.odd is None or self.odd[0] != offer:
            return self[offer]
        outcome = self.odd[1]
        if outcome == OTHER:
            return OTHERWISE[offer]
        told = dict.fromkeys(offers()[offer].tells.get(outcome, ()), "那时")
        return None if outcome == FAILED else Answer(outcome, told)


# A key, or "" for waiting in vain; and the look-up that it leads to and that goes otherwise.
Deed = tuple[str, Outcome | None]


def _others(name: str) -> list[str]:
    """What else a look-up may be told."""
    return [FAILED, *offers()[name].others, *([OTHER] if name in OTHERWISE else [])]


def _walked(
    flow: str,
    well: dict[str, Answer | None],
    *,
    answered: bool = True,
    speaks: bool | None = True,
    keys: Sequence[str] = ("", *KEYS, LOG_IN, "11#11#" * MOST_LOG_INS),
) -> set[Way]:
    """Every way of a menu: at each step that was reached each of `keys`, with each answer to the
    look-ups that it leads to. answered: who is put through is."""
    walked: set[Way] = set()
    been: set[tuple[Any, ...]] = set()
    left: deque[tuple[Deed, ...]] = deque([(("", None),)])
    while left:
        deeds = left.popleft()
        answers = _Answers(well)
        begun = Call(service.shipped(), flow, places=DESK)
        call = Walk(begun, answers, answered=answered, speaks=speaks)
        asked = _done(call, answers, deeds)
        walked |= set(begun.walked)
        *before, (key, odd) = deeds
        if odd is None:
            left += [
                (*before, (key, (name, outcome))) for name in asked for outcome in _others(name)
            ]
        place = (*begun.place, call.taking)
        if not call.over and place not in been:
            been.add(place)
            left += [(*deeds, (each, None)) for each in keys]
    return walked


def _done(call: Walk, answers: _Answers, deeds: Sequence[Deed]) -> set[str]:
    """Let all of that happen; what the last deed has asked for."""
    answers.odd = deeds[0][1]
    call.begin()
    before = 0
    for key, answers.odd in deeds[1:]:
        before = len(call.asked)
        call.press(key) if key else call.wait().wait().wait()
    return {name for name, _ in call.asked[before:]}


@settings(max_examples=150)
@given(
    flow=st.sampled_from(sorted(service.shipped())),
    lang=st.sampled_from(["zh", "en"]),
    deeds=st.lists(
        st.sampled_from([*sorted(KEYS), "", "heard", LOG_IN.replace(PIN, "1")]), max_size=60
    ),
    fails=st.booleans(),
)
def test_whatever_is_pressed_nothing_raises_loops_or_is_told_without_a_log_in(
    flow: str, lang: str, deeds: list[str], fails: bool
) -> None:
    call = walk(flow, dict.fromkeys(offers()) if fails else {}, lang)
    for deed in deeds:
        if call.over:
            break
        if deed == "heard":
            call.listen()
        elif deed:
            call.press(deed)
        else:
            call.wait()
    assert all(patient == PATIENT for _, patient in of_patients(call))
    if call.call.patient is None:
        assert of_patients(call) == []
    assert all(who == STAFF for _, who in of_staff(call))
    if call.call.staff is None:
        assert of_staff(call) == []
    # Whoever presses nothing more is at the end soon: no menu holds a line for ever.
    for _ in range(200):
        if call.over:
            break
        call.wait()
    assert call.over


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_without_a_voice_every_menu_says_sorry_and_ends_or_leads_to_a_person(lang: str) -> None:
    for flow in service.shipped():
        call = Walk(Call(service.shipped(), flow, lang=lang, places=DESK), WELL, mute=True).begin()
        assert call.through or call.heard == [f"sorry in {lang}"], flow
        if not call.over:
            call.listen()
        assert call.over
        if service.shipped()[flow].person:
            assert call.through == DESK["desk"]
