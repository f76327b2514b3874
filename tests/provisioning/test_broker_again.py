"""The process that starts a broker anew whenever it is told to."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from provisioning import broker
from tests.conftest import WAIT_S, answers, free_port, program, wait_for


def catches(pid: int, number: signal.Signals) -> bool:
    """Whether a process has a handler of its own for that signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    return bool(int(status.partition("SigCgt:")[2].split()[0], 16) >> (number - 1) & 1)


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGHUP])
def test_what_it_is_told_while_it_starts_is_not_forgotten(
    tmp_path: Path, told: signal.Signals
) -> None:
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\n")
    # It is written to as soon as it is read: so long it has not begun.
    os.mkfifo(tmp_path / broker.PID)
    command = [sys.executable, broker.__file__, program("mosquitto"), str(config), "--again"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            wait_for(lambda: catches(process.pid, signal.SIGTERM), "it to be told")
            process.send_signal(told)
            assert (tmp_path / broker.PID).read_text() == str(process.pid)
            if told == signal.SIGHUP:  # its files are read by the start that comes
                wait_for(lambda: answers(port), "the broker")
                process.terminate()
            assert process.wait(WAIT_S) == 0
        finally:
            process.kill()
