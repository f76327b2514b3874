"""Whole and decimal numbers in words, as Mandarin and English speakers say them."""

from decimal import Decimal

Number = int | float | Decimal

_ZH_DIGITS = "零一二三四五六七八九"
# In room and telephone numbers 一 is said 幺, so that it is not heard as 七.
_ZH_SPELLED = "零幺二三四五六七八九"
_ZH_PLACES = ("", "十", "百", "千")
_ZH_GROUPS = ("", "万", "亿", "万亿")
_EN_SMALL = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_EN_TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_EN_GROUPS = ("", " thousand", " million", " billion", " trillion")
# The first number that has no name here.
LIMIT = 10**15


def zh(n: int) -> str:
    """10030 → 一万零三十. Raises OverflowError from LIMIT on."""
    if n < 0:
        return "负" + zh(-n)
    if n >= LIMIT:
        raise OverflowError(f"no words for {n}")
    if n == 0:
        return "零"
    said, gap = "", False
    for place in range(len(_ZH_GROUPS) - 1, -1, -1):
        group = n // 10_000**place % 10_000
        if group == 0:
            gap = True
            continue
        if said and (gap or group < 1000):
            said += "零"
        said += ("两" if group == 2 and place else _zh_group(group, bool(said))) + _ZH_GROUPS[place]
        gap = False
    return said


def _zh_group(group: int, follows: bool) -> str:
    """1..9999. 二 is 两 before 千, and before 百 where the number begins with it; a leading
    一十 is said 十."""
    said, gap = "", False
    for place in range(3, -1, -1):
        digit = group // 10**place % 10
        if digit == 0:
            gap = True
            continue
        if said and gap:
            said += "零"
        begins = not said and not follows
        if digit == 2 and (place == 3 or (place == 2 and begins)):
            said += "两" + _ZH_PLACES[place]
        elif digit == 1 and place == 1 and begins:
            said += "十"
        else:
            said += _ZH_DIGITS[digit] + _ZH_PLACES[place]
        gap = False
    return said


def zh_count(n: int) -> str:
    """As before a measure word: 两 for 2."""
    return "两" if n == 2 else zh(n)


def en(n: int) -> str:
    """1230 → one thousand two hundred and thirty. Raises OverflowError from LIMIT on."""
    if n < 0:
        return "minus " + en(-n)
    if n >= LIMIT:
        raise OverflowError(f"no words for {n}")
    if n == 0:
        return _EN_SMALL[0]
    said: list[str] = []
    for place in range(len(_EN_GROUPS) - 1, -1, -1):
        group = n // 1000**place % 1000
        if group == 0:
            continue
        if place == 0 and said and group < 100:
            said.append("and")
        said.append(_en_group(group) + _EN_GROUPS[place])
    return " ".join(said)


def _en_group(group: int) -> str:
    hundreds, rest = divmod(group, 100)
    said = [f"{_EN_SMALL[hundreds]} hundred"] if hundreds else []
    if rest:
        said += ["and"] if hundreds else []
        said.append(_en_below_hundred(rest))
    return " ".join(said)


def _en_below_hundred(n: int) -> str:
    if n < 20:
        return _EN_SMALL[n]
    tens, one = divmod(n, 10)
    return _EN_TENS[tens] + (f"-{_EN_SMALL[one]}" if one else "")


def digits(text: str, lang: str) -> str:
    """One digit after the other, as a room or telephone number: 幺零三 / one oh three."""
    if lang == "zh":
        return "".join(_ZH_SPELLED[int(each)] for each in text)
    return " ".join("oh" if each == "0" else _EN_SMALL[int(each)] for each in text)


def decimal(n: Number, lang: str) -> str:
    """Any number; digits after the point are read one by one, trailing zeros not at all."""
    whole, _, rest = f"{abs(Decimal(str(n))):f}".partition(".")
    rest = rest.rstrip("0")
    sign = {"zh": "负", "en": "minus "}[lang] if n < 0 else ""
    said = sign + (zh if lang == "zh" else en)(int(whole))
    if not rest:
        return said
    if lang == "zh":
        return said + "点" + "".join(_ZH_DIGITS[int(each)] for each in rest)
    return f"{said} point " + " ".join(_EN_SMALL[int(each)] for each in rest)
