"""Reads the exchange's log of log-ins and lets it refuse those whom the guard locks out.

Asterisk has no such limit of its own. It gets a list of addresses (`files/locked.py`), which it
looks at before anything else of a packet. The list stands as it is when we are away.
"""

import asyncio
import contextlib
import json
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import ExchangeAwayError, ExchangeError
from gateway.telephone.files.locked import FILE, locked_conf
from gateway.telephone.folder import put
from gateway.telephone.guard import Guard, Lockout
from gateway.telephone.security_log import log_in

log = logging.getLogger("wardline.telephone")

LOG = Path("log") / "security"
KEPT = "guard.json"
LOOK_EVERY_S = 1.0
# The exchange reads its telephones anew with the list, which may take a part of a second.
APPLY_EVERY_S = 5.0
# Good log-ins are kept so often; who is locked out is kept at once.
KEEP_EVERY_S = 60.0
MOST_LOG_BYTES = 8 * 1024 * 1024
# What is read of it at once: a flood must not hold up the rest of us.
MOST_READ_BYTES = 256 * 1024


class Guarding:
    """For one exchange, whose files are in `folder`. told: (locked out, spared) whenever either
    changes; look_s: between two looks; apply_s: between two changes of the list."""

    def __init__(
        self,
        folder: Path,
        actions: Actions,
        guard: Guard,
        told: Callable[[tuple[str, ...], tuple[str, ...]], None] = lambda locked, spared: None,
        *,
        look_s: float = LOOK_EVERY_S,
        apply_s: float = APPLY_EVERY_S,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._actions = actions
        self._guard = guard
        self._told = told
        self._look_s = look_s
        self._apply_s = apply_s
        self._applied_s = -apply_s
        self._now_s = now_s
        self._file: BinaryIO | None = None
        self._rest = b""
        self._in_force: tuple[str, ...] | None = None
        self._said: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())
        self._kept_s = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        self._restore()
        try:
            while True:
                await self._look()
                await asyncio.sleep(self._look_s)
        finally:
            self._close()

    def lockouts(self) -> list[Lockout]:
        """Who is locked out now."""
        return self._guard.lockouts(self._now_s())

    def forgive(self, address: str) -> None:
        """Let the address in again: the exchange is told at the next look."""
        self._guard.forgive(address)
        log.warning("%s is locked out no more: it was unlocked in the console", address)

    async def _look(self) -> None:
        for line in await asyncio.to_thread(self._lines):
            came = log_in(line)
            if came is not None:
                self._guard.seen(came, self._now_s())
        now_s = self._now_s()
        locked, spared = self._guard.locked(now_s), self._guard.spared(now_s)
        if locked != self._in_force and time.monotonic() - self._applied_s >= self._apply_s:
            await self._refuse(locked)
        if (locked, spared) != self._said:
            self._said = (locked, spared)
            self._told(locked, spared)
        if now_s - self._kept_s >= KEEP_EVERY_S:
            await asyncio.to_thread(self._keep)
        if self._is_long():
            await self._rotate()

    async def _refuse(self, locked: tuple[str, ...]) -> None:
        """Write the list and have it read; tried again at the next look."""
        self._applied_s = time.monotonic()
        await asyncio.to_thread(self._keep)
        try:
            await asyncio.to_thread(put, self._folder, {FILE: locked_conf(locked)})
            await self._actions.reread("res_pjsip")
        except ExchangeAwayError:
            return  # which is told elsewhere
        except (OSError, ExchangeError) as error:
            log.warning("the exchange does not know yet whom to refuse: %s", error)
            return
        before = self._in_force or ()
        self._in_force = locked
        # One that was forgiven meanwhile goes with the next look.
        fresh = set(locked) - set(before)
        for each in self.lockouts():
            if each.address in fresh:
                log.warning(
                    "%s is locked out: it gave wrong passwords, last for %s. If it is a telephone"
                    " of yours, give it its password",
                    each.address, each.account,
                )  # fmt: skip

    # --- files ---

    def _lines(self) -> list[str]:
        """What is new in the log, as far as it ends with a line break."""
        if self._file is None:
            try:
                self._file = (self._folder / LOG).open("rb")
            except OSError:
                return []  # the exchange has not started yet
            self._file.seek(self._place())
        said = self._rest + self._file.read(MOST_READ_BYTES)
        *lines, self._rest = said.split(b"\n")
        if not lines and self._moved():
            self._close()
        return [line.decode(errors="replace") for line in lines]

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._file, self._rest = None, b""

    def _moved(self) -> bool:
        """Whether another file stands there now."""
        assert self._file is not None
        ours = _identity(self._file.fileno())
        try:
            return _identity(self._folder / LOG) != ours
        except OSError:
            return True

    def _place(self) -> int:
        """Where we stopped reading, if it is the same file still."""
        assert self._file is not None
        kept = self._kept().get("read", {})
        if kept.get("file") == _identity(self._file.fileno()):
            return int(kept["to"])
        return 0

    def _is_long(self) -> bool:
        """Not of one that was put aside already and is still being read: its successor is young,
        and would be put aside unread."""
        return self._file is not None and self._file.tell() > MOST_LOG_BYTES and not self._moved()

    async def _rotate(self) -> None:
        """A new log is begun, and the one before the last goes."""
        with contextlib.suppress(ExchangeError):
            await self._actions.rotate_log("security")
        for old in (self._folder / LOG.parent).glob("security.*"):
            if old.suffix[1:].isdigit() and int(old.suffix[1:]) > 0:
                old.unlink(missing_ok=True)

    def _restore(self) -> None:
        kept = self._kept()
        if not kept:
            return
        try:
            self._guard.restore(kept["guard"])
        except (LookupError, TypeError, AttributeError, ValueError) as error:
            log.error("%s cannot be read, so nobody is locked out: %r", KEPT, error)

    def _kept(self) -> dict[str, Any]:
        try:
            kept = json.loads((self._folder / KEPT).read_text())
        except (OSError, ValueError):
            return {}
        return kept if isinstance(kept, dict) else {}

    def _keep(self) -> None:
        """On a full disk it is in force all the same, and kept later."""
        self._kept_s = self._now_s()
        read = {}
        if self._file is not None:
            to = self._file.tell() - len(self._rest)
            read = {"file": _identity(self._file.fileno()), "to": to}
        fresh = self._folder / f".{KEPT}"
        try:
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps({"guard": self._guard.kept(), "read": read}))
            fresh.replace(self._folder / KEPT)
        except OSError as error:
            log.warning(
                "a restart would forget who is locked out: it cannot be kept now: %s", error
            )


def _identity(file: int | Path) -> list[int]:
    status = os.stat(file)
    return [status.st_dev, status.st_ino]
