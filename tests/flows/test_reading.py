"""Long texts in parts, words in two languages at once, and a key that becomes a value."""

from hypothesis import given
from hypothesis import strategies as st

from central.flows import checks, parts, reading
from central.flows.engine import Call, Say
from central.flows.offers import Answer, Offer
from central.flows.reading import Said
from tests.flows.walking import Walk, read_all

TEXT = """
flow: long
title: {zh: 长, en: Long}
start: ask
person: person
steps:
  ask: {look_up: info.entry, as: it, then: hear}
  hear:
    read: it.text
    words: {zh: 重听本段请按1。, en: For this part again press 1.}
    keys: {9: end}
    then: after
  after:
    menu: {zh: 重听请按1。, en: To hear it again press 1.}
    into: key
    keys: {1: hear, 5: told}
  told: {say: {zh: "{key:digits}", en: "{key:digits}"}, then: end}
  person: {transfer: 8101}
  end: {hang_up: quietly}
"""
OFFER = Offer("info.entry", lambda tx, asking, values: Answer(), "", gives={"text": ""})
SENTENCES = [f"这是第{n}句,说的是医院里的一些事情,请您慢慢地听,不用着急。" for n in "一二三四五"]


def walk(*texts: tuple[str, str], lang: str = "zh") -> Walk:
    documents = read_all(TEXT)
    checks.check(documents, {OFFER.name: OFFER})
    answer = Answer(values={"text": Said(texts)})
    return Walk(Call(documents, "long", lang=lang), {OFFER.name: answer}).begin()


def test_a_short_text_is_said_at_once_with_what_follows() -> None:
    assert walk(("zh", SENTENCES[0])).last() == f"{SENTENCES[0]} 重听请按1。"


def test_a_long_text_goes_on_by_itself_after_a_pause() -> None:
    call = walk(("zh", "".join(SENTENCES)))
    assert call.last() == "重听本段请按1。 " + SENTENCES[0] + SENTENCES[1]
    assert call.wait().last() == SENTENCES[2] + SENTENCES[3]
    assert call.wait().last() == f"{SENTENCES[4]} 重听请按1。"


def test_keys_while_it_is_read() -> None:
    call = walk(("zh", "".join(SENTENCES)))
    assert call.press("2").last() == SENTENCES[2] + SENTENCES[3]
    assert call.press("1").last() == SENTENCES[2] + SENTENCES[3]
    assert call.press("*").last() == SENTENCES[0] + SENTENCES[1]
    assert "此键无效" in call.press("7").last() or SENTENCES[0] in call.last()
    assert call.press("22").last() == f"{SENTENCES[4]} 重听请按1。"
    assert call.press("1").last().startswith("重听本段")
    assert call.press("9").over
    assert walk(("zh", "".join(SENTENCES))).press("0").through == "8101"


def test_the_key_is_a_value() -> None:
    assert "五" in walk(("zh", SENTENCES[0])).press("5").last()


def test_what_is_in_chinese_only_is_said_in_chinese_amid_english() -> None:
    documents = read_all(TEXT)
    call = Call(documents, "long", lang="en")
    call.begin()
    [said] = call.looked_up("ok", {"text": Said((("en", "In Chinese only. "), ("zh", "你好。")))})
    assert said == Say(
        (("en", "In Chinese only."), ("zh", "你好。"), ("en", "To hear it again press 1."))
    )


def test_words_hold_values_of_several_languages() -> None:
    said = reading.read_out(
        "For {what} press {n:number}.", {"what": Said((("zh", "专家"),)), "n": 2}, "en"
    )
    assert said == [("en", "For "), ("zh", "专家"), ("en", " press two.")]


LANGS = st.sampled_from(["zh", "en"])
WORDS = st.text(alphabet="好,。!? .\nab;", max_size=400)


@given(st.lists(st.tuples(LANGS, WORDS), max_size=4))
def test_parts_hold_all_in_order_and_none_is_too_long(texts: list[tuple[str, str]]) -> None:
    found = parts.cut(texts)
    said = "".join(text for part in found for _, text in part)
    assert "".join(said.split()) == "".join("".join(text for _, text in texts).split())
    assert all(part for part in found)
    for part in found:
        assert sum(len(text) / parts.MOST[lang] for lang, text in part) <= 1.0001
