"""The information line, walked by keys over what really stands in the store."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.clock import FakeClock
from central.directory.present import mark
from central.information import editing, model, service
from central.information.paging import PER_PAGE, page
from central.store import Store
from tests.information.conftest import ZONE, put, ring, switch

MENU = "返回请按9。"
KEYS = "收听时,按1重听这一段,按2听下一段,按星号键从头听,按9返回。"
EXPERT = (
    "沈明华,心内科,主任医师。专长:高血压、冠心病、心律失常。"
    "出诊时间:周一、周三上午八点整到十一点三十分,门诊楼二楼。"
)


def test_an_expert_is_found_in_the_list_and_heard(told: Store) -> None:
    call = ring(told)
    assert call.last() == (
        "专家介绍请按一。医院介绍请按二。医保政策请按三。药品查询请按四。保健常识请按五。" + MENU
    ), "a section with nothing in it is not offered"
    assert call.press("1").last() == ("专家介绍,共三条。听目录请按1,输入编号请按2,返回请按9。")
    assert (
        call.press("1")
        .last()
        .startswith("编号幺零幺,沈明华,心内科,请按一。编号幺零二,顾若兰,儿科,请按二。")
    )
    assert call.press("1").last() == f"{KEYS} {EXPERT}从医二十八年。"
    assert call.wait().last() == (
        "擅长为用药多年而血压仍控制不好的病人调整方案。 重听请按1,下一条请按2,返回请按9。"
    )
    assert "顾若兰,儿科,副主任医师。" in call.press("2").last()
    assert call.press("9").last().startswith("专家介绍,共三条")
    assert call.press("99").over


def test_a_medicine_is_found_by_its_number_and_its_price_read_as_money(told: Store) -> None:
    call = ring(told).press("42").press("10001#")
    heard = call.last()
    assert heard.startswith(
        "阿莫西林胶囊。规格:零点二五克乘二十四粒每盒。每盒十二元五角。医保类别:甲类,医保支付。"
    )
    assert "凭处方购买。" in heard
    assert "氨氯地平片。" in call.press("2").last()
    assert "阿莫西林胶囊。" in call.press("2").last(), "after the last one comes the first"
    assert call.press("92").press("777#").last().startswith("没有这个编号。")


def test_english_callers_hear_english_and_chinese_where_there_is_no_other(told: Store) -> None:
    call = ring(told, "en")
    assert call.last().startswith("For Experts, press one. For The hospital, press two.")
    call.press("52").press("602#")
    assert call.last().startswith("This is available in Chinese only. 孩子发热。")
    call = ring(told, "en").press("42").press("10002#")
    assert "Amlodipine tablets." in call.last()
    assert "twenty-eight yuan sixty per box." in call.last()
    assert "Class B, covered after a first self-pay" in call.last()


def test_what_is_changed_is_heard_by_the_next_caller(told: Store) -> None:
    with told.transaction() as tx:
        section, row = model.section(tx, "advice"), model.entry(tx, "advice", "601")
        assert section is not None
        assert row is not None
        before = editing.values(tx, section, row["id"])
        wanted = before | {"text_zh": "坐 10 分钟。"}
        editing.save(tx, section, row["id"], wanted, mark(before), "qian")
    assert "坐十分钟。" in ring(told).press("52").press("601#").last()


def test_a_section_that_is_switched_off_is_not_offered_nor_reached(told: Store) -> None:
    inside = ring(told).press("2")
    asking = ring(told)
    switch(told, "hospital", False)
    assert "医院介绍" not in ring(told).last()
    assert ring(told).press("2").last().startswith("医保政策")
    # Who was in it already hears nothing more of it; a key means what was read out to him.
    assert inside.press("1").heard[-2] == "这一栏目现在没有内容。"
    assert asking.press("2").heard[-2] == "这一栏目现在没有内容。"
    for section in ("experts", "policy", "medicines", "advice"):
        switch(told, section, False)
    assert ring(told).last().startswith("信息查询暂时没有内容。")


def test_only_what_holds_today_is_told(store: Store, clock: FakeClock) -> None:
    day_ms = 86_400_000
    today = service.today(clock.now_ms(), ZONE)
    tomorrow = service.today(clock.now_ms() + day_ms, ZONE)
    put(store, "advice", "1", "流感", valid_from=today, valid_to=today)
    put(store, "advice", "2", "明日", valid_from=tomorrow)
    call = ring(store)
    assert "共一条" in call.press("1").last()
    assert call.press("2").press("2#").last().startswith("这一条现在不在有效期内。")
    clock.advance(day_ms)
    assert "明日" in ring(store).press("11").last()
    assert "流感" not in ring(store).press("11").last()


def test_long_lists_are_told_in_pages(store: Store) -> None:
    for n in range(1, PER_PAGE + 3):
        put(store, "advice", str(n), f"第{n}则")
    call = ring(store).press("11")
    assert "编号幺,第一则,请按一。" in call.last().replace("第1则", "第一则")
    assert "更多请按8" in call.last()
    assert "编号七" in call.press("8").last()
    assert "更多" not in call.last()
    assert call.press("3").last().startswith("没有这一项。"), "the second page has two"
    assert "第八则" in call.press("2").last()


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lang=st.sampled_from(["zh", "en"]), keys=st.text("0123456789*#w", max_size=40))
def test_whatever_is_pressed_words_are_said_and_silence_ends_it(
    told: Store, lang: str, keys: str
) -> None:
    call = ring(told, lang)
    for key in keys:
        if not call.over:
            call.wait() if key == "w" else call.press(key)
    for _ in range(60):
        if not call.over:
            call.wait()
    assert call.over
    assert all(each.strip() for each in call.heard)


@given(st.lists(st.integers(), max_size=40))
def test_pages_hold_everything_once_and_in_order(items: list[int]) -> None:
    start, seen = "", list[int]()
    for _ in range(10):
        shown = page(items, start)
        seen += shown.items
        start = shown.next
        if not start:
            break
    assert seen == items


@given(st.lists(st.integers(), min_size=1, max_size=20), st.text(max_size=8))
def test_whatever_a_page_is_asked_to_begin_with_something_is_shown(
    items: list[int], start: str
) -> None:
    assert 1 <= len(page(items, start).items) <= PER_PAGE
