"""Beds, wards, numbers, money, durations and times, read as people say them.

Every reading takes (value, lang) with lang "zh" or "en" and gives words for a speech engine.
A reading never fails on what a label may hold: an odd label is read as it stands.
"""

import re
from collections.abc import Callable
from typing import Any

from gateway.speech import numbers

DAY_MINUTES = 24 * 60
# Digits of a label from here on are spelled, as in a room number: 三零一床.
SPELLED_FROM = 3
# A duration from here on is said without seconds.
SECONDS_BELOW_MS = 10 * 60_000

_SIGNS = {
    "zh": {"+": "加", "-": "杠", "/": "杠"},
    "en": {"+": "plus", "加": "plus", "-": "dash", "/": "slash"},
}
_TOKEN = re.compile(r"[0-9]+|[A-Z]+(?![a-z])|[A-Za-z]+|[+/-]|[^\s0-9A-Za-z+/-]+")
# Parts of an English day: first hour, words.
_DAY_PARTS = (
    (22, "at night"),
    (18, "in the evening"),
    (12, "in the afternoon"),
    (5, "in the morning"),
    (0, "at night"),
)


def _label(text: str, lang: str) -> str:
    """12+1 → 十二加一; 2A → 二A; ICU → I C U; 301 → 三零幺."""
    said: list[str] = []
    for token in _TOKEN.findall(text):
        if token.isdecimal() and token.isascii():
            said.append(_label_number(token, lang))
        elif token in _SIGNS[lang]:
            said.append(_SIGNS[lang][token])
        elif token.isupper() and token.isascii():
            said.append(" ".join(token))
        else:
            said.append(token)
    return ("" if lang == "zh" else " ").join(said)


def _label_number(token: str, lang: str) -> str:
    if len(token) >= SPELLED_FROM:
        return numbers.digits(token, lang)
    return numbers.zh(int(token)) if lang == "zh" else numbers.en(int(token))


def bed(label: Any, lang: str) -> str:
    """The bed of a label: 3 → 三床 / bed three; 12+1, an added bed, → 十二床加一 /
    bed twelve plus one; 2A → 二A床 / bed two A."""
    text = str(label).strip()
    if lang == "en":
        return f"bed {_label(text, lang)}"
    base, plus, added = text.partition("+")
    if base and plus:
        return f"{bed(base, lang)}加{_label(added, lang)}"
    said = _label(text, lang)
    return said if said.endswith("床") else f"{said}床"


def ward(label: Any, lang: str) -> str:
    """The ward of a label: 3 → 三病区 / ward three. A name such as ICU stands alone."""
    text = str(label).strip()
    said = _label(text, lang)
    if not (any(each.isdecimal() for each in text) or len(text) == 1):
        return said
    if lang == "en":
        return f"ward {said}"
    return said if said.endswith(("区", "病房", "楼")) else f"{said}病区"


def number(n: numbers.Number, lang: str) -> str:
    """A number by itself: 10030 → 一万零三十 / ten thousand and thirty; 2.5 → 二点五."""
    return numbers.decimal(n, lang)


def digits(text: Any, lang: str) -> str:
    """The digits of a telephone number, one by one: 8101 → 八幺零幺 / eight one oh one."""
    return numbers.digits("".join(each for each in str(text) if each in "0123456789"), lang)


def count(n: numbers.Number, lang: str) -> str:
    """A number before a measure word: 2 → 两 (瓶) / two."""
    return "两" if lang == "zh" and n == 2 else numbers.decimal(n, lang)


def money(fen: int, lang: str) -> str:
    """Fen as yuan: 32050 → 三百二十元五角 / three hundred and twenty yuan fifty."""
    if fen < 0:
        return {"zh": "负", "en": "minus "}[lang] + money(-fen, lang)
    yuan, cents = divmod(fen, 100)
    if lang == "en":
        return _money_en(yuan, cents)
    jiao, odd = divmod(cents, 10)
    said = f"{numbers.zh_count(yuan)}元" if yuan or not cents else ""
    if jiao:
        said += f"{numbers.zh_count(jiao)}角"
    elif said and odd:
        said += "零"
    if odd:
        said += f"{numbers.zh(odd) if said.endswith('零') else numbers.zh_count(odd)}分"
    return said


def _money_en(yuan: int, cents: int) -> str:
    if not yuan and cents:
        return f"{numbers.en(cents)} fen"
    said = f"{numbers.en(yuan)} yuan"
    if not cents:
        return said
    # "yuan five" would be taken for fifty.
    return f"{said} {numbers.en(cents)}" if cents >= 10 else f"{said} and {numbers.en(cents)} fen"


def duration(ms: int, lang: str) -> str:
    """How long: 120000 → 两分钟 / two minutes; 130000 → 两分十秒. From ten minutes on rounded
    to the minute. What is less than nothing is said as nothing."""
    ms = max(0, ms)
    seconds = (ms + 500) // 1000
    if seconds * 1000 >= SECONDS_BELOW_MS:
        seconds = (ms + 30_000) // 60_000 * 60
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if lang == "en":
        units = ((days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second"))
        parts = [f"{numbers.en(n)} {unit}{'' if n == 1 else 's'}" for n, unit in units if n]
        return " ".join(parts) or "zero seconds"
    minute = "分" if seconds else "分钟"
    zh_units = ((days, "天"), (hours, "小时"), (minutes, minute), (seconds, "秒"))
    said = "".join(f"{numbers.zh_count(n)}{unit}" for n, unit in zh_units if n)
    return said or "零秒"


def clock_time(minute_of_day: int, lang: str) -> str:
    """A time of day by its minute since midnight: 845 → 十四点零五分 / two oh five in the
    afternoon. English names the part of the day, as patients hear it too."""
    hour, minute = divmod(minute_of_day % DAY_MINUTES, 60)
    if lang == "zh":
        past = "整" if not minute else f"{'零' if minute < 10 else ''}{numbers.zh(minute)}分"
        return f"{numbers.zh_count(hour)}点{past}"
    if not minute and hour in (0, 12):
        return "noon" if hour else "midnight"
    past = " o'clock" if not minute else f" {'oh ' if minute < 10 else ''}{numbers.en(minute)}"
    part = next(words for first, words in _DAY_PARTS if hour >= first)
    return f"{numbers.en(hour % 12 or 12)}{past} {part}"


# By the word after the colon in a placeholder of the catalogues.
READ_AS: dict[str, Callable[[Any, str], str]] = {
    "bed": bed,
    "ward": ward,
    "number": number,
    "count": count,
    "digits": digits,
    "money": money,
    "duration": duration,
    "time": clock_time,
}
