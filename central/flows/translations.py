"""Which words of a menu are missing in a language, or stand in it untranslated."""

import re
from collections.abc import Iterator, Sequence

from central.flows.document import LANGS, Document, Problem

_HAN = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]")
_LATIN = re.compile(r"[A-Za-z]{3,}")
_VALUE = re.compile(r"{[^{}]*}")

# The step ("" for the title), the language and the line.
Missing = tuple[str, str, int]


def missing(document: Document | None, problems: Sequence[Problem]) -> list[Missing]:
    """document: None where the text cannot be read; then by its problems alone."""
    found = list(_left_out(problems))
    if document is not None:
        found += _untranslated(document)
    return sorted(dict.fromkeys(found), key=lambda each: each[2])


def _left_out(problems: Sequence[Problem]) -> Iterator[Missing]:
    for problem in problems:
        lang = problem.values.get("missing", problem.values.get("lang"))
        if lang in LANGS and "what" not in problem.values:
            yield problem.step, lang, problem.line


def _untranslated(document: Document) -> Iterator[Missing]:
    for lang in LANGS:
        if _is_other(document.title.get(lang, ""), lang):
            yield "", lang, 1
        for step in document.steps.values():
            if any(
                _is_other(words.get(lang, ""), lang)
                for words in (step.words, step.other, step.waiting)
            ):
                yield step.name, lang, step.line


def _is_other(text: str, lang: str) -> bool:
    """English with Chinese characters in it; Chinese without any."""
    text = _VALUE.sub("", text)
    has_han = _HAN.search(text) is not None
    return has_han if lang == "en" else not has_han and _LATIN.search(text) is not None
