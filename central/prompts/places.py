"""Where a menu has words, and which of them a person may say instead of the speech engine. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from central.flows.document import LANGS, Document
from central.flows.doing import slot
from central.flows.reading import placeholders


@dataclass(frozen=True)
class Place:
    """words: in `lang`, as the menu has them now. part: "", "other" or "waiting", as in `slot`.
    has_values: they are others for each caller, so no one sound can say them."""

    slot: str
    step: str
    part: str
    lang: str
    words: str
    has_values: bool


def places(document: Document) -> Iterator[Place]:
    """In the order of the menu's steps."""
    for step in document.steps.values():
        for part, words in step.parts.items():
            for lang in LANGS:
                text = words[lang]
                yield Place(
                    slot(document.flow, step.name, part), step.name, part, lang, text,
                    any(True for _ in placeholders(text)),
                )  # fmt: skip
