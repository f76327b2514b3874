"""`./wardline test`: style, types, the import table, then every test with coverage."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from provisioning.environment import ROOT

PACKAGES = ("hw", "ward_node", "gateway", "central", "provisioning")


def main(pytest_arguments: list[str]) -> int:
    """Run all checks even when one fails; 0 only when every one passed."""
    python = Path(sys.executable)
    tools = python.parent
    checks = [
        ("ruff check", [str(tools / "ruff"), "check", "."]),
        ("ruff format", [str(tools / "ruff"), "format", "--check", "."]),
        ("mypy", [str(python), "-m", "mypy"]),
        ("import table", [str(tools / "lint-imports")]),
    ]
    failed = [name for name, command in checks if not _run(name, command)]
    with tempfile.TemporaryDirectory() as folder:
        # Processes that a test starts add their own data files to the same folder.
        environment = os.environ | {"COVERAGE_FILE": str(Path(folder) / "coverage")}
        coverage = [str(python), "-m", "coverage"]
        tests = [*coverage, "run", "-m", "pytest", *pytest_arguments]
        passed = _run("tests", tests, environment)
        _run("coverage", [*coverage, "combine", "--quiet"], environment)
        _run("coverage", [*coverage, "report"], environment)
    if not passed:
        failed.append("tests")
    print("all checks passed" if not failed else f"failed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def _run(name: str, command: list[str], environment: dict[str, str] | None = None) -> bool:
    began = time.monotonic()
    print(f"== {name}", flush=True)
    good = subprocess.run(command, cwd=ROOT, env=environment).returncode == 0
    print(f"== {name}: {'ok' if good else 'FAILED'} ({time.monotonic() - began:.0f} s)", flush=True)
    return good
