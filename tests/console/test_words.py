"""Every text of every screen is in the Chinese catalogues, with its values."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from babel.messages.extract import extract

import central
from central.capabilities import modules
from central.words import catalogue, seen

ROOT = Path(central.__file__).parent
FOLDERS = sorted(path.name for path in ROOT.iterdir() if (path / "__init__.py").exists())
# Which argument holds the text.
KEYWORDS = {"_": 0, "N_": 0, "FieldError": 1, "CallType": 2}


def in_python(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            place = KEYWORDS.get(node.func.id)
            if place is not None and len(node.args) > place:
                given = node.args[place]
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield given.value, node.lineno


def in_template(path: Path) -> Iterator[tuple[str, int]]:
    with path.open("rb") as file:
        for line, message, _, _ in extract("jinja2.ext:babel_extract", file, {"_": None}):
            yield (message if isinstance(message, str) else message[0]), line


def texts(folder: str) -> dict[str, str]:
    """Text: where it stands."""
    found = {}
    for path in sorted((ROOT / folder).rglob("*")):
        reader = {".py": in_python, ".html": in_template}.get(path.suffix)
        for text, line in reader(path) if reader else ():
            found[text] = f"{path.relative_to(ROOT)}:{line}"
    return found


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_text_is_in_the_chinese_catalogue(folder: str) -> None:
    known = catalogue("zh")
    missing = {text: where for text, where in texts(folder).items() if text not in known}
    assert missing == {}


def test_the_extraction_finds_texts_of_both_kinds() -> None:
    found = texts("board")
    assert "Whole screen" in found
    assert "{n} waiting" in found


def test_the_navigation_is_in_the_chinese_catalogue() -> None:
    labels = [entry[2] for web in modules("web") for entry in getattr(web, "NAVIGATION", ())]
    assert labels
    assert [label for label in labels if label not in catalogue("zh")] == []


def test_translations_keep_the_placeholders() -> None:
    pattern = re.compile(r"%\(\w+\)s|\{\w+(?::\w+)?\}")
    english = catalogue("en")
    wrong = []
    for text, chinese in catalogue("zh").items():
        ours = english.get(text, text)
        if set(pattern.findall(ours)) != set(pattern.findall(chinese)):
            wrong.append((ours, chinese))
    assert wrong == []


def test_both_languages_are_said() -> None:
    assert seen("zh", "%(n)s waiting", n=3) == "等待 3"
    assert seen("en", "%(n)s waiting", n=3) == "3 waiting"
