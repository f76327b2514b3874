"""One demo, started as a person would, shared by the tests of the whole."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from provisioning.environment import ROOT
from provisioning.layout import TIMEZONE

CHROMIUM_ARGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
]  # fmt: skip


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", "provisioning.cli", *arguments]


def environment() -> dict[str, str]:
    """Of a machine that stands where it is another day than in the hospital."""
    return os.environ | {"PYTHONPATH": str(ROOT), "TZ": _elsewhere()}


def _elsewhere() -> str:
    now = datetime.now(ZoneInfo(TIMEZONE))
    # As POSIX has it, east is negative.
    zones = ("Etc/GMT+12", "Etc/GMT-14")
    return next(zone for zone in zones if now.astimezone(ZoneInfo(zone)).date() != now.date())


def facts_of(process: "subprocess.Popen[str]") -> dict[str, Any]:
    """The facts a demo prints once it is ready."""
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("{"):
            return json.loads(line)
    raise AssertionError(f"the demo ended with {process.wait()} before it was ready")


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The facts of a running demo."""
    folder: Path = tmp_path_factory.mktemp("demo")
    process = subprocess.Popen(
        command("demo", "--json", "--folder", str(folder)),
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield facts_of(process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate()
