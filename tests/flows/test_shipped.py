"""The menus that are shipped: every step and every way of each is walked, whatever happens."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from central.flows import checks, service
from central.flows.engine import KEYS, MOST_LOG_INS, Call
from central.flows.offers import OK, Answer, offers
from tests.flows.walking import CARD, PATIENT, PIN, Walk

FEES = {
    "today": 32050, "total": 123000, "insured": 86000, "own": 37000, "deposit": "left",
    "left": 63000, "certain": "no",
}  # fmt: skip
PLACES = {"count": 1, "places": "一号超声,您是三号。"}
LOG_IN = f"{CARD}#{PIN}#"


FAILED = "failed"
WELL: dict[str, Answer | None] = {
    "fees.account": Answer(values=FEES),
    "exams.places": Answer(values=PLACES),
}
Way = tuple[str, str, str]


def walk(flow: str, answers: dict[str, Answer | None] | None = None, lang: str = "zh") -> Walk:
    return Walk(Call(service.shipped(), flow, lang=lang), WELL | (answers or {})).begin()


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
        " 押金余额六百三十元。 重听请按1,返回请按9。"
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
    assert call.asked == []


def test_who_has_logged_in_is_not_asked_again_in_the_same_call() -> None:
    call = walk("main").press("1" + LOG_IN).press("9").press("2")
    assert [offer for offer, _ in call.asked] == ["fees.account", "exams.places"]
    assert call.last() == "一号超声,您是三号。 重听请按1,返回请按9。"


def test_the_other_language_is_offered_in_its_own_words_and_kept() -> None:
    call = walk("main")
    assert call.last().endswith("For English press 8.")
    call.press("8")
    assert call.last() == (
        "For fees press 1, for your place in the queue of an examination press 2. 中文请按7。"
    )
    call.press("1" + LOG_IN)
    assert call.last().startswith("Today three hundred and twenty yuan fifty.")


def test_every_step_and_every_way_is_walked() -> None:
    """Over all menus: with each outcome of each look-up at each place, each deposit, right and
    wrong cards, each key, and nobody pressing anything."""
    documents = service.shipped()
    walked: set[Way] = set()
    for flow in documents:
        walked |= _walked(flow, WELL)
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
    """What look-ups are told, all of them in the same way for a while."""

    outcome = OK

    def get(self, offer: str, _default: Any = None) -> Answer | None:
        if self.outcome in offers()[offer].others:
            return Answer(self.outcome)
        return None if self.outcome == FAILED else self[offer]


def _walked(flow: str, well: dict[str, Answer | None]) -> set[Way]:
    """Every way of a menu: at each place that was reached each key, with each answer to the
    look-up that it leads to."""
    document = service.shipped()[flow]
    asked = [offers()[step.what] for step in document.steps.values() if step.verb == "look_up"]
    outcomes = [OK, FAILED, *{other for offer in asked for other in offer.others}]
    keys = ["", *KEYS, LOG_IN, "11#11#" * MOST_LOG_INS]
    walked: set[Way] = set()
    been: set[tuple[Way, ...]] = set()
    left: list[tuple[tuple[str, str], ...]] = [(("", outcome),) for outcome in outcomes]
    while left:
        deeds = left.pop()
        answers = _Answers(well)
        answers.outcome = deeds[0][1]
        call = Walk(Call(service.shipped(), flow), answers).begin()
        for pressed, answers.outcome in deeds[1:]:
            call.press(pressed) if pressed else call.wait().wait().wait()
        walked |= set(call.call.walked)
        place = tuple(call.call.walked[-1:])
        if not call.over and place not in been:
            been.add(place)
            left += [(*deeds, (key, outcome)) for key in keys for outcome in outcomes]
    return walked


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
    own = [patient for offer, patient in call.asked if offers()[offer].of_patient]
    assert all(patient == PATIENT for patient in own)
    if call.call.patient is None:
        assert own == []
    # Whoever presses nothing more is at the end soon: no menu holds a line for ever.
    for _ in range(200):
        if call.over:
            break
        call.wait()
    assert call.over
