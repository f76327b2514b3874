"""`./wardline phone`: a text telephone in the terminal, against the running system.

It reads the database of the demo that runs, or of the central.json that WARDLINE_CONFIG names, and
runs the engine of real calls on it (`central.flows.trying`, which says what it leaves behind).
"""

import argparse
import contextlib
import getpass
import os
import socket
import sys
import termios
import tty
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TextIO

from central import config as configuration
from central.clock import Clock, FileClock, SystemClock
from central.config import ConfigError
from central.console.app import CONFIG_VARIABLE
from central.console.marks import N_
from central.flows import service
from central.flows.engine import KEYS
from central.flows.trying import Heard, TextTelephone, Trier
from central.store import Store, StoreUnavailableError
from central.words import seen
from provisioning.demo import default_folder

ANSWERS_WITHIN_S = 3.0
# What is typed beside the keys of a telephone. A line's end means it only where one is typed.
NOTHING, HANG_UP = ".", "q"
END = ("", "\x03", "\x04")
TITLES = {"zh": "中", "en": "EN"}
HELP = N_(
    "Keys 0 to 9, * and #. Enter: press nothing. q: hang up. Cards and PINs are real and wrong ones"
    " count; what a look-up would write is undone."
)
NO_SUCH = N_("There is no menu %(flow)s. There are: %(known)s.")


class NotRunningError(Exception):
    """No system answers that could be called."""

    error_id = "not-running"


def config_path(folder: Path | None) -> Path:
    """Of the demo in a folder; or else the file that the environment names; or else of the usual
    demo."""
    named = os.environ.get(CONFIG_VARIABLE)
    if folder is None and named:
        return Path(named)
    return (folder or default_folder()) / "central.json"


def running(path: Path) -> dict[str, Any]:
    """The configuration of a system that answers. Raises NotRunningError, ConfigError."""
    if not path.exists():
        raise NotRunningError(
            f"no system runs here: there is no {path}. Start one with ./wardline demo, or name the"
            f" central.json of one in {CONFIG_VARIABLE}"
        )
    config = configuration.load(path)
    host, port = config["web"].get("host", ""), config["web"].get("port")
    try:
        socket.create_connection(
            (host if host not in ("", "0.0.0.0", "::") else "localhost", port), ANSWERS_WITHIN_S
        ).close()
    except (OSError, TypeError, ValueError) as error:
        raise NotRunningError(
            f"the system of {path} does not run: nothing answers at {host}:{port} ({error}). Start"
            " it, such as with ./wardline demo"
        ) from None
    return config


class Line:
    """One call: keys from `read`, one by one, words to `out`."""

    def __init__(self, telephone: TextTelephone, lang: str, read: Callable[[], str], out: TextIO):
        self._telephone = telephone
        self._lang = lang
        self._read = read
        self._out = out
        self._is_typing = False

    def run(self) -> None:
        """To the end of the call, or until somebody hangs up."""
        self._print(f"  {seen(self._lang, HELP)}\n\n")
        self._hear(self._telephone.begin())
        while not self._telephone.is_over:
            typed = self._read()
            if typed in (HANG_UP, *END):
                self._print(f"  {seen(self._lang, N_('The call is over.'))}\n")
                return
            if typed in KEYS:
                self._show("•" if self._telephone.secret else typed)
                self._hear(self._telephone.press(typed))
            elif typed == NOTHING:
                self._hear(self._telephone.wait())

    def _hear(self, heard: list[Heard]) -> None:
        for each in heard:
            words = each.text if each.lang else seen(self._lang, each.text, **(each.values or {}))
            self._print(f"{TITLES.get(each.lang, '  ')}  {words}\n")

    def _show(self, key: str) -> None:
        """Keys between which nothing is heard stand on one line."""
        self._out.write(key if self._is_typing else f"> {key}")
        self._out.flush()
        self._is_typing = True

    def _print(self, text: str) -> None:
        self._out.write(f"\n{text}" if self._is_typing else text)
        self._is_typing = False
        self._out.flush()


@contextlib.contextmanager
def keys(source: TextIO) -> Iterator[Callable[[], str]]:
    """Reads what is typed at once and without an echo, or one character after the other of what
    is no terminal."""
    if not source.isatty():
        yield lambda: source.read(1)
        return
    file = source.fileno()
    before = termios.tcgetattr(file)
    tty.setcbreak(file)  # which turns the echo off, too

    def read() -> str:
        typed = os.read(file, 1).decode(errors="replace")
        return NOTHING if typed in ("\n", "\r") else typed

    try:
        yield read
    finally:
        termios.tcsetattr(file, termios.TCSADRAIN, before)


def main(arguments: argparse.Namespace) -> int:
    """1, and why, when nothing can be called."""
    try:
        config = running(config_path(arguments.folder))
        configuration.use_timezone(config["timezone"])
        return _call(config, arguments.flow, arguments.lang)
    except (NotRunningError, ConfigError, StoreUnavailableError, OSError) as error:
        print(f"wardline: {error}", file=sys.stderr)
        return 1


def _call(config: dict[str, Any], flow: str, lang: str) -> int:
    clock_file = config.get("clock_file")
    clock: Clock = FileClock(clock_file) if clock_file else SystemClock()
    if not Path(config["database"]).exists():
        raise NotRunningError(f"there is no database {config['database']}")
    store = Store(config["database"], clock)
    try:
        tx = store.read()
        documents = service.current(tx, tx.now_ms)
        if flow not in documents:
            words = seen(lang, NO_SUCH, flow=flow, known=", ".join(sorted(documents)))
            print(f"wardline: {words}", file=sys.stderr)
            return 1
        trier = Trier(f"terminal {getpass.getuser()}", "address/127.0.0.1")
        telephone = TextTelephone(store, documents, flow, trier, lang=lang)
        with keys(sys.stdin) as read, contextlib.suppress(KeyboardInterrupt):
            Line(telephone, lang, read, sys.stdout).run()
        return 0
    finally:
        store.close()
