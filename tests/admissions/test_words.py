"""Every text of admissions is in both languages, with the same values."""

import ast
import re
from pathlib import Path

import central
from central.admissions import notices
from central.words import catalogue
from gateway.his import refusals

FOLDER = Path(central.__file__).parent / "admissions"


def screen_texts() -> set[str]:
    """What stands in _(…) and N_(…) of our modules and templates, and the gateway's reasons."""
    found = set(refusals.TEXTS)
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") in ("_", "N_")
                and isinstance(node.args[0], ast.Constant)
            ):
                found.add(node.args[0].value)
    for path in FOLDER.glob("templates/**/*.html"):
        found |= {each[1] for each in re.findall(r"_\((['\"])(.+?)\1", path.read_text())}
    return found


def test_every_screen_text_has_its_chinese_with_the_same_values() -> None:
    texts = screen_texts()
    assert len(texts) > 90
    chinese = catalogue("zh")
    for text in texts:
        assert text in chinese
        values = re.findall(r"%\(\w+\)s", text)
        assert sorted(values) == sorted(re.findall(r"%\(\w+\)s", chinese[text]))


def test_every_reason_of_the_gateway_is_listed() -> None:
    named = {
        value
        for name, value in vars(refusals).items()
        if name.isupper() and isinstance(value, str) and " " in value
    }
    assert named == set(refusals.TEXTS)


def test_spoken_words_are_in_both_languages_with_the_same_values() -> None:
    by_lang = {
        lang: {k: text for k, text in catalogue(lang).items() if k.startswith("admissions.")}
        for lang in ("zh", "en")
    }
    assert by_lang["zh"].keys() == by_lang["en"].keys()
    for key, text in by_lang["zh"].items():
        there = set(re.findall(r"{\w+:?\w*}", by_lang["en"][key]))
        assert set(re.findall(r"{\w+:?\w*}", text)) == there
    used = set(re.findall(r'"(admissions\.\w+)"', Path(notices.__file__).read_text()))
    assert used == set(by_lang["zh"])
