"""Starts a ward's or the hospital's broker: broker.py /usr/sbin/mosquitto mosquitto.conf [--again]

Mosquitto does not start on a persistence file that it cannot read, as a power cut may leave it,
and a ward would stay without its broker. What that file held is not worth it: every event is in a
node's outbox until central has it. So such a file is set aside and the broker starts without.
Whether it can be read, only Mosquitto itself can tell: a second one tries it first, on a socket
in a folder of its own. Standard library only, since it stands before every start.

With --again it stays, and on SIGHUP ends Mosquitto, which saves its sessions, and starts it anew
with the files as they are by then. Mosquitto's own SIGHUP is not to be had where certificates are
names: 2.0.11 of Debian 12 spoils its memory where a session is away at that moment, and falls over
at the next SIGHUP or before (in 4 of 5 runs); and sessions of the revoked that stand would go on.
"""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATABASE = "mosquitto.db"
PID = "broker.pid"
PR_SET_PDEATHSIG = 1
TRIAL = "trial-"
# A large file takes long to read. After this it is believed to be good.
TRY_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.005


def main() -> None:
    mosquitto, config = sys.argv[1], Path(sys.argv[2])
    if "--again" in sys.argv[3:]:
        sys.exit(_stay(mosquitto, config))
    _set_aside(mosquitto, config)
    os.execv(mosquitto, [mosquitto, "-c", str(config)])


def _stay(mosquitto: str, config: Path) -> int:
    """Run Mosquitto, anew after each SIGHUP, until SIGTERM or until it ends by itself; its code."""
    wanted: list[int] = []
    running: list[subprocess.Popen[bytes]] = []

    def told(number: int, _frame: object) -> None:
        wanted.append(number)
        for process in running:
            process.terminate()

    for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)
    # Whoever tells us must know whom.
    (config.parent / PID).write_text(str(os.getpid()))
    while True:
        # The start that comes does what it asks; whoever was told to end ends, whenever that was.
        while signal.SIGHUP in wanted:
            wanted.remove(signal.SIGHUP)
        if wanted:
            return 0
        _set_aside(mosquitto, config)
        process = subprocess.Popen([mosquitto, "-c", str(config)], preexec_fn=_die_with_us)
        running.append(process)
        if wanted:  # told between its start and the line before
            process.terminate()
        code = process.wait()
        running.clear()
        if set(wanted) != {signal.SIGHUP}:
            return code


def _die_with_us() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _set_aside(mosquitto: str, config: Path) -> None:
    database = config.parent / DATABASE
    if database.exists() and not readable(mosquitto, database):
        aside = database.with_name(f"{DATABASE}.unreadable-{time.time_ns()}")
        database.replace(aside)
        print(f"broker: {database} cannot be read, kept as {aside.name}; starting without it",
              file=sys.stderr, flush=True)  # fmt: skip


def readable(mosquitto: str, database: Path) -> bool:
    """Whether Mosquitto starts on a copy of `database`. True when that cannot be tried."""
    for left in database.parent.glob(f"{TRIAL}*"):
        shutil.rmtree(left, ignore_errors=True)  # of a start that was killed
    with contextlib.ExitStack() as stack:
        try:
            made = tempfile.TemporaryDirectory(prefix=TRIAL, dir=database.parent)
            folder = Path(stack.enter_context(made))
            shutil.copy(database, folder / DATABASE)
            config = folder / "mosquitto.conf"
            config.write_text(_trial(folder))
        except OSError as error:
            print(f"broker: {database} is not tried: {error}", file=sys.stderr, flush=True)
            return True
        trial = stack.enter_context(subprocess.Popen([mosquitto, "-c", str(config)]))
        stack.callback(trial.kill)
        deadline = time.monotonic() + TRY_TIMEOUT_S
        while not (folder / "socket").exists() and time.monotonic() < deadline:
            if trial.poll() is not None:
                return False
            time.sleep(LOOK_EVERY_S)
        return True


def _trial(folder: Path) -> str:
    lines = [
        f"listener 0 {folder / 'socket'}",
        f"user {pwd.getpwuid(os.geteuid()).pw_name}",
        "allow_anonymous false",
        "persistence true",
        f"persistence_location {folder}/",
        "log_dest stderr",
        "log_type error",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
