"""Processes: ready by real signs, started again when they die, stopped when we stop."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from provisioning.environment import ROOT
from provisioning.supervisor import (
    LISTENING_VARIABLE,
    NotReadyError,
    Program,
    Supervisor,
    first_free_port,
    free_ports,
    listens,
)
from tests.conftest import answers, free_port, wait_for

LISTEN = textwrap.dedent("""
    import socket, sys, time
    server = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    print("listening", flush=True)
    while True:
        server.accept()[0].close()
""")
STUBBORN = textwrap.dedent("""
    import signal, subprocess, sys
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", sys.argv[2], sys.argv[1]])
    child.wait()
""")


def listening(port: int, stage: int = 0) -> Program:
    command = [sys.executable, "-c", LISTEN, str(port)]
    return Program(f"listener-{port}", command, stage, listens(port))


def begun(log: Path) -> int:
    """How many listeners have said there that they listen: a bit later than their port answers."""
    return log.read_text().count("listening")


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and waits to be reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # gone before it was opened, or read
        return False
    return state != "Z"


def test_started_until_ready_and_stopped(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]

    async def story() -> list[int]:
        supervisor = Supervisor(ROOT, tmp_path, print)
        await supervisor.start([listening(port, stage) for stage, port in enumerate(ports)])
        assert all(answers(port) for port in ports)
        pids = list(supervisor.pids.values())
        await supervisor.stop()
        return pids

    assert not any(alive(pid) for pid in asyncio.run(story()))
    assert not any(answers(port) for port in ports)


def test_what_dies_is_named_with_its_last_lines_and_started_again(tmp_path: Path) -> None:
    port = free_port()
    said: list[str] = []

    async def story() -> None:
        supervisor = Supervisor(ROOT, tmp_path, said.append)
        await supervisor.start([listening(port)])
        first = supervisor.pids[f"listener-{port}"]
        log = tmp_path / f"listener-{port}.log"
        await asyncio.to_thread(wait_for, lambda: begun(log), "its last line")
        os.kill(first, signal.SIGKILL)
        again = asyncio.to_thread(
            wait_for,
            lambda: supervisor.pids[f"listener-{port}"] != first and answers(port),
            "another listener",
        )
        await again
        await supervisor.stop()

    asyncio.run(story())
    assert len(said) == 1
    assert f"listener-{port} ended unexpectedly (code -9)" in said[0]
    assert "listening" in said[0]


def test_helpers_of_what_died_do_not_hold_its_port(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", STUBBORN, str(port), LISTEN]
    log = tmp_path / "leader.log"

    async def story() -> None:
        supervisor = Supervisor(ROOT, tmp_path, print)
        await supervisor.start([Program("leader", command, 0, listens(port))])
        await asyncio.to_thread(wait_for, lambda: begun(log), "a helper on the port")
        assert supervisor.kill("leader")
        await asyncio.to_thread(wait_for, lambda: begun(log) == 2, "a second helper on the port")
        supervisor.kill("leader", helpers=True)
        await supervisor.stop()

    asyncio.run(story())


def test_what_never_gets_ready_is_refused_with_its_last_lines(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such bus')"]
    program = Program("box", command, 0, listens(free_port()))

    async def story() -> None:
        supervisor = Supervisor(ROOT, tmp_path, print)
        try:
            await supervisor.start([program])
        finally:
            await supervisor.stop()

    with pytest.raises(NotReadyError, match=r"(?s)box ended at once.*no such bus"):
        asyncio.run(story())


def test_what_ignores_the_request_is_killed_with_its_helpers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("provisioning.supervisor.STOP_TIMEOUT_S", 0.2)
    port = free_port()
    command = [sys.executable, "-c", STUBBORN, str(port), LISTEN]

    async def story() -> None:
        supervisor = Supervisor(ROOT, tmp_path, print)
        await supervisor.start([Program("stubborn", command, 0, listens(port))])
        await supervisor.stop()

    asyncio.run(story())
    wait_for(lambda: not answers(port), "the helper to be gone")


def test_killing_us_leaves_nothing_behind(tmp_path: Path) -> None:
    port = free_port()
    program = textwrap.dedent(f"""
        import asyncio, pathlib
        from provisioning.environment import ROOT
        from provisioning.supervisor import Supervisor
        from tests.provisioning.test_supervisor import listening
        async def story():
            supervisor = Supervisor(ROOT, pathlib.Path({str(tmp_path)!r}), print)
            await supervisor.start([listening({port})])
            await asyncio.Event().wait()
        asyncio.run(story())
    """)
    process = subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    wait_for(lambda: answers(port), "the listener")
    process.kill()
    process.wait()
    wait_for(lambda: not answers(port), "the listener to die with us")


def test_a_taken_port_is_passed_over() -> None:
    wanted = free_port()
    assert first_free_port(wanted) == wanted
    with asyncio.Runner() as runner:
        server = runner.run(asyncio.start_server(lambda r, w: w.close(), "127.0.0.1", wanted))
        assert first_free_port(wanted) > wanted
        server.close()
        runner.run(server.wait_closed())


def test_ports_are_taken_where_one_is_told_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LISTENING_VARIABLE, "21000-21080")
    assert set(free_ports(30)) <= set(range(21_000, 21_080))


def test_a_port_that_was_given_does_not_come_again_before_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(LISTENING_VARIABLE, "21000-21080")
    given = [free_ports(1)[0] for _ in range(30)]  # and nobody listens at any of them yet
    assert len(set(given)) == 30


def test_what_is_taken_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LISTENING_VARIABLE, "21000-21080")
    taken = {21_000, 21_040}
    given = {free_ports(1, taken)[0] for _ in range(40)}  # once around, or more
    assert not given & taken


def test_more_ports_than_there_are_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LISTENING_VARIABLE, "21000-21080")
    with pytest.raises(OSError, match="fewer than 41 ports between 21000 and 21079"):
        free_ports(41)


@pytest.mark.parametrize("given", ["", "21000", "80-90", "9-x", "30000-20000"])
def test_a_range_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv(LISTENING_VARIABLE, given)
    with pytest.raises(ValueError, match=r"WARDLINE_PORTS is .*write it as 10000-11595"):
        free_ports(1)
