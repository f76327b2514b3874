"""What a program tells systemd: that it is ready and lives, and nothing where nobody asked."""

import socket
from pathlib import Path

from gateway.manager import Manager


def test_ready_alive_at_a_quarter_of_the_time_and_stopping(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(str(tmp_path / "notify"))
        told.settimeout(10)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "30000000"}
        manager = Manager(environment)
        assert manager.every_ms == 7_500
        assert manager.ready()
        assert [manager.alive(ms) for ms in (0, 7_499, 7_500, 9_000)] == [True, False, True, False]
        assert manager.stopping()
        heard = [told.recv(100) for _ in range(4)]
    assert heard == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]


def test_a_socket_in_no_file(tmp_path: Path) -> None:
    name = f"\0wardline-{tmp_path.name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
        told.bind(name)
        told.settimeout(10)
        assert Manager({"NOTIFY_SOCKET": "@" + name[1:]}).ready()
        assert told.recv(100) == b"READY=1"


def test_nobody_asked_or_who_asked_is_gone(tmp_path: Path) -> None:
    assert not Manager({}).ready()
    assert not Manager({}).alive(0)
    gone = {"NOTIFY_SOCKET": str(tmp_path / "gone"), "WATCHDOG_USEC": "1000000"}
    assert not Manager(gone).ready()
    assert not Manager(gone).alive(0)
