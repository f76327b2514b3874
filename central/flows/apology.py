"""What a caller hears when there is no voice: a sound that comes with Wardline.

A speech engine said it once: 很抱歉,现在无法播报语音,请稍后再拨。/ I am sorry, I cannot speak to
you just now. Please call again later.
"""

import logging
from functools import partial
from pathlib import Path

from central.flows.document import LANGS
from central.telephone.ringing import Saying
from gateway.speech.library import SpeechUnavailableError

log = logging.getLogger("wardline.flows")

_FOLDER = Path(__file__).with_name("sounds")


async def media(prompts: Saying, lang: str) -> str:
    """What to play. Raises SpeechUnavailableError where not even that can be given out; telephones
    ring instead of the menu then."""
    return await prompts.sound(f"apology {lang}", partial(_wav, lang))


async def prepare(prompts: Saying) -> None:
    """Give the exchange both now: when they are needed the disk may be full."""
    for lang in LANGS:
        try:
            await media(prompts, lang)
        except SpeechUnavailableError as error:
            log.error("the apology in %s is not ready: %s", lang, error)


def _wav(lang: str) -> bytes:
    return (_FOLDER / f"sorry.{lang}.wav").read_bytes()
