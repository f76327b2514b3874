"""What every test may use: real parts on free ports, waited for by what they do."""

import asyncio
import inspect
import os
import pwd
import shutil
import socket
import sqlite3
import subprocess
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from argon2 import PasswordHasher
from flask import Flask
from hypothesis import settings
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing import Rule

from central import pins
from central import store as stores
from central.clock import FakeClock
from central.console import service as people
from central.store import Store
from provisioning import root
from provisioning.environment import ROOT
from provisioning.layout import TIMEZONE
from provisioning.packages import CHROMIUM
from provisioning.supervisor import LISTENING, LISTENING_VARIABLE, free_ports


def pytest_configure() -> None:
    """Each worker, with all that it starts, takes ports of its own: one that is free now is not
    for the other worker, whose process has not begun to listen."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if worker is not None:
        first, last = LISTENING
        share = (last - first) // int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
        mine = first + int(worker.removeprefix("gw")) * share
        os.environ[LISTENING_VARIABLE] = f"{mine}-{mine + share}"


def hospitals_time() -> None:
    """Tests share the time zone of the processes that they start: what is today there is today
    here. Each of those reads it from its own configuration."""
    os.environ["TZ"] = TIMEZONE
    time.tzset()


hospitals_time()


# A machine under load is no fault of what is tested.
settings.register_profile("wardline", deadline=None)
settings.load_profile("wardline")

T = TypeVar("T")
# What is waited for comes by itself; so long only on a machine that does much else.
WAIT_S = 60.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long begin first, so that at the end no worker waits for another. The others
    are mixed, always the same way: where all workers wait for telephones, no core has work."""
    items.sort(
        key=lambda item: (
            item.get_closest_marker("long") is None,
            zlib.crc32(item.path.relative_to(ROOT).as_posix().encode()),
        )
    )


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """A test that is a coroutine runs in a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    names = inspect.signature(pyfuncitem.obj).parameters
    asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in names}))
    return True


class Compiled(BytecodeCache):
    """Templates that an application of this process has compiled, for all that come after it."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def compiled_once(compile_builder: Callable[..., Any]) -> Callable[..., Any]:
    """Werkzeug compiles two functions for each of our routes; the same for the same route."""
    kept: dict[tuple[str, str, bool], Any] = {}

    def compiled(rule: Rule, append_unknown: bool = True) -> Any:
        key = (str(rule._trace), str(rule.defaults), append_unknown)
        if key not in kept:
            kept[key] = compile_builder(rule, append_unknown)
        return kept[key]

    return compiled


@pytest.fixture(scope="session", autouse=True)
def made_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What would be made anew by a thousand tests and is the same each time: an empty database
    (each new one is a copy), compiled templates and routes, and the costs of argon2, which are no
    part of what most tests prove."""
    empty = tmp_path_factory.mktemp("empty") / "wardline.db"
    Store(empty, FakeClock()).close()
    connect = stores.connect

    def connect_to_copy(path: str | Path) -> sqlite3.Connection:
        # One that `Store` has just made is empty still.
        if not Path(path).exists() or not Path(path).stat().st_size:
            shutil.copyfile(empty, path)
        return connect(path)

    cheap = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(stores, "connect", connect_to_copy)
        patched.setitem(Flask.jinja_options, "bytecode_cache", Compiled())
        patched.setattr(Rule, "_compile_builder", compiled_once(Rule._compile_builder))
        patched.setattr(people, "_HASHER", cheap)
        patched.setattr(pins, "HASHER", cheap)
        yield


def free_port() -> int:
    return free_ports(1)[0]


def wait_for(condition: Callable[[], T], what: str, timeout_s: float = WAIT_S) -> T:
    """The first true answer of `condition`; fails naming `what` after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = condition()
        if answer:
            return answer
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s} s in vain for {what}")
        time.sleep(0.01)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Iterator[Store]:
    opened = Store(tmp_path / "wardline.db", clock)
    yield opened
    opened.close()


def program(name: str) -> str:
    """The path of a program; Debian keeps daemons where an ordinary PATH does not look."""
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    assert found, f"{name} is not installed: ./wardline doctor tells what is missing"
    return found


def chromium() -> str:
    """The path of the browser."""
    found = CHROMIUM.found()
    assert found, f"{CHROMIUM.name} is not installed: ./wardline doctor tells what is missing"
    return found


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[int]:
    """A real Mosquitto of this test's own, open to all on loopback; its port."""
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    user = pwd.getpwuid(os.getuid()).pw_name
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\n"
        f"max_queued_messages 0\nuser {user}\n"
    )
    process = subprocess.Popen(
        [program("mosquitto"), "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: answers(port), "Mosquitto to listen")
    yield port
    process.terminate()
    process.wait()


@pytest.fixture(scope="session")
def exchange_root() -> Path:
    """The root with Asterisk and MicroPython, built if nobody has needed it before."""
    return root.ensure(print)
