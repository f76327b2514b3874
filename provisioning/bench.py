"""`./wardline bench`: starts a benchmark of tests/bench as a program of its own."""

import argparse
import os
import sys

from provisioning.environment import ROOT


def main(arguments: argparse.Namespace) -> int:
    """Become the benchmark; it prints a table and a last line of JSON."""
    command = [sys.executable, "-P", "-m", f"tests.bench.{arguments.which}"]
    command += ["--presses", str(arguments.presses), "--beds", str(arguments.beds)]
    if arguments.no_browser:
        command.append("--no-browser")
    sys.stdout.flush()
    os.chdir(ROOT)
    return os.execve(command[0], command, os.environ | {"PYTHONPATH": str(ROOT)})
