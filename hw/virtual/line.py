"""A stretch of RS-485 line between two pseudo-terminals, which can be noisy or torn off."""

import asyncio
import os
import random
import tty
from pathlib import Path

LARGEST_READ = 4096


class VirtualLine:
    """The node opens `link`, the units open `unit_port`; what one writes the other reads.

    noise, drop: the share of frames (0 to 1) in which one byte is damaged or lost.
    """

    def __init__(self, link: Path, *, rng: random.Random | None = None) -> None:
        self.noise = 0.0
        self.drop = 0.0
        self._link = link
        self._rng = rng or random.Random()
        self._unit_master, self._unit_slave = _pty()
        self.unit_port = os.ttyname(self._unit_slave)
        self._node: tuple[int, int] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def torn_off(self) -> bool:
        return self._node is None

    def start(self) -> None:
        """Begin to carry bytes; from within the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._unit_master, self._to_node)
        self.mend()

    def mend(self) -> None:
        """Make the node's adapter appear (again) at `link`."""
        if self._node is not None or self._loop is None:
            return
        # Our own open slave keeps the master readable while no node has the port open.
        master, slave = self._node = _pty()
        self._loop.add_reader(master, self._to_units)
        fresh = self._link.with_name(self._link.name + ".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(os.ttyname(slave))
        fresh.replace(self._link)

    def tear_off(self) -> None:
        """Pull the node's adapter out of its socket."""
        if self._node is None or self._loop is None:
            return
        master, slave = self._node
        self._node = None
        self._loop.remove_reader(master)
        self._link.unlink(missing_ok=True)
        os.close(master)
        os.close(slave)

    def close(self) -> None:
        self.tear_off()
        if self._loop is not None:
            self._loop.remove_reader(self._unit_master)
        os.close(self._unit_master)
        os.close(self._unit_slave)

    def _to_node(self) -> None:
        frame = os.read(self._unit_master, LARGEST_READ)
        if self._node is not None:
            self._write(self._node[0], frame)

    def _to_units(self) -> None:
        if self._node is not None:
            self._write(self._unit_master, os.read(self._node[0], LARGEST_READ))

    def _write(self, master: int, frame: bytes) -> None:
        damaged = self._damaged(frame)
        if damaged:
            try:
                os.write(master, damaged)
            except BlockingIOError:
                pass  # nobody reads: on a real line the bytes would be gone, too

    def _damaged(self, frame: bytes) -> bytes:
        if self._rng.random() < self.noise:
            at = self._rng.randrange(len(frame))
            wrong = frame[at] ^ self._rng.randrange(1, 256)
            frame = frame[:at] + bytes([wrong]) + frame[at + 1 :]
        if self._rng.random() < self.drop:
            at = self._rng.randrange(len(frame))
            frame = frame[:at] + frame[at + 1 :]
        return frame


def _pty() -> tuple[int, int]:
    master, slave = os.openpty()
    tty.setraw(slave)
    os.set_blocking(master, False)
    return master, slave
