"""Start the box in the version that is its turn:
python -m ward_node.cpython.updating --root ROOT --config box.json

This is what the machine starts, and it comes with the machine: no version replaces it. A version is
started as `python -m ward_node.cpython --config box.json --root ROOT --version V`, in its own
folder; later ones must take these words, too. One on trial is watched: what it says is kept, and
one that has not proved itself in TRIAL_LIMIT_S, or falls over again and again, is given up.
"""

import argparse
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path

from ward_node.contract.versions import order
from ward_node.core.reports import FIRMWARE
from ward_node.cpython.updating import packing
from ward_node.cpython.updating.bundle import BundleError
from ward_node.cpython.updating.places import (
    LOG_BYTES,
    STARTER,
    NotThatVersionError,
    NoVersionError,
    Places,
)

TRIAL_LIMIT_S = 600.0
END_LIMIT_S = 10.0
LOOK_EVERY_S = 0.5
PR_SET_PDEATHSIG = 1
OWN = Path(__file__).resolve().parents[3]


def main() -> int:
    """The exit code of the box; 2 when there is nothing to start."""
    parser = argparse.ArgumentParser(prog="ward-node", description=__doc__)
    parser.add_argument("--root", type=Path, required=True, help="where versions are kept")
    parser.add_argument("--config", required=True, help="the node's configuration, a JSON file")
    arguments = parser.parse_args()
    places = Places(arguments.root.absolute())
    try:
        while True:
            folder = _next(places)
            command = [
                sys.executable, "-P", "-m", "ward_node.cpython", "--config", arguments.config,
                "--root", str(arguments.root.absolute()), "--version", folder.name,
            ]  # fmt: skip
            environment = _environment(folder, places)
            if places.trial() is None:
                os.execve(sys.executable, command, environment | {STARTER: _again()})
            code = Watched(places, command, environment).run()
            if code is not None:
                return code
    except (NoVersionError, NotThatVersionError, BundleError, OSError) as error:
        print(f"no version of this box can be started: {error}", file=sys.stderr)
        return 2


def _next(places: Places) -> Path:
    """The folder of the version whose turn it is. At the first start it is what came with the
    machine, for a new version needs one to go back to; what comes with it later is tried out as
    any."""
    try:
        folder = places.start()
    except NoVersionError:
        _take_own(places)
        return places.start()
    newer = order(FIRMWARE) > order(folder.name)
    if places.trial() is not None or not newer or FIRMWARE in places.failed():
        return folder
    try:
        _take_own(places)
    except (NotThatVersionError, BundleError, OSError) as error:
        print(f"version {FIRMWARE} of the machine is not tried out: {error}", file=sys.stderr)
    return places.start()


def _take_own(places: Places) -> None:
    """What came with the machine becomes a version among the others."""
    places.install(FIRMWARE, packing.of_tree(OWN))
    places.begin(FIRMWARE)


def _environment(folder: Path, places: Places) -> dict[str, str]:
    """Nothing may be written into the folder of a version, be it compiled modules. What a machine
    has of others' parts, it has beside our own code on the path."""
    others = [
        each
        for each in os.environ.get("PYTHONPATH", "").split(os.pathsep)
        if each and Path(each).resolve() != OWN
    ]
    path = os.pathsep.join([str(folder), *others])
    kept = {name: value for name, value in os.environ.items() if name != STARTER}
    return kept | {"PYTHONPATH": path, "PYTHONPYCACHEPREFIX": str(places.cache)}


def _again() -> str:
    """How we were started."""
    path = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    command = [sys.executable, *sys.orig_argv[1:]]
    return json.dumps({"command": command, "environment": path})


class Watched:
    """A version on trial, run by us until it ends."""

    def __init__(self, places: Places, command: list[str], environment: dict[str, str]) -> None:
        self._places = places
        self._command = command
        self._environment = environment
        self._told: int | None = None  # the signal by which we are to end

    def run(self) -> int | None:
        """The exit code to end with; None: look which version is the next."""
        trial = self._places.trial()
        assert trial is not None
        if trial.starts <= 1:
            self._places.log.write_bytes(b"")
        process = subprocess.Popen(
            self._command, env=self._environment, stderr=subprocess.PIPE, preexec_fn=_die_with_us
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda told, _frame: self._end(process, told))
        code = self._watch(process)
        if self._told is not None:
            return code
        return None if self._places.trial() or self._places.current() != trial.version else code

    def _end(self, process: subprocess.Popen[bytes], number: int) -> None:
        self._told = number
        process.send_signal(number)

    def _watch(self, process: subprocess.Popen[bytes]) -> int:
        """Hand on and keep what it says, until it ends."""
        assert process.stderr is not None
        limit_s = time.monotonic() + TRIAL_LIMIT_S
        with process.stderr, selectors.DefaultSelector() as selector:
            selector.register(process.stderr, selectors.EVENT_READ)
            while True:
                if selector.select(LOOK_EVERY_S):
                    said = os.read(process.stderr.fileno(), 65536)
                    if not said:
                        return process.wait()
                    os.write(sys.stderr.fileno(), said)
                    self._keep(said)
                if time.monotonic() > limit_s and self._places.trial() is not None:
                    self._give_up(process)

    def _give_up(self, process: subprocess.Popen[bytes]) -> None:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
        self._places.go_back(f"it did not prove itself within {TRIAL_LIMIT_S:.0f} s")

    def _keep(self, said: bytes) -> None:
        """A full disk does not end a trial."""
        try:
            with self._places.log.open("ab") as log:
                if log.tell() > LOG_BYTES:
                    said = self._places.log.read_bytes()[-LOG_BYTES // 2 :] + said
                    log.truncate(0)
                log.write(said)
        except OSError as error:
            print(f"{self._places.log}: {error}", file=sys.stderr)


def _die_with_us() -> None:
    """What is started again may not find this one at its beds and files."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
