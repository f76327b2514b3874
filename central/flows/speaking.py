"""Whether the words of a menu can be spoken: each is said once before callers shall hear it, which
also keeps their sound ready.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from central.console.marks import N_
from central.flows.document import Document, Problem, Step
from gateway.speech.library import SpeechLibrary, SpeechUnavailableError, from_config

log = logging.getLogger("wardline.flows")

# What has not been said by then is let pass: somebody waits for the page.
MOST_S = 20.0


class _Words(NamedTuple):
    step: Step
    lang: str
    text: str


def unspeakable(
    speech: Mapping[str, Any], document: Document, before: Document | None
) -> list[Problem]:
    """The words of a document that no voice can say, but for those that `before` has, too. speech:
    of central.json. Nothing where no speech is set up, or where none of the words can be said: then
    it is the voice that is wrong, and a fault tells so."""
    known = {(each.lang, each.text) for each in _all(before)} if before else set()
    words = [each for each in _all(document) if (each.lang, each.text) not in known]
    if not speech.get("cache") or not words:
        return []
    failed = asyncio.run(_failed(dict(speech), words))
    if len(failed) == len(words) > 1:
        log.error("none of the new words of menu %s can be spoken", document.flow)
        return []
    message = N_("Step %(step)s (%(lang)s): these words cannot be spoken.")
    return [
        Problem(
            each.step.line, each.step.name, message, {"step": each.step.name, "lang": each.lang}
        )
        for each in failed
    ]


def _all(document: Document) -> Iterator[_Words]:
    """Those without values, which have no sound of their own."""
    for step in document.steps.values():
        for words in step.parts.values():
            for lang, text in words.items():
                if "{" not in text:
                    yield _Words(step, lang, text)


async def _failed(speech: dict[str, Any], words: list[_Words]) -> list[_Words]:
    library = from_config(speech)
    try:
        tried = [asyncio.create_task(_can_say(library, each)) for each in words]
        await asyncio.wait(tried, timeout=MOST_S)
        said = [task.done() and not task.cancelled() and not task.result() for task in tried]
        for task in tried:
            task.cancel()
        await asyncio.gather(*tried, return_exceptions=True)
        return [each for each, failed in zip(words, said, strict=True) if failed]
    finally:
        await library.close()


async def _can_say(library: SpeechLibrary, words: _Words) -> bool:
    try:
        await library.audio(words.lang, words.text)
    except (SpeechUnavailableError, OSError):
        return False
    return True
