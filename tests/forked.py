"""Wardline's programs as processes of their own, forked off one that has read their modules: most
of the start of a program is reading them, and tests start hundreds."""

import importlib
import multiprocessing
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from provisioning.environment import ROOT

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.read_once"])
# How the programs are started that are read there.
PYTHON = [sys.executable, "-P", "-m"]
PROGRAMS = ("central.bridge", "ward_node.cpython")


class Forked:
    """A program of ours, used like a `subprocess.Popen`."""

    def __init__(
        self, module: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]
    ) -> None:
        given = (module, arguments, log, dict(environment))
        self._process = CONTEXT.Process(target=_run, args=given)
        self._process.start()
        self.kill, self.terminate = self._process.kill, self._process.terminate

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises subprocess.TimeoutExpired."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise subprocess.TimeoutExpired(str(self._process), timeout or 0)
        return code


Started = Forked | subprocess.Popen[bytes]


def _run(module: str, arguments: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
    os.chdir(ROOT)
    os.environ.update(environment)
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    sys.argv = [module, *arguments]
    sys.exit(importlib.import_module(f"{module}.__main__").main())


def start(command: Sequence[str], log: Path, **environment: str) -> Started:
    """Start what the command says, in the folder of this project; what it prints goes to `log`."""
    if list(command[:3]) == PYTHON and command[3] in PROGRAMS:
        return Forked(command[3], command[4:], log, environment)
    known = os.environ | {"PYTHONPATH": str(ROOT)} | environment
    with log.open("ab") as file:
        return subprocess.Popen(command, cwd=ROOT, env=known, stdout=file, stderr=file)
