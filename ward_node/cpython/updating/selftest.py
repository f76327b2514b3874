"""What a version must be able to do before it is kept: broker, bus, lamps, loudspeaker."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from hw.errors import HardwareError
from ward_node.core import hearing

BROKER, BUS, LAMP, SPEAKER = "broker", "bus", "lamp", "speaker"
BROKER_LIMIT_S = 120.0
# Where words sound again and again, they show that it sounds.
SPEAKER_TRIES = 3
SPEAKER_AGAIN_S = 1.0


Borrow = Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]]


@dataclass
class Parts:
    """What is tested. ward: as hw.ward.WardHardware; speaker: as hw.speaker.Speaker; ear: as
    ward_node.cpython.care.Ear, or None; borrow: as ward_node.cpython.voice.Mouth.borrow. up is set
    while the broker has taken what we subscribe."""

    ward: Any
    speaker: Any
    ear: Any
    borrow: Borrow
    up: asyncio.Event = field(default_factory=asyncio.Event)


async def failing(parts: Parts) -> dict[str, str]:
    """Why, by each part that does not work: "broker", "bus 3", "lamp 3", "speaker"."""
    found: dict[str, str] = {}
    try:
        async with asyncio.timeout(BROKER_LIMIT_S):
            await parts.up.wait()
    except TimeoutError:
        found[BROKER] = f"no connection within {BROKER_LIMIT_S:.0f} s"
    try:
        found |= await _beds(parts.ward)
    except Exception as error:  # whatever a new version may do wrong
        found[BUS] = f"{type(error).__name__}: {error}"
    try:
        why = await _speaker(parts)
    except Exception as error:
        why = f"{type(error).__name__}: {error}"
    if why:
        found[SPEAKER] = why
    return found


async def _beds(ward: Any) -> dict[str, str]:
    found = {}
    for bed, told in (await ward.selftest()).items():
        if told.get("error"):
            found[f"{BUS} {bed}"] = told["error"]
        elif told.get("broken"):
            found[f"{LAMP} {bed}"] = ", ".join(told["broken"])
    return found


async def _speaker(parts: Parts) -> str:
    for _ in range(SPEAKER_TRIES):
        said = await parts.borrow(_sounds(parts))
        if said is not None:
            return str(said)
        await asyncio.sleep(SPEAKER_AGAIN_S)
    return ""


async def _sounds(parts: Parts) -> str:
    """Why the loudspeaker does not, or ""."""
    try:
        await parts.speaker.probe()
        if parts.ear is not None:
            verdict = await parts.ear.listen()
            if verdict.word == hearing.SILENT:
                return "the test tone is not heard"
    except HardwareError as error:
        return str(error)
    return ""
