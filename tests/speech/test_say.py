"""Beds, wards, numbers, money, durations and times, in both languages."""

import subprocess
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.speech import numbers, say
from gateway.speech.engines import ESPEAK_READS, ESPEAK_VOICES, espeak_text

_ZH = {each: value for value, each in enumerate("零一二三四五六七八九")} | {"两": 2}
_ZH_PLACES = {"十": 10, "百": 100, "千": 1000}
_EN = {each: value for value, each in enumerate(numbers._EN_SMALL)}
_EN |= {each: 10 * value for value, each in enumerate(numbers._EN_TENS) if each}
_EN_GROUPS = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def read_zh(words: str) -> int:
    """The number that a listener hears."""
    if words.startswith("负"):
        return -read_zh(words[1:])
    for group, value in (("万亿", 10**12), ("亿", 10**8), ("万", 10**4)):
        if group in words:
            high, low = words.split(group, 1)
            return read_zh(high) * value + (read_zh(low) if low else 0)
    total, digit = 0, None
    for each in words:
        if each in _ZH_PLACES:
            total += (1 if digit is None else digit) * _ZH_PLACES[each]
            digit = None
        else:
            digit = _ZH[each] or None
    return total + (digit or 0)


def read_en(words: str) -> int:
    if words.startswith("minus "):
        return -read_en(words[6:])
    total, group = 0, 0
    for each in words.replace("-", " ").split():
        if each in _EN_GROUPS:
            total, group = total + group * _EN_GROUPS[each], 0
        elif each == "hundred":
            group *= 100
        elif each != "and":
            group += _EN[each]
    return total + group


NUMBERS = st.integers(-(10**15) + 1, 10**15 - 1) | st.integers(0, 100_100)


@given(NUMBERS)
def test_a_number_is_heard_as_it_was_meant(n: int) -> None:
    assert read_zh(say.number(n, "zh")) == n
    assert read_en(say.number(n, "en")) == n


@given(NUMBERS)
def test_chinese_numbers_are_well_formed(n: int) -> None:
    words = numbers.zh(n)
    assert "零零" not in words
    assert not any(f"零{place}" in words for place in "十百千万亿")
    assert n == 0 or not words.endswith("零")
    assert "两十" not in words
    assert "二千" not in words
    assert not words.endswith("两")


@pytest.mark.parametrize(
    ("n", "zh", "en"),
    [
        (0, "零", "zero"),
        (2, "二", "two"),
        (10, "十", "ten"),
        (12, "十二", "twelve"),
        (21, "二十一", "twenty-one"),
        (110, "一百一十", "one hundred and ten"),
        (102, "一百零二", "one hundred and two"),
        (200, "两百", "two hundred"),
        (1002, "一千零二", "one thousand and two"),
        (1230, "一千二百三十", "one thousand two hundred and thirty"),
        (2222, "两千二百二十二", "two thousand two hundred and twenty-two"),
        (10030, "一万零三十", "ten thousand and thirty"),
        (10300, "一万零三百", "ten thousand three hundred"),
        (20000, "两万", "twenty thousand"),
        (100010, "十万零一十", "one hundred thousand and ten"),
        (100_001_000, "一亿零一千", "one hundred million one thousand"),
        (-5, "负五", "minus five"),
        (2.5, "二点五", "two point five"),
        (Decimal("37.50"), "三十七点五", "thirty-seven point five"),
        (-0.25, "负零点二五", "minus zero point two five"),
        (100.0, "一百", "one hundred"),
    ],
)
def test_numbers(n: numbers.Number, zh: str, en: str) -> None:
    assert say.number(n, "zh") == zh
    assert say.number(n, "en") == en


def test_a_number_without_a_name_is_refused() -> None:
    for read in (numbers.zh, numbers.en):
        with pytest.raises(OverflowError):
            read(numbers.LIMIT)


@pytest.mark.parametrize(
    ("n", "zh"), [(1, "一"), (2, "两"), (12, "十二"), (20, "二十"), (22, "二十二"), (2.5, "二点五")]
)
def test_counts_go_before_measure_words(n: float, zh: str) -> None:
    assert say.count(n, "zh") == zh


@pytest.mark.parametrize(
    ("label", "zh", "en"),
    [
        ("1", "一床", "bed one"),
        ("2", "二床", "bed two"),
        (3, "三床", "bed three"),
        ("03", "三床", "bed three"),
        ("12", "十二床", "bed twelve"),
        ("12+1", "十二床加一", "bed twelve plus one"),
        ("+1", "加一床", "bed plus one"),
        ("加1", "加一床", "bed plus one"),
        ("加1床", "加一床", "bed plus one 床"),
        ("2A", "二A床", "bed two A"),
        ("ICU", "I C U床", "bed I C U"),
        ("ICU3", "I C U三床", "bed I C U three"),
        ("301", "三零幺床", "bed three oh one"),
        ("3-2", "三杠二床", "bed three dash two"),
        (" 5 ", "五床", "bed five"),
        ("抢救1", "抢救一床", "bed 抢救 one"),
    ],
)
def test_beds(label: object, zh: str, en: str) -> None:
    assert say.bed(label, "zh") == zh
    assert say.bed(label, "en") == en


@pytest.mark.parametrize(
    ("label", "zh", "en"),
    [
        ("3", "三病区", "ward three"),
        ("12", "十二病区", "ward twelve"),
        ("2A", "二A病区", "ward two A"),
        ("A", "A病区", "ward A"),
        ("ICU", "I C U", "I C U"),
        ("内科3", "内科三病区", "ward 内科 three"),
        ("3病区", "三病区", "ward three 病区"),
    ],
)
def test_wards(label: object, zh: str, en: str) -> None:
    assert say.ward(label, "zh") == zh
    assert say.ward(label, "en") == en


