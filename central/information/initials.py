"""The first letters of Chinese characters' pinyin, so that zmh finds 张明华.

GB 2312 sorts its 3,755 common characters by pinyin, so the code of a character tells its letter;
the rarer ones it sorts by strokes, and they tell none. Of a character with several readings it is
the commonest one.
"""

from bisect import bisect_right

# The first common character of each letter; after them come the characters by strokes.
_FIRST = "啊芭擦搭蛾发噶哈击喀垃妈拿哦啪期然撒塌挖昔压匝"
_LETTERS = "abcdefghjklmnopqrstwxyz"
_CODES = [each.encode("gb2312") for each in _FIRST]
_END = b"\xd7\xfa"


def initials(text: str) -> str:
    """Letters and digits as they stand, in small letters; other signs are left out."""
    return "".join(filter(None, map(_initial, text.lower())))


def _initial(letter: str) -> str:
    if letter.isascii():
        return letter if letter.isalnum() else ""
    try:
        code = letter.encode("gb2312")
    except UnicodeEncodeError:
        return ""
    return _LETTERS[bisect_right(_CODES, code) - 1] if _CODES[0] <= code < _END else ""
