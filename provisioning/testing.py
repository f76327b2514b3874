"""`./wardline test`: the exchange root, style, types, the import table, then every test with
coverage."""

import importlib.util
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from provisioning import root
from provisioning.environment import ROOT

WORKERS = 4
# SlipCover takes its probe out of a line that has run so often, and looks through all modules to
# do so, which costs more than the probe does.
NEVER = "1000000000"


def main(pytest_arguments: list[str]) -> int:
    """Run all checks even when one fails; 0 only when every one passed. With arguments only
    pytest runs, with these."""
    if pytest_arguments[:1] == ["--"]:
        del pytest_arguments[0]
    if pytest_arguments:
        failed: list[str] = []
        closing = _tests(pytest_arguments, failed)
    else:
        closing, failed = _everything()
    print("== all checks passed" if not failed else f"== failed: {', '.join(failed)}")
    # Last, so that what reads only the end of a long log finds what counts.
    print(closing, flush=True)
    return 1 if failed else 0


def _everything() -> tuple[str, list[str]]:
    """All checks, and every test with coverage: the closing line of pytest, and the names of
    what failed. Covered is what runs in the tests' own processes; the processes that they start
    are left out."""
    measures = importlib.util.find_spec("slipcover") is not None
    with tempfile.TemporaryDirectory(prefix="wardline-tests-") as folder:
        slipcover = [sys.executable, "-m", "slipcover", "--out", f"{folder}/coverage.json"]
        reader = [*slipcover, "--json", "--threshold", NEVER] if measures else [sys.executable]
        with _workers(reader, f"{folder}/socket") as worker:
            failed = [*_root(), *_tools()]
            # Most tests wait for real parts: more workers than cores. A file stays with one.
            spread = ["--dist", "loadfile", "--no-loadscope-reorder"]
            closing = _tests(["--tx", f"{WORKERS}*popen//python={worker}", *spread], failed)
        if not measures:
            print("== coverage: not measured, slipcover is not made for this machine")
        elif not _run("coverage", [*slipcover, "--merge", f"{folder}/coverage.json"]):
            failed.append("coverage")
    return closing, failed


@contextmanager
def _workers(reader: Sequence[str], socket: str) -> Iterator[str]:
    """Let the tests be read while the other checks run; the command that becomes a worker."""
    command = [*reader, "-m", "tests.workers", socket]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as process:
        yield shlex.join([sys.executable, "-P", str(ROOT / "tests" / "worker.py"), socket])
        assert process.stdin is not None
        process.stdin.close()


def _root() -> list[str]:
    """Build the exchange root, if it is missing, where its progress can be seen."""
    try:
        root.ensure(lambda text: print(f"== {text}", flush=True))
    except root.RootNotMadeError as error:
        print(f"== exchange root: {error}")
        return ["exchange root"]
    return []


def _tools() -> list[str]:
    """Everything but the tests; the names of those that failed."""
    tools = Path(sys.executable).parent
    checks = [
        ("ruff check", [str(tools / "ruff"), "check", "."]),
        ("ruff format", [str(tools / "ruff"), "format", "--check", "."]),
        ("mypy", [sys.executable, "-m", "mypy"]),
        ("import table", [str(tools / "lint-imports")]),
    ]
    return [name for name, command in checks if not _run(name, command)]


def _tests(arguments: Sequence[str], failed: list[str]) -> str:
    """Run pytest and return its closing line."""
    last = ""

    def keep(line: str) -> None:
        nonlocal last
        last = line.strip() or last

    command = [sys.executable, "-m", "pytest", *arguments]
    if not _run("tests", command, os.environ | {"PYTHONUNBUFFERED": "1"}, keep):
        failed.append("tests")
    return last


def _run(
    name: str,
    command: Sequence[str],
    environment: dict[str, str] | None = None,
    keep: Callable[[str], None] = lambda line: None,
) -> bool:
    """Run `command`, show what it prints, and say how it went."""
    began = time.monotonic()
    print(f"== {name}", flush=True)
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace",
    ) as process:  # fmt: skip
        for line in process.stdout or ():
            print(line, end="", flush=True)
            keep(line)
    good = process.returncode == 0
    print(f"== {name}: {'ok' if good else 'FAILED'} ({time.monotonic() - began:.0f} s)", flush=True)
    return good
