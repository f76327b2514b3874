"""The application of `./wardline bench menus` as a process of its own, which can be killed: our
reception on one exchange, with the bench's own menu and words.

    python -P -m tests.bench.menu_desk FOLDER ARI_URL
"""

import asyncio
import math
import sys
from array import array
from pathlib import Path
from typing import Any

from central.capabilities import modules
from central.clock import SystemClock
from central.directory import standing
from central.flows import model
from central.store import Store
from central.telephone.desk import Desk, Reception, handlers
from gateway.speech.library import SpeechLibrary
from gateway.speech.sound import RATE_HZ, Sound, write
from gateway.telephone.prompts import Prompts
from tests.telephone.world import World

# Each prompt is a tone of a loudness of its own (root mean square) and a length, so that a caller
# knows which one he hears by any packet of it.
LOUD = {"one": 8000, "two": 4000, "bye": 2000}
LENGTH_S = {"one": 3.0, "two": 3.0, "bye": 0.2}
SORRY_S = 1.0
FLOW = """
flow: bench
title: {zh: 量, en: Bench}
start: one
steps:
  one:
    menu: {zh: one, en: one}
    keys: {1: two, 2: bye}
    tries: 9
  two:
    menu: {zh: two, en: two}
    keys: {1: one, 2: bye}
    tries: 9
  bye:
    hang_up: {zh: bye, en: bye}
"""


class Tones:
    """Says "one", "two" and "bye"; anything else is a tone as loud as "bye" that takes longer."""

    name = "tones"

    def speaks(self, lang: str) -> bool:
        return True

    async def identity(self, lang: str) -> str:
        return self.name

    async def render(self, lang: str, text: str, target: Path) -> None:
        loud, seconds = LOUD.get(text, LOUD["bye"]), LENGTH_S.get(text, SORRY_S)
        top, step = loud * math.sqrt(2), math.tau * 500 / RATE_HZ
        samples = (int(top * math.sin(step * n)) for n in range(int(RATE_HZ * seconds)))
        write(target, Sound(array("h", samples)))


def prompts(folder: Path) -> Prompts:
    """Those of the bench, said once for all its processes."""
    library = SpeechLibrary(folder / "speech", [Tones()])
    return Prompts(library, folder / "exchange" / "sounds")


def put_menu(store: Store) -> None:
    with store.transaction() as tx:
        model.add(tx, "bench", FLOW, "", "bench", tx.now_ms)


async def _publish(*said: Any) -> None:
    raise NotImplementedError


async def serve(folder: Path, ari_url: str) -> None:
    """Until killed; says when it answers."""
    store = Store(folder / "wardline.db", SystemClock())
    said = prompts(folder)
    await standing.speak(said)
    async with World(ari_url) as world:
        await world.ready()
        desk = Desk(store, world.actions, said, _publish)
        reception = Reception(desk, handlers(modules("phone")))
        print("ready", flush=True)
        while True:
            reception.arrived(await world.arrived.get())


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
