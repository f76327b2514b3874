"""`./wardline demo --check`, run as it is typed."""

import json
import subprocess
from pathlib import Path

from tests.conftest import free_port
from tests.e2e.conftest import command, environment


def test_the_story_holds(tmp_path: Path) -> None:
    done = subprocess.run(
        # A port of its own: of two demos that begin together each would take the first free one.
        command("demo", "--check", "--port", str(free_port()), "--folder", str(tmp_path / "demo")),
        env=environment(),
        capture_output=True,
        text=True,
    )
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(lines[-1])
    assert told["ok"]
    assert len(told["steps"]) == 11
    assert all(step["ok"] and step["ms"] >= 0 for step in told["steps"])
    # One line per step before the JSON, each with its latency.
    assert len([line for line in lines[:-1] if line.startswith("ok") and " ms " in line]) == 11
