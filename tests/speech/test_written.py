"""What people write is read as they would read it aloud."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.speech.written import SIGN, aloud


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("周一 8:00-11:30,14:00~17:30", "周一八点整到十一点三十分,十四点整到十七点三十分"),
        ("2026-11-29起", "二零二六年十一月二十九日起"),
        ("2026年3月5日至2026年4月1日", "二零二六年三月五日至二零二六年四月一日"),
        ("建于1958年", "建于一九五八年"),
        ("挂号费12.5元,¥1,230.50", "挂号费十二元五角,一千二百三十元五角"),
        ("0.25 克×24 粒/盒,住 2 楼", "零点二五克乘二十四粒每盒,住二楼"),
        ("0.25g×24粒/盒,32.50元/盒", "零点二五克乘二十四粒每盒,三十二元五角每盒"),
        ("元/盒", "元每盒"),
        ("报销70%-80%,自付5%", "报销百分之七十到百分之八十,自付百分之五"),
        ("电话010-62345678", "电话零幺零，六二三四五六七八"),
        ("分机8101,急救120", "分机八幺零幺,急救幺二零"),
        ("每次2片,2个院区,第2条", "每次两片,两个院区,第二条"),
        ("18-65岁,1,200张", "十八到六十五岁,一千二百张"),
    ],
)
def test_chinese(written: str, said: str) -> None:
    assert aloud(written, "zh") == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("8:00-11:30", "eight o'clock in the morning to eleven thirty in the morning"),
        ("From 2026-11-22", "From November twenty-second, twenty twenty-six"),
        ("founded 1958, since 2005", "founded nineteen fifty-eight, since two thousand and five"),
        ("the fee is ¥12.50", "the fee is twelve yuan fifty"),
        ("32 yuan/box", "thirty-two yuan per box"),
        ("1 g, 24 capsules", "one gram, twenty-four capsules"),
        ("70-80% is paid", "seventy percent to eighty percent is paid"),
        ("dial 8101 or 010-62345678", "dial eight one oh one or oh one oh, six two three four five"
         " six seven eight"),
        ("H1N1, B12", "H one N one, B twelve"),
    ],
)  # fmt: skip
def test_english(written: str, said: str) -> None:
    assert aloud(written, "en") == said


PIECES = st.sampled_from(
    ["2026", "-", "11", "/", "8:00", "¥", "元", "%", ".", ",", "g", "×", "盒", "0", "9" * 30, " ",
     "电话", "a", "至", "年", "月", "日"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join) | st.text(max_size=60),
       st.sampled_from(["zh", "en"]))  # fmt: skip
def test_whatever_is_written_is_read_and_what_is_no_number_stands(text: str, lang: str) -> None:
    said = aloud(text, lang)
    if not re.search(r"[0-9\0\1]", text) and not SIGN.search(text):
        assert said == text


@given(st.text(alphabet="年月日:,. 0123456789元个", max_size=30))
@example("0,0000")
def test_no_number_is_left_but_behind_a_full_stop(text: str) -> None:
    assert not re.search(r"(?<![0-9.])[0-9]", aloud(text, "zh"))
