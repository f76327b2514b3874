"""What people have written, as they would read it aloud: money, days, times, numbers of telephones,
shares, ranges, units.

`say` reads values of which it is known what they are; here that is found out from how they are
written. What is not known stands as it stood.
"""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from gateway.speech import numbers, say

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_ORDINALS = {
    1: "first", 2: "second", 3: "third", 5: "fifth", 8: "eighth", 9: "ninth", 12: "twelfth",
    20: "twentieth", 30: "thirtieth",
}  # fmt: skip
_UNITS = {
    "zh": {
        "kg": "千克", "g": "克", "mg": "毫克", "μg": "微克", "µg": "微克", "ug": "微克",
        "L": "升", "mL": "毫升", "ml": "毫升", "m": "米", "cm": "厘米", "mm": "毫米",
        "km": "公里", "℃": "摄氏度", "°C": "摄氏度",
    },
    "en": {
        "kg": "kilograms", "g": "grams", "mg": "milligrams", "μg": "micrograms",
        "µg": "micrograms", "ug": "micrograms", "L": "litres", "mL": "millilitres",
        "ml": "millilitres", "m": "metres", "cm": "centimetres", "mm": "millimetres",
        "km": "kilometres", "℃": "degrees Celsius", "°C": "degrees Celsius",
    },
}  # fmt: skip
# What is counted with 两 and not with 二.
_COUNTED = "个名位张次片粒盒瓶支天周种袋条台颗滴家份项年小倍"
_NUMBER = r"(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?"
_TO = r"\s*(?:[-–—~～至到]|to\b)\s*"
_EDGE = r"(?<![0-9.])"
_END = r"(?![0-9]|\.[0-9])"
_CLOCK = r"([01]?[0-9]|2[0-4])[:：]([0-5][0-9])"
# Before a number that is dialled or spelled.
_DIALLED = (
    r"电话|分机|拨打|热线|急救|急诊|报警|火警|编号|\bdial|\bcall|\bphone|\bextension|\bnumber"
)

Read = Callable[["re.Match[str]", str], str]


def _to(lang: str, one: str, other: str) -> str:
    return f"{one}到{other}" if lang == "zh" else f"{one} to {other}"


def day(value: date, lang: str) -> str:
    """2026-11-29 → 二零二六年十一月二十九日 / November twenty-ninth, twenty twenty-six."""
    if lang == "zh":
        return f"{_year(value.year, lang)}年{numbers.zh(value.month)}月{numbers.zh(value.day)}日"
    return f"{_MONTHS[value.month - 1]} {_ordinal(value.day)}, {_year(value.year, lang)}"


def _year(year: int, lang: str) -> str:
    if lang == "zh":
        return "".join(numbers.zh(int(each)) for each in str(year))
    century, rest = divmod(year, 100)
    if rest < 10:
        return numbers.en(year) if century % 10 == 0 or rest else f"{numbers.en(century)} hundred"
    return f"{numbers.en(century)} {numbers.en(rest)}"


def _ordinal(n: int) -> str:
    """Of 1 to 31."""
    if n in _ORDINALS:
        return _ORDINALS[n]
    if n > 20:
        return f"{numbers.en(n // 10 * 10)}-{_ordinal(n % 10)}"
    return f"{numbers.en(n)}th"


def _date(found: "re.Match[str]", lang: str) -> str:
    try:
        return day(date(*(int(each) for each in found.groups())), lang)
    except ValueError:
        return found[0]


def _number(text: str, lang: str) -> str:
    value = Decimal(text.replace(",", ""))
    if value >= numbers.LIMIT:
        return numbers.digits(re.sub("[^0-9]", "", text), lang)
    return numbers.decimal(value, lang)


def _money(text: str, lang: str) -> str:
    value = Decimal(text.replace(",", ""))
    if value >= numbers.LIMIT // 100:
        return _number(text, lang) + ("元" if lang == "zh" else " yuan")
    return say.money(int(value * 100), lang)


def _share(text: str, lang: str) -> str:
    said = _number(text, lang)
    return f"百分之{said}" if lang == "zh" else f"{said} percent"


def _clock(hour: str, minute: str, lang: str) -> str:
    return say.clock_time(int(hour) * 60 + int(minute), lang)


def _spelled(text: str, lang: str) -> str:
    groups = re.findall("[0-9]+", text)
    return ("，" if lang == "zh" else ", ").join(numbers.digits(each, lang) for each in groups)


def _with_unit(found: "re.Match[str]", lang: str) -> str:
    unit = _UNITS[lang][found[2]]
    if lang == "zh":
        said = "两" if found[1] == "2" else _number(found[1], lang)
        return f"{said}{unit}"
    return f"{_number(found[1], lang)} {unit.removesuffix('s') if found[1] == '1' else unit}"


