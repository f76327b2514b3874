"""The catalogues: one meaning per message, the same values in both languages."""

import re
from collections import defaultdict
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from central.words import LOCALES, catalogue

ROOT = Path(__file__).resolve().parent.parent / "central"
SPOKEN = re.compile(r"^[a-z_]+\.[a-z_]+$")


@pytest.mark.parametrize("lang", LOCALES)
def test_no_message_is_translated_in_two_ways(lang: str) -> None:
    found: dict[str, set[str]] = defaultdict(set)
    for path in ROOT.glob(f"**/words/{LOCALES[lang]}.po"):
        with path.open("rb") as file:
            for message in read_po(file, abort_invalid=True):
                if message.id and message.string:
                    found[str(message.id)].add(str(message.string))
    assert {key: each for key, each in found.items() if len(each) > 1} == {}


def test_spoken_words_have_the_same_values_in_both_languages() -> None:
    def values(lang: str) -> dict[str, set[str]]:
        spoken = {key: text for key, text in catalogue(lang).items() if SPOKEN.match(key)}
        return {key: set(re.findall(r"{(\w+)", text)) for key, text in spoken.items()}

    chinese, english = values("zh"), values("en")
    assert chinese.keys() == english.keys()
    assert len(chinese) > 20
    assert {key for key in chinese if chinese[key] != english[key]} == set()
