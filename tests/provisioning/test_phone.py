"""`./wardline phone` in a real terminal, against a database of a system that answers."""

import json
import os
import pty
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from central.clock import SystemClock
from central.config import ConfigError
from central.store import Store
from provisioning import cli, phone
from provisioning.environment import ROOT
from tests.flows.test_trying import CARD, PIN, registered

__all__ = ["registered"]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(tmp_path / "wardline.db", SystemClock())
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """That of a system whose console answers."""
    with socket.create_server(("127.0.0.1", 0)) as console:
        config: dict[str, Any] = {
            "database": str(tmp_path / "wardline.db"), "broker": {}, "mllp": {}, "speech": {},
            "timezone": "Asia/Shanghai",
            "web": {"host": "127.0.0.1", "port": console.getsockname()[1]},
        }  # fmt: skip
        (tmp_path / "central.json").write_text(json.dumps(config))
        yield tmp_path


def call(*arguments: str) -> int:
    return phone.main(cli.parse(["phone", *arguments]))


def test_a_call_in_a_terminal_echoes_no_pin(registered: Store, folder: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "provisioning.cli", "phone", "--flow", "fees", "--lang", "en",
         "--folder", str(folder)],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=ROOT,
    )  # fmt: skip
    os.close(theirs)
    seen = ""

    def until(words: str) -> None:
        nonlocal seen
        while words not in seen:
            seen += os.read(ours, 4096).decode()

    try:
        until("Please enter your card number")
        os.write(ours, f"{CARD}#".encode())
        until("Please enter your PIN")
        os.write(ours, f"{PIN}#".encode())
        until("Nothing has been charged so far.")
        until("The call is over.")
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert CARD not in seen
    assert PIN not in seen
    assert f"> {'•' * (len(CARD) + 1)}\r\n" in seen


def test_a_menu_that_is_not_there_is_told_with_those_that_are(
    store: Store, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--flow", "nowhere", "--lang", "en", "--folder", str(folder)) == 1
    assert "There is no menu nowhere. There are: " in capsys.readouterr().err


def test_where_nothing_runs_it_says_what_to_start(
    tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    assert call("--folder", str(tmp_path / "none")) == 1
    assert "./wardline demo" in capsys.readouterr().err
    config = json.loads((folder / "central.json").read_text())
    config["web"]["port"] = 1
    (folder / "central.json").write_text(json.dumps(config))
    monkeypatch.setenv("WARDLINE_CONFIG", str(folder / "central.json"))
    assert call() == 1
    assert "nothing answers at 127.0.0.1:1" in capsys.readouterr().err
    (folder / "central.json").write_text("{}")
    with pytest.raises(ConfigError):
        phone.running(folder / "central.json")
    assert call() == 1
