"""The bridge's part: what was said by telephone becomes a prompt. The recording itself stays with
the others for its days."""

import asyncio
import logging
import sqlite3
from functools import partial
from pathlib import Path

from central.errors import FieldError
from central.prompts import model, service
from central.prompts.sounds import Prepared, prepared
from central.store import Store, StoreUnavailableError
from gateway.telephone.files.recording import BY_APPLICATION

log = logging.getLogger("wardline.telephone")

LOOK_EVERY_S = 1.0


async def look(store: Store, folder: Path) -> None:
    """folder: the exchange's. Raises StoreUnavailableError, sqlite3.Error."""
    for code in model.said(store.read()):
        path = folder / BY_APPLICATION / f"{Path(code['recording']).name}.wav"
        sound = await asyncio.to_thread(_read, path)
        await store.write(partial(service.take, code=code, sound=sound))


def _read(path: Path) -> Prepared | None:
    try:
        return prepared(path.read_bytes())
    except (OSError, FieldError) as error:
        log.error("what was said for a menu cannot be used: %s: %s", path.name, error)
        return None


async def run(store: Store, folder: Path) -> None:
    """Until cancelled."""
    failing = False
    while True:
        try:
            await look(store, folder)
            failing = False
        except (sqlite3.Error, StoreUnavailableError) as error:
            if not failing:
                log.error("words said for menus are not kept for now: %s; trying again", error)
            failing = True
        await asyncio.sleep(LOOK_EVERY_S)