def _plain(found: "re.Match[str]", lang: str) -> str:
    follows = found.string[found.end() : found.end() + 1]
    if lang == "zh" and found[0] == "2" and follows and follows in _COUNTED:
        return "二" if found.string[: found.start()].endswith("第") else "两"
    # A code is spelled: 0105, 101001.
    if found[0].isdecimal() and (len(found[0]) > 6 or (found[0][0] == "0" and len(found[0]) > 1)):
        return _spelled(found[0], lang)
    said = _number(found[0], lang)
    if lang == "zh":
        return said
    # H1N1: the letters stay apart from the words.
    before = found.string[: found.start()][-1:].isalpha()
    return f"{' ' * before}{said}{' ' * follows.isalpha()}"


def _unit_words() -> str:
    return "|".join(sorted(map(re.escape, _UNITS["zh"]), key=len, reverse=True))


# In the order in which they are looked for.
_RULES: list[tuple[str, Read]] = [
    (_EDGE + r"([12][0-9]{3})\s*[-/年]\s*(1[0-2]|0?[1-9])\s*[-/月]\s*(3[01]|[12][0-9]|0?[1-9])"
     r"(?![0-9])[日号]?", _date),
    (_EDGE + r"([12][0-9]{3})\s*(?=年)", lambda m, lang: _year(int(m[1]), lang)),
    (r"(?i)\b(in|since|founded|until|year)\s+((?:19|20)[0-9]{2})(?![0-9-])",
     lambda m, lang: f"{m[1]} {_year(int(m[2]), lang)}"),
    (_EDGE + _CLOCK + _TO + _CLOCK + r"(?![0-9:：])",
     lambda m, lang: _to(lang, _clock(m[1], m[2], lang), _clock(m[3], m[4], lang))),
    (_EDGE + _CLOCK + r"(?![0-9:：])", lambda m, lang: _clock(m[1], m[2], lang)),
    (rf"(?:[¥￥]|RMB|CNY)\s*({_NUMBER})(?:\s*元|\s*yuan)?", lambda m, lang: _money(m[1], lang)),
    (rf"{_EDGE}({_NUMBER})\s*(?:元|yuan\b|RMB\b)", lambda m, lang: _money(m[1], lang)),
    (rf"{_EDGE}({_NUMBER})\s*[%％]?{_TO}({_NUMBER})\s*[%％]",
     lambda m, lang: _to(lang, _share(m[1], lang), _share(m[2], lang))),
    (rf"{_EDGE}({_NUMBER})\s*[%％]", lambda m, lang: _share(m[1], lang)),
    (r"(?<![0-9-])(?:\+?86[- ]?)?(?:0[0-9]{2,3}[- ][0-9]{7,8}|[48]00[- ]?[0-9]{3,4}[- ]?[0-9]{3,4}"
     r"|1[3-9][0-9][- ]?[0-9]{4}[- ]?[0-9]{4})(?![0-9-])", lambda m, lang: _spelled(m[0], lang)),
    (rf"(?i)({_DIALLED})([：: ]*)([0-9]{{3,12}}){_END}",
     lambda m, lang: m[1] + (m[2] or " " * (lang == "en")) + _spelled(m[3], lang)),
    (rf"{_EDGE}({_NUMBER})\s*({_unit_words()})(?![A-Za-z])", _with_unit),
    (rf"{_EDGE}({_NUMBER}){_TO}({_NUMBER}){_END}(?!-)",
     lambda m, lang: _to(lang, _number(m[1], lang), _number(m[2], lang))),
    (rf"{_EDGE}{_NUMBER}", _plain),
]  # fmt: skip
_COMPILED = [(re.compile(pattern), read) for pattern, read in _RULES]
# Between what is measured, counted or paid; elsewhere such a sign is no word.
SIGN = re.compile(
    r"(?<=[0-9A-Za-z元克升片粒支袋])\s*([×*/])\s*"
    r"(?=[0-9盒瓶支袋片粒次天日人]|day|box|bottle|vial|pack|person|visit)"
)
# Between a number and a Chinese word nobody pauses, and 2 个 is said as 2个 is.
_GAP = re.compile(r"(?<=[0-9]) +(?=[一-鿿])|(?<=[一-鿿]) +(?=[0-9])")
_SIGNS = {
    "zh": {"×": "乘", "*": "乘", "/": "每"},
    "en": {"×": " times ", "*": " times ", "/": " per "},
}
# What stands for the signs meanwhile, so that they part what is on their sides.
_KEPT = {"×": "\0", "*": "\0", "/": "\1"}


def aloud(text: str, lang: str) -> str:
    """`text` with every number in words, for a speech engine; "zh" or "en"."""
    if lang == "zh":
        text = _GAP.sub("", text)
    text = SIGN.sub(lambda found: _KEPT[found[1]], text)
    for pattern, read in _COMPILED:
        text = pattern.sub(lambda found, read=read: read(found, lang), text)  # type: ignore[misc]
    signs = _SIGNS[lang]
    return text.replace("\0", signs["×"]).replace("\1", signs["/"])
