"""Words that people see and hear, from the catalogues beside each capability.

    central/words/<locale>.po            words shared by all
    central/<capability>/words/<locale>.po

Screens use the English text as message id. Spoken words have an id such as
`calls.accepted` and a placeholder per value, with how it is read after the colon:
`{bed:bed}`, `{ward:ward}`, `{n:number}`, `{caller:digits}`, `{fen:money}`, `{ms:duration}`,
`{minute:time}`.
"""

import string
from functools import cache
from pathlib import Path
from typing import Any

from babel.messages.pofile import read_po

from gateway.speech import say

LOCALES = {"zh": "zh_CN", "en": "en"}
_ROOT = Path(__file__).parent


class UnknownWordsError(KeyError):
    """No catalogue has these words in this language."""

    error_id = "unknown-words"


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Every message of a language ("zh" or "en") by id."""
    found: dict[str, str] = {}
    for path in sorted(_ROOT.glob(f"**/words/{LOCALES[lang]}.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=LOCALES[lang], abort_invalid=True):
                if message.id and message.string:
                    found[str(message.id)] = str(message.string)
    return found


def seen(lang: str, text: str, /, **values: Any) -> str:
    """A text for the screen; English is its own id. `%(name)s` placeholders."""
    words = catalogue(lang).get(text, text)
    return words % values if values else words


class _Reader(string.Formatter):
    def __init__(self, lang: str) -> None:
        self.lang = lang

    def format_field(self, value: Any, format_spec: str) -> str:
        if not format_spec:
            return str(value)
        return say.READ_AS[format_spec](value, self.lang)


def spoken(lang: str, words_id: str, /, **values: Any) -> str:
    """Words to be heard, with their values read as a person would say them."""
    try:
        text = catalogue(lang)[words_id]
    except KeyError:
        raise UnknownWordsError(f"{words_id} ({lang})") from None
    return _Reader(lang).format(text, **values)