@given(st.text(max_size=20), st.sampled_from(["zh", "en"]))
def test_any_label_can_be_read(label: str, lang: str) -> None:
    assert say.bed(label, lang)
    assert isinstance(say.ward(label, lang), str)


@pytest.mark.parametrize(
    ("fen", "zh", "en"),
    [
        (0, "零元", "zero yuan"),
        (2, "两分", "two fen"),
        (20, "两角", "twenty fen"),
        (50, "五角", "fifty fen"),
        (55, "五角五分", "fifty-five fen"),
        (200, "两元", "two yuan"),
        (202, "两元零二分", "two yuan and two fen"),
        (1200, "十二元", "twelve yuan"),
        (32050, "三百二十元五角", "three hundred and twenty yuan fifty"),
        (32005, "三百二十元零五分", "three hundred and twenty yuan and five fen"),
        (123000, "一千二百三十元", "one thousand two hundred and thirty yuan"),
        (-37000, "负三百七十元", "minus three hundred and seventy yuan"),
    ],
)
def test_money(fen: int, zh: str, en: str) -> None:
    assert say.money(fen, "zh") == zh
    assert say.money(fen, "en") == en


@given(st.integers(0, 10**12))
def test_money_is_heard_to_the_fen(fen: int) -> None:
    rest, heard = say.money(fen, "zh"), 0
    for unit, worth in (("元", 100), ("角", 10), ("分", 1)):
        head, found, tail = rest.partition(unit)
        if found:
            heard += read_zh(head.removeprefix("零") or "零") * worth
            rest = tail
    assert (heard, rest) == (fen, "")


@pytest.mark.parametrize(
    ("ms", "zh", "en"),
    [
        (-1, "零秒", "zero seconds"),
        (2_000, "两秒", "two seconds"),
        (12_000, "十二秒", "twelve seconds"),
        (59_600, "一分钟", "one minute"),
        (120_000, "两分钟", "two minutes"),
        (130_000, "两分十秒", "two minutes ten seconds"),
        (599_000, "九分五十九秒", "nine minutes fifty-nine seconds"),
        (629_000, "十分钟", "ten minutes"),
        (3_599_000, "一小时", "one hour"),
        (4_800_000, "一小时二十分钟", "one hour twenty minutes"),
        (7_200_000, "两小时", "two hours"),
        (180_000_000, "两天两小时", "two days two hours"),
    ],
)
def test_durations(ms: int, zh: str, en: str) -> None:
    assert say.duration(ms, "zh") == zh
    assert say.duration(ms, "en") == en


@pytest.mark.parametrize(
    ("minute", "zh", "en"),
    [
        (0, "零点整", "midnight"),
        (5, "零点零五分", "twelve oh five at night"),
        (120, "两点整", "two o'clock at night"),
        (8 * 60 + 30, "八点三十分", "eight thirty in the morning"),
        (720, "十二点整", "noon"),
        (845, "十四点零五分", "two oh five in the afternoon"),
        (18 * 60 + 15, "十八点十五分", "six fifteen in the evening"),
        (1439, "二十三点五十九分", "eleven fifty-nine at night"),
        (1440, "零点整", "midnight"),
    ],
)
def test_times(minute: int, zh: str, en: str) -> None:
    assert say.clock_time(minute, "zh") == zh
    assert say.clock_time(minute, "en") == en


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_two_minutes_of_a_day_sound_alike(lang: str) -> None:
    assert len({say.clock_time(minute, lang) for minute in range(1440)}) == 1440


def test_every_reading_of_the_catalogues_is_there() -> None:
    assert set(say.READ_AS) == {
        "bed", "ward", "number", "count", "digits", "money", "duration", "time",
    }  # fmt: skip


def test_a_telephone_number_is_read_digit_by_digit() -> None:
    assert say.digits("8101", "zh") == "八幺零幺"
    assert say.digits("+86 21x", "en") == "eight six two one"
    for read in say.READ_AS.values():
        assert read(2, "zh") != read(2, "en")


def phonemes(text: str) -> str:
    command = ["espeak-ng", "--stdin", "-b", "1", "-q", "-x", "-v", ESPEAK_VOICES["zh"]]
    done = subprocess.run(command, input=text.encode(), capture_output=True, check=True, timeout=30)
    return done.stdout.decode()


@pytest.mark.parametrize(
    "text",
    [
        "您好,您的点滴快输完了。请看一下瓶子,如果需要更换,请按红色按钮。",
        "已通知护士,请稍候。护士已接到呼叫,马上过来。",
        "".join(say.number(n, "zh") for n in (10030, 2222, 200)),
        say.bed("12+1", "zh") + say.ward("3", "zh") + say.money(32055, "zh"),
        say.bed("301", "zh") + say.duration(7_330_000, "zh") + say.clock_time(845, "zh"),
    ],
)
def test_espeak_speaks_mandarin_and_does_not_spell_pinyin(text: str) -> None:
    assert "(en)" not in phonemes(espeak_text("zh", text))


@pytest.mark.parametrize("words", sorted(ESPEAK_READS))
def test_a_corrected_word_sounds_otherwise_than_espeak_would_say_it(words: str) -> None:
    assert phonemes(espeak_text("zh", words)) != phonemes(words)
