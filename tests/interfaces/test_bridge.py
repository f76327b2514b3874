"""The bridge as it runs: it reads the hospital's database and tells an alarm manager, and a setting
that is wrong is named before anything starts."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from central.bridge.__main__ import main
from central.calls import service as calling
from central.clock import SystemClock
from central.store import Store
from tests.alarms.test_sending import Receiver, listening
from tests.conftest import free_port, wait_for
from tests.console.conftest import build
from tests.polling.conftest import CHARGES, House
from tests.polling.test_polling import at

STOP_S = 30


def configured(folder: Path, broker: int, **more: Any) -> Path:
    path = folder / "central.json"
    config = {
        "database": str(folder / "wardline.db"),
        "broker": {"host": "127.0.0.1", "port": broker},
        "mllp": {"host": "127.0.0.1", "port": free_port()},
        "speech": {
            "host": "127.0.0.1", "port": free_port(), "url": "http://127.0.0.1:9",
            "cache": str(folder / "speech"), "recorded": None, "piper": None,
        },
        "timezone": "Asia/Shanghai",
        "web": {},
    }  # fmt: skip
    path.write_text(json.dumps(config | more))
    return path


def start(path: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "central.bridge", "--config", str(path)], stderr=subprocess.PIPE
    )


async def test_the_bridge_reads_and_tells(tmp_path: Path, broker: int) -> None:
    store = Store(tmp_path / "wardline.db", SystemClock())
    house = House(tmp_path / "his.db", store, CHARGES)
    receiver = Receiver()
    house.charge(1, "25.00", at(-1))
    with store.transaction() as tx:
        build(tx)
    async with listening(receiver) as port:
        polls = [{"name": "VIEW", "url": f"sqlite:///{house.path}", "feeds": [CHARGES]}]
        managers = [{"name": "AM", "host": "127.0.0.1", "port": port}]
        process = start(configured(tmp_path, broker, polls=polls, alarm_managers=managers))
        try:
            with store.transaction() as tx:
                calling.open_call(tx, "3", "1", "toilet")
            await until(lambda: house.messages() and receiver.heard)
        finally:
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=STOP_S)
    house.db.close()
    store.close()
    assert process.returncode == 0, said.decode()
    assert [kind for kind, _ in house.messages()] == ["charges"]
    assert receiver.heard == ["WL1 start"]


async def until(condition: Any) -> None:
    await asyncio.to_thread(wait_for, condition, "the bridge to read and to tell")


def test_a_wrong_setting_is_named_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = configured(tmp_path, 1, polls=[{"name": "VIEW"}])
    monkeypatch.setattr(sys, "argv", ["bridge", "--config", str(path)])
    assert main() == 2
    assert "polls[0].feeds" in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["central.json"]
