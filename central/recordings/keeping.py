"""The bridge's part: finds recordings that are whole, and deletes those whose time is over."""

import asyncio
import logging
import re
import sqlite3
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from central.recordings import model, service
from central.store import Store, StoreUnavailableError
from gateway.telephone.files.recording import BY_APPLICATION, BY_EXCHANGE

log = logging.getLogger("wardline.telephone")

LOOK_EVERY_S = 2.0
# A recording of a call that nobody has a record of is taken so long after its last sound.
ALONE_AFTER_MS = 3_600_000
# One that the exchange did not bring to an end, for it died, is taken so long after.
ENDED_AFTER_MS = 60_000
_NAME = re.compile(
    r"(rule-(?P<rule>[0-9]{1,9})|key-[0-9]{1,12}|app|message-[0-9]{1,9})-(?P<channel>[A-Za-z0-9.-]+)\.wav"
)
_HEADER_BYTES = 44
# At the end of its header stands how much sound follows: the last that the exchange writes.
_LENGTH_AT = 40
# 8 kHz, two bytes a sample.
_BYTES_PER_MS = 16


@dataclass(frozen=True)
class File:
    """A recording in the exchange's folder; last_ms: when it was written to last; ended: the
    exchange has brought it to an end."""

    folder: str
    name: str
    rule: int
    channel: str
    bytes: int
    last_ms: int
    ended: bool

    @property
    def length_ms(self) -> int:
        return max(0, self.bytes - _HEADER_BYTES) // _BYTES_PER_MS


def files(exchange: Path, known: Container[str] = ()) -> Iterator[File]:
    """Every recording that lies in an exchange's folder, but those of names that are `known`.
    Raises OSError."""
    for folder in (BY_EXCHANGE, BY_APPLICATION):
        place = exchange / folder
        for path in sorted(place.iterdir()) if place.exists() else ():
            match = _NAME.fullmatch(path.name)
            if match is None or path.name in known:
                continue
            rule = model.BY_APPLICATION if folder == BY_APPLICATION else model.BY_KEY
            told = path.stat()
            yield File(
                folder, path.name, int(match["rule"] or rule), match["channel"], told.st_size,
                int(told.st_mtime * 1000), _tells_length(path, told.st_size),
            )  # fmt: skip


def _tells_length(path: Path, bytes: int) -> bool:
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    return int.from_bytes(header[_LENGTH_AT:], "little") == bytes - _HEADER_BYTES


class Keeper:
    """For one exchange, whose files are in `folder`."""

    def __init__(self, store: Store, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._sizes: dict[str, int] = {}
        # Files that are taken up: there may be thousands, and nobody looks at them again.
        self._known: set[str] = set()

    async def look(self) -> list[int]:
        """Take up recordings that are whole: their call is over, and they are at an end and have
        not grown since the last look. Their ids. Raises OSError, StoreUnavailableError."""
        there = await asyncio.to_thread(lambda: list(files(self._folder, self._known)))
        before, self._sizes = self._sizes, {each.name: each.bytes for each in there}
        found = []
        tx = self._store.read()
        for file in there:
            if model.known(tx, file.name):
                self._known.add(file.name)
                continue
            if before.get(file.name) != file.bytes:
                continue
            untouched_ms = tx.clock.real_ms() - file.last_ms
            if not (file.ended or untouched_ms > ENDED_AFTER_MS):
                continue
            alone = untouched_ms > ALONE_AFTER_MS
            if not (alone or model.over(tx, file.channel)):
                continue
            id = await self._store.write(
                partial(
                    service.found, file=file.name, folder=file.folder, rule=file.rule,
                    channel=file.channel, started_ms=file.last_ms - file.length_ms,
                    length_ms=file.length_ms, bytes=file.bytes,
                )
            )  # fmt: skip
            if id is not None:
                found.append(id)
        return found

    async def tidy(self) -> list[int]:
        """Delete what is due; the ids. Raises StoreUnavailableError, OSError."""
        gone = []
        tx = self._store.read()
        for row in model.due(tx, tx.clock.real_ms()):
            path = self._folder / row["folder"] / row["file"]
            await asyncio.to_thread(path.unlink, missing_ok=True)
            await self._store.write(partial(service.deleted, recording=row))
            self._known.discard(row["file"])
            gone.append(row["id"])
        if gone:
            log.info("%s recordings are deleted: their time is over", len(gone))
        return gone


async def run(store: Store, folder: Path) -> None:
    """Until cancelled."""
    keeper, failing = Keeper(store, folder), False
    while True:
        try:
            await keeper.look()
            await keeper.tidy()
            failing = False
        except (OSError, sqlite3.Error, StoreUnavailableError) as error:
            if not failing:
                log.error("recordings are not kept in order for now: %s; trying again", error)
            failing = True
        except Exception:  # a mistake here is none of the bridge's, which has calls to tell of
            if not failing:
                log.exception("recordings are not kept in order for now; trying again")
            failing = True
        await asyncio.sleep(LOOK_EVERY_S)
