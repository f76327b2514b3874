"""The disk of a simulated box: full at times, and torn where the power was cut."""

import errno
import json
from random import Random
from typing import Any


class PowerCutError(BaseException):
    """The power went while this was being written. No handler of the box may catch it."""


class Disk:
    """The journal port of `ward_node.core.shelf`, the boot count and what is remembered."""

    def __init__(self, chance: Random) -> None:
        self._chance = chance
        self._safe = b""  # of the journal, on the medium
        self._loose = b""  # written, and gone or torn when the power goes
        self._memory: dict[str, str] = {}
        self._boot = 0
        self.full = False
        self.cut_after_bytes: int | None = None

    # --- the journal ---

    def load(self) -> list[bytes]:
        *whole, torn = (self._safe + self._loose).split(b"\n")
        return [line + b"\n" for line in whole] + ([torn] if torn else [])

    def append(self, line: bytes, durable: bool) -> None:
        self._accept()
        self._cut(line)
        self._loose += line
        if durable:
            self._safe, self._loose = self._safe + self._loose, b""

    def rewrite(self, lines: list[bytes]) -> None:
        self._accept()
        self._cut(b"")  # the old file or the new one, never half of one
        self._safe, self._loose = b"".join(lines), b""

    def keep_beside(self, why: str) -> None:
        raise AssertionError(f"a box took its own journal for {why}")

    def beside(self) -> list[str]:
        return []

    # --- the rest ---

    def keep(self, name: str, value: Any) -> None:
        self._accept()
        self._cut(b"")
        self._memory[name] = json.dumps(value)

    def remembered(self) -> dict[str, Any]:
        return {name: json.loads(text) for name, text in self._memory.items()}

    def next_boot(self) -> int:
        self._boot += 1
        return self._boot

    def lose_power(self) -> None:
        """What was not safe is cut at any byte."""
        self._safe += self._loose[: self._chance.randint(0, len(self._loose))]
        self._loose = b""
        self.cut_after_bytes = None

    def _accept(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")

    def _cut(self, line: bytes) -> None:
        if self.cut_after_bytes is None:
            return
        if self.cut_after_bytes < len(line):
            self._loose += line[: self.cut_after_bytes]
            raise PowerCutError
        self.cut_after_bytes -= len(line) or 100
        if self.cut_after_bytes < 0:
            raise PowerCutError
