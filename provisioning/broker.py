"""Starts a ward's or the hospital's broker: broker.py /usr/sbin/mosquitto mosquitto.conf

Mosquitto does not start on a persistence file that it cannot read, as a power cut may leave it,
and a ward would stay without its broker. What that file held is not worth it: every event is in a
node's outbox until central has it. So such a file is set aside and the broker starts without.
Whether it can be read, only Mosquitto itself can tell: a second one tries it first, on a socket
in a folder of its own. Standard library only, since it stands before every start.
"""

import contextlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DATABASE = "mosquitto.db"
TRIAL = "trial-"
# A large file takes long to read. After this it is believed to be good.
TRY_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.005


def main() -> None:
    mosquitto, config = sys.argv[1], Path(sys.argv[2])
    database = config.parent / DATABASE
    if database.exists() and not readable(mosquitto, database):
        aside = database.with_name(f"{DATABASE}.unreadable-{time.time_ns()}")
        database.replace(aside)
        print(f"broker: {database} cannot be read, kept as {aside.name}; starting without it",
              file=sys.stderr, flush=True)  # fmt: skip
    os.execv(mosquitto, [mosquitto, "-c", str(config)])


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
