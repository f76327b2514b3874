"""`./wardline test`: the exchange root, style, types, the import table, then every test with
coverage."""

import importlib.util
import os
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


def main(pytest_arguments: list[str]) -> int:
    """Run all checks even when one fails; 0 only when every one passed. With arguments only
    pytest runs, with these."""
    if pytest_arguments[:1] == ["--"]:
        del pytest_arguments[0]
    if pytest_arguments:
        failed = []
    else:
        with _compiling():
            failed = [*_root(), *_tools()]
    closing = _tests(pytest_arguments, failed)
    print("== all checks passed" if not failed else f"== failed: {', '.join(failed)}")
    # Last, so that what reads only the end of a long log finds what counts.
    print(closing, flush=True)
    return 1 if failed else 0


@contextmanager
def _compiling() -> Iterator[None]:
    """Compile all modules meanwhile: each of the workers would do so for itself. What is wrong
    with one is told by the tests."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "--quiet"]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ):  # fmt: skip
        yield


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
    """Run pytest and return its closing line. Covered is what runs in the tests' own processes;
    the processes that they start are left out."""
    last = ""

    def keep(line: str) -> None:
        nonlocal last
        last = line.strip() or last

    pytest = ["-m", "pytest", *arguments]
    with tempfile.TemporaryDirectory(prefix="wardline-coverage-") as folder:
        measured = str(Path(folder) / "coverage.json")
        slipcover = [sys.executable, "-m", "slipcover", "--out", measured]
        measures = not arguments and importlib.util.find_spec("slipcover") is not None
        if not arguments:
            # Most tests wait for real parts: more workers than cores. A file stays with one.
            pytest += ["-n", str(WORKERS), "--dist", "loadfile", "--no-loadscope-reorder"]
        command = [*slipcover, "--json", *pytest] if measures else [sys.executable, *pytest]
        if not _run("tests", command, os.environ | {"PYTHONUNBUFFERED": "1"}, keep):
            failed.append("tests")
        if measures and not _run("coverage", [*slipcover, "--merge", measured]):
            failed.append("coverage")
        if not measures and not arguments:
            print("== coverage: not measured, slipcover is not made for this machine")
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
