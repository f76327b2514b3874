"""The exchange as a process: what it loads, where it listens, how it starts and ends."""

import contextlib
import os
import subprocess
from pathlib import Path

import pytest

from gateway.telephone.directory import Directory
from gateway.telephone.files.modules import MODULES
from provisioning import exchange as provisioned
from provisioning.environment import ROOT
from tests.conftest import wait_for
from tests.provisioning.test_supervisor import alive
from tests.telephone.running import RunningExchange

# /proc/net: a TCP socket that listens, a UDP socket that waits for anybody; and loopback.
LISTENING = {"tcp": "0A", "udp": "07"}
LOOPBACK = "0100007F"


def test_it_runs_what_is_named_and_nothing_else(exchange: RunningExchange) -> None:
    status, modules = exchange.ari("asterisk/modules")
    assert status == 200
    running = {each["name"] for each in modules if each["status"] == "Running"}
    loaded = {name for name in running if name.endswith(".so")}  # the others are its own body
    assert loaded == {f"{name}.so" for group in MODULES.values() for name in group}


def test_its_log_complains_of_nothing(exchange: RunningExchange) -> None:
    log = exchange.log.read_text()
    assert "Asterisk Ready." in log
    assert not [line for line in log.splitlines() if "WARNING" in line or "ERROR" in line]


def test_it_has_no_privilege_and_cannot_change_the_root(exchange: RunningExchange) -> None:
    status = Path(f"/proc/{exchange.pid}/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff"))
    assert int(effective.split()[1], 16) == 0
    mounts = Path(f"/proc/{exchange.pid}/mounts").read_text().splitlines()
    options = {line.split()[1]: line.split()[3].split(",") for line in mounts}
    assert "ro" in options["/"]


def test_it_listens_on_loopback_alone(exchange: RunningExchange) -> None:
    ports = exchange.settings.ports
    assert _heard(exchange, "tcp") == {f"127.0.0.1:{ports.sip}", f"127.0.0.1:{ports.ari}"}
    # Its other UDP sockets only ask the name server.
    assert f"127.0.0.1:{ports.sip}" in _heard(exchange, "udp")


def _heard(exchange: RunningExchange, protocol: str) -> set[str]:
    """The addresses it listens at, as the kernel's tables have them."""
    process = Path(f"/proc/{exchange.pid}")
    own = set()
    for each in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed while we look
            own.add(os.readlink(each))
    found = set()
    for version in ("", "6"):
        for line in (process / f"net/{protocol}{version}").read_text().splitlines()[1:]:
            fields = line.split()
            local, state = fields[1], fields[3]
            if f"socket:[{fields[9]}]" in own and state == LISTENING[protocol]:
                address, port = local.split(":")
                host = "127.0.0.1" if address == LOOPBACK else address
                found.add(f"{host}:{int(port, 16)}")
    return found


def test_a_wrong_password_opens_nothing(exchange: RunningExchange) -> None:
    assert exchange.ari("channels")[0] == 200
    assert exchange.ari("channels", password="guessed")[0] == 401


def test_its_secrets_are_for_its_owner_alone(exchange: RunningExchange) -> None:
    for each in (exchange.folder / "etc").iterdir():
        assert each.stat().st_mode & 0o077 == 0, each


def test_it_ends_cleanly_and_starts_again(
    exchange_root: Path, tmp_path: Path, directory: Directory
) -> None:
    running = RunningExchange(tmp_path / "it", directory)
    running.start()
    assert running.stop() == 0
    assert "Asterisk cleanly ending (0)." in running.log.read_text()
    running.start()
    running.close()


def test_it_dies_with_the_one_who_started_it(
    exchange_root: Path, tmp_path: Path, directory: Directory
) -> None:
    running = RunningExchange(tmp_path / "it", directory)
    running.start()
    asterisk = running.pid
    running.starter.kill()
    running.wait()
    wait_for(lambda: not alive(asterisk), "Asterisk to end")


def test_a_machine_that_refuses_is_told_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refusing = tmp_path / "bwrap"
    refusing.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to creating new namespace' >&2\nexit 1\n"
    )
    refusing.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = subprocess.run(
        provisioned.command(tmp_path), cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 1
    assert "No permissions to creating new namespace" in done.stderr
    assert "allow them (sysctl" in done.stderr
    assert done.stderr.count("\n") == 1
