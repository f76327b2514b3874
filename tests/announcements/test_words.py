"""Every text of the pages is there in Chinese, with the same placeholders."""

import re
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

import central.announcements

FOLDER = Path(central.announcements.__file__).parent
TEXT = re.compile(r"""\b(?:_|N_)\(\s*(?:"([^"]+)"|'([^']+)')""")
PLACEHOLDER = re.compile(r"%\(\w+\)s")


def texts() -> set[str]:
    files = [*FOLDER.glob("*.py"), *FOLDER.glob("templates/**/*.html")]
    found = [match for file in files for match in TEXT.findall(file.read_text())]
    return {double or single for double, single in found}


@pytest.mark.parametrize("text", sorted(texts()))
def test_a_text_is_translated_with_its_placeholders(text: str) -> None:
    with (FOLDER / "words" / "zh_CN.po").open("rb") as file:
        message = read_po(file, locale="zh_CN").get(text)
    assert message is not None
    assert message.string
    assert sorted(PLACEHOLDER.findall(str(message.string))) == sorted(PLACEHOLDER.findall(text))
