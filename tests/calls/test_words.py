"""Every text of calls and escalation is in both languages; every announcement can be said."""

import ast
import re
from pathlib import Path

import pytest

import central
from central.calls import bedside, service, types
from central.clock import FakeClock
from central.escalation import telling
from central.store import Store
from central.words import catalogue, spoken
from tests.calls.ward import Ward

ROOT = Path(central.__file__).parent
FOLDERS = [ROOT / "calls", ROOT / "escalation"]
SPOKEN = re.compile(r"(calls|escalation)\.\w+")


def screen_texts() -> set[str]:
    """What stands in _(…) and N_(…) of our modules and templates."""
    found = set()
    for folder in FOLDERS:
        for path in folder.glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(node, ast.Call)
                    and getattr(node.func, "id", "") in ("_", "N_")
                    and isinstance(node.args[0], ast.Constant)
                ):
                    found.add(node.args[0].value)
        for path in folder.glob("templates/**/*.html"):
            found |= {each[1] for each in re.findall(r"_\((['\"])(.+?)\1", path.read_text())}
    return found


def test_every_screen_text_has_its_chinese_with_the_same_values() -> None:
    texts = screen_texts()
    assert len(texts) > 80
    chinese = catalogue("zh")
    for text in texts:
        assert text in chinese
        values = re.findall(r"%\(\w+\)s", text)
        assert sorted(values) == sorted(re.findall(r"%\(\w+\)s", chinese[text]))


def test_spoken_words_are_in_both_languages_with_the_same_values() -> None:
    by_lang = {
        lang: {key: text for key, text in catalogue(lang).items() if SPOKEN.fullmatch(key)}
        for lang in ("zh", "en")
    }
    assert by_lang["zh"].keys() == by_lang["en"].keys()
    for key, text in by_lang["zh"].items():
        assert set(re.findall(r"{\w+", text)) == set(re.findall(r"{\w+", by_lang["en"][key]))


@pytest.mark.parametrize("prefix", [telling.STATION, telling.WARD, telling.NEIGHBOUR])
@pytest.mark.parametrize("type", types.TYPES)
@pytest.mark.parametrize("bed", ["12+1", None])
def test_every_call_can_be_announced_everywhere(
    ward: Store, clock: FakeClock, type: str, prefix: str, bed: str | None
) -> None:
    with ward.transaction() as tx:
        for about in ({}, {"unconfirmed": True}):
            call_id = service.open_call(tx, "3", bed, type, about=about)
            call = tx.one("SELECT * FROM calls WHERE id = ?", (call_id,))
            assert call is not None
            words_id, values = bedside.words_at_station(tx, call, prefix)
            for lang in ("zh", "en"):
                text = spoken(lang, words_id, **values)
                assert text
                assert "{" not in text
    assert Ward(ward, clock).failures() == []
