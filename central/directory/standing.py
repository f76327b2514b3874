"""What the exchange says by itself, in our words."""

import logging
from collections.abc import Iterable

from central.words import LOCALES, spoken
from gateway.speech.library import SpeechUnavailableError
from gateway.telephone import standing
from gateway.telephone.prompts import Prompts

log = logging.getLogger("wardline.telephone")


async def speak(prompts: Prompts, langs: Iterable[str] = LOCALES) -> None:
    """Give the exchange every word it looks for. One that cannot be said is left out: a facility
    that lacks a word says nothing or declines, and calls go on."""
    for lang in langs:
        for name in standing.WORDS:
            try:
                await prompts.put(name, lang, words(lang, name))
            except (SpeechUnavailableError, OSError) as error:
                log.error("the exchange has no words for %s in %s: %s", name, lang, error)


def words(lang: str, name: str) -> str:
    """What is said under a name of Asterisk's: "conf-getpin", "digits/1"."""
    kind, _, digit = name.partition("/")
    if digit:
        return spoken(lang, "telephone.digit", n=int(digit))
    return spoken(lang, f"telephone.{kind}")
