"""Starts processes, knows by real signs when each is ready, starts again what dies, and stops
what it started: those and nothing else.

Every process leads a session of its own, so that Ctrl-C in the terminal reaches only us, and is
told by the kernel when we die, so that none is left behind even then.
"""

import asyncio
import ctypes
import itertools
import os
import random
import signal
import socket
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

READY_TIMEOUT_S = 30.0
LOOK_EVERY_S = 0.02
# A process told to stop gets this long before it is killed.
STOP_TIMEOUT_S = 8.0
RESTART_PAUSE_S = 1.0
LOG_LINES = 12
# Below the voices of an exchange and what Linux lends to outgoing connections (32,768 and up:
# net.ipv4.ip_local_port_range); above 10,080, which browsers refuse (fetch.spec.whatwg.org,
# "bad port").
LISTENING = (10_100, 16_384)
# Names other ones, such as 10000-11595: those who start many at once keep them apart by it.
LISTENING_VARIABLE = "WARDLINE_PORTS"

Ready = Callable[[], Awaitable[bool]]

_places = itertools.count(random.randrange(65_536))

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


class NotReadyError(Exception):
    """A process did not become ready; holds its name and the last lines of its log."""

    error_id = "process-not-ready"


@dataclass(frozen=True)
class Program:
    """What to start. `ready` is asked until it says yes; processes of a higher `stage` need
    those of a lower one, so they start later and stop earlier."""

    name: str
    command: Sequence[str]
    stage: int
    ready: Ready
    environment: Mapping[str, str] = field(default_factory=dict)


def _die_with(parent: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        os._exit(1)  # the parent died before the kernel knew whom to tell


class Supervisor:
    """Runs programs in `cwd`, each with a log of its name in `logs`; tells `say` what a person
    should know."""

    def __init__(self, cwd: Path, logs: Path, say: Callable[[str], None]) -> None:
        self._cwd = cwd
        self._logs = logs
        self._say = say
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._stages: dict[str, int] = {}
        self._watchers: list[asyncio.Task[None]] = []
        self._stopping = False
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def pids(self) -> dict[str, int]:
        return {name: process.pid for name, process in self._running.items()}

    async def start(self, programs: Sequence[Program]) -> None:
        """Start `programs` stage by stage, each stage once the one before is ready.
        Raises NotReadyError."""
        for stage in sorted({program.stage for program in programs}):
            together = [program for program in programs if program.stage == stage]
            for program in together:
                await self._spawn(program)
            await asyncio.gather(*(self._until_ready(program) for program in together))
            self._watchers += [asyncio.create_task(self._watch(program)) for program in together]

    def kill(self, name: str, *, helpers: bool = False) -> bool:
        """End a process as a crash would, to see what becomes of it; with `helpers` those it
        started, too. False when it has just ended, and is being started again."""
        process = self._running[name]
        if process.returncode is not None:
            return False
        if helpers:
            _kill_group(process.pid)
        else:
            process.kill()
        return True

    async def _spawn(self, program: Program) -> None:
        parent = os.getpid()
        with self._log(program.name).open("ab") as log:
            self._running[program.name] = await asyncio.create_subprocess_exec(
                *program.command,
                cwd=self._cwd,
                env=os.environ | {"PYTHONPATH": str(self._cwd)} | dict(program.environment),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=lambda: _die_with(parent),
            )
        self._stages[program.name] = program.stage

    async def _until_ready(self, program: Program) -> None:
        process = self._running[program.name]
        try:
            async with asyncio.timeout(READY_TIMEOUT_S):
                while not await program.ready():
                    if process.returncode is not None:
                        raise NotReadyError(
                            f"{program.name} ended at once (code {process.returncode})."
                            f" {self._last_lines(program.name)}"
                        )
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            raise NotReadyError(
                f"{program.name} was not ready within {READY_TIMEOUT_S:.0f} s."
                f" {self._last_lines(program.name)}"
            ) from None

    async def _watch(self, program: Program) -> None:
        while True:
            process = self._running[program.name]
            code = await process.wait()
            if self._stopping:
                return
            _kill_group(process.pid)  # helpers that outlived it would hold its port
            self._say(
                f"{program.name} ended unexpectedly (code {code}); starting it again."
                f" {self._last_lines(program.name)}"
            )
            await asyncio.sleep(RESTART_PAUSE_S)
            await self._spawn(program)

    async def stop(self) -> None:
        """Stop everything, the last started first."""
        self._stopping = True
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        for stage in sorted(set(self._stages.values()), reverse=True):
            names = [name for name, its in self._stages.items() if its == stage]
            await asyncio.gather(*(self._end(name) for name in names))
        self._running.clear()
        self._stages.clear()

    async def _end(self, name: str) -> None:
        process = self._running[name]
        if process.returncode is None:
            process.terminate()
            try:
                async with asyncio.timeout(STOP_TIMEOUT_S):
                    await process.wait()
            except TimeoutError:
                self._say(f"{name} does not stop within {STOP_TIMEOUT_S:.0f} s; killing it")
        _kill_group(process.pid)  # its own helpers, should one be left
        await process.wait()

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _last_lines(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").splitlines()[-LOG_LINES:]
        return f"Its log {self._log(name)} ends:\n" + "\n".join(f"    {line}" for line in lines)


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        pass


def listens(port: int, host: str = "127.0.0.1") -> Ready:
    """Ready once something takes connections at `port`."""

    async def ready() -> bool:
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            return False
        writer.close()
        return True

    return ready


def free_ports(count: int, taken: Collection[int] = ()) -> list[int]:
    """Different free ports on loopback, none of `taken`, below those that the system lends to
    outgoing connections: one of those may be gone before its process listens, or while the process
    is restarted.

    They are walked in a circle from a place by chance: who was given one may not listen at it yet,
    so it comes again only after all the others. Every other one: a softphone takes the port beside
    its own, too. Raises OSError when too few are free."""
    first, last = _listening()
    places = (last - first) // 2
    found: list[int] = []
    for _ in range(places):
        port = first + 2 * (next(_places) % places)
        if port in taken:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} ports between {first} and {last - 1} are free")


def _listening() -> tuple[int, int]:
    """The first port and the one after the last. Raises ValueError."""
    given = os.environ.get(LISTENING_VARIABLE)
    if given is None:
        return LISTENING
    first, _, last = given.partition("-")
    if not (first.isdecimal() and last.isdecimal() and 1024 <= int(first) < int(last) < 65_536):
        raise ValueError(f"{LISTENING_VARIABLE} is {given!r}; write it as 10000-11595")
    return int(first), int(last)


def first_free_port(wanted: int) -> int:
    """`wanted`, or the next port above it that nobody has."""
    for port in range(wanted, wanted + 1000):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"no port between {wanted} and {wanted + 999} is free")
