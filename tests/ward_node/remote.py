"""The node's core inside a real MicroPython, for the tests that run on CPython.

`core_modules` swaps `ward_node.core` and `ward_node.contract` for stand-ins whose classes and
functions live in a MicroPython process in the exchange root (`remote_server.py`). A test module
imported meanwhile tests that core, unchanged: it holds the same names, and what it calls runs
over there. Exceptions and namedtuples arrive as the classes of this side, plain values as
copies, everything else as a `Remote`.
"""

import atexit
import builtins
import importlib
import json
import os
import pkgutil
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import ward_node.contract
import ward_node.core
from provisioning import root
from provisioning.environment import ROOT

PACKAGES = (ward_node.contract, ward_node.core)
NAMES = [
    name
    for package in PACKAGES
    for name in (
        package.__name__,
        *(f"{package.__name__}.{each.name}" for each in pkgutil.iter_modules(package.__path__)),
    )
]
NATIVE = {name: importlib.import_module(name) for name in NAMES}
HEAP = "64M"
FOLDER = "/run/tests"  # where MicroPython sees the peer's folder


class MicroPythonEndedError(Exception):
    """The MicroPython process is gone."""


class Peer:
    """The MicroPython process and what both sides have lent each other."""

    def __init__(self) -> None:
        root.ensure(print)
        self.folder = Path(tempfile.mkdtemp(prefix="wardline-micropython-"))
        folder = "/srv/wardline"
        command = root.command(
            ["micropython", "-X", f"heapsize={HEAP}", f"{folder}/server.py"],
            readable={
                ROOT / "hw": f"{folder}/hw",
                ROOT / "ward_node": f"{folder}/ward_node",
                ROOT / "tests/ward_node/remote_server.py": f"{folder}/server.py",
            },
            writable={self.folder: FOLDER},
            environment={"MICROPYPATH": f"{folder}:.frozen"},
        )
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        atexit.register(self.close)
        self._lent: list[Any] = []  # objects of the tests, by number
        self._returned: list[list[int]] = []

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()
        shutil.rmtree(self.folder)

    def ask(self, operation: str, *given: Any) -> Any:
        """Do something over there. Raises what it raises."""
        returned, self._returned = self._returned, []
        self._send([operation, returned, *(self._pack(each) for each in given)])
        while True:
            told = self._receive()
            if told[0] == "callback":
                self._send(self._called_back(*told[1:]))
            elif told[0] == "raise":
                raise _exception(told[1])(*self._unpack(told[2]))
            else:
                return self._unpack(told[1])

    def of(self, module: str, name: str) -> Any:
        """Something of a module over there."""
        return self.ask("get", self.ask("module", module), name)

    def give_back(self, number: int) -> None:
        self._returned.append([number, 1])

    def _called_back(self, number: int, method: str | None, args: Any, kwargs: Any) -> list[Any]:
        thing = self._lent[number]
        function = thing if method is None else getattr(thing, method)
        try:
            return ["ok", self._pack(function(*self._unpack(args), **self._unpack(kwargs)))]
        except Exception as error:
            return ["raise", type(error).__name__, self._pack(error.args)]

    def _send(self, message: list[Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except OSError as error:
            raise MicroPythonEndedError from error

    def _receive(self) -> list[Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise MicroPythonEndedError
        return list(json.loads(line))

    def _pack(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, tuple) and hasattr(value, "_fields"):
            of = type(value)
            return ["named", of.__module__, of.__name__, *(self._pack(each) for each in value)]
        if isinstance(value, list | tuple | set):
            kind = next(each for each in (list, tuple, set) if isinstance(value, each))
            return [kind.__name__, *(self._pack(each) for each in value)]
        if isinstance(value, dict):
            return ["dict", *([self._pack(key), self._pack(each)] for key, each in value.items())]
        if isinstance(value, bytes | bytearray):
            return ["bytes", value.hex()]
        if isinstance(value, Remote):
            return ["yours", object.__getattribute__(value, "_number")]
        self._lent.append(value)
        return ["mine", len(self._lent) - 1]

    def _unpack(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        kind, rest = value[0], value[1:]
        if kind in ("list", "tuple", "set"):
            return getattr(builtins, kind)(self._unpack(each) for each in rest)
        if kind == "dict":
            return {self._unpack(key): self._unpack(each) for key, each in rest}
        if kind == "bytes":
            return bytes.fromhex(rest[0])
        if kind == "named":
            return _native(rest[0])(*(self._unpack(each) for each in rest[1:]))
        if kind == "yours":
            return self._lent[rest[0]]
        return Remote(self, rest[0])


class Remote:
    """An object of the core over there."""

    def __init__(self, peer: Peer, number: int) -> None:
        object.__setattr__(self, "_peer", peer)
        object.__setattr__(self, "_number", number)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._peer.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._peer.ask("set", self, name, value)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._peer.ask("call", self, args, kwargs)

    def __len__(self) -> int:
        return int(self._peer.ask("len", self))

    def __bool__(self) -> bool:
        return bool(self._peer.ask("bool", self))

    def __contains__(self, thing: Any) -> bool:
        return bool(self._peer.ask("contains", self, thing))

    def __getitem__(self, key: Any) -> Any:
        return self._peer.ask("item", self, key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._peer.ask("list", self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Remote) and other._number == self._number

    def __hash__(self) -> int:
        return hash(self._number)

    def __or__(self, other: Any) -> Any:
        return Any  # in annotations of the tests

    __ror__ = __or__

    def __del__(self) -> None:
        self._peer.give_back(self._number)


class _Module(types.ModuleType):
    """The stand-in of one module of the core."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        own = getattr(NATIVE[self.__name__], name)
        if isinstance(own, type) and issubclass(own, (Exception, tuple)):
            return own
        return peer().of(self.__name__, name)


@cache
def peer() -> Peer:
    """The one MicroPython of this process."""
    return Peer()


os.register_at_fork(after_in_child=peer.cache_clear)


@cache
def _native(name: str) -> Any:
    """The class of this side with the name of a namedtuple or exception of the core."""
    for module in NATIVE.values():
        if hasattr(module, name):
            return getattr(module, name)
    raise AssertionError(f"nothing in the core is named {name}")


def _exception(name: str) -> Any:
    return getattr(builtins, name, None) or _native(name)


@contextmanager
def core_modules(*fresh: str) -> Iterator[None]:
    """While it lasts, imports of the core give MicroPython's, and the modules `fresh` are
    imported anew."""
    peer()
    kept = NATIVE | {name: sys.modules.pop(name) for name in fresh if name in sys.modules}
    try:
        _put({name: _Module(name) for name in NAMES})
        yield
    finally:
        for name in fresh:
            sys.modules.pop(name, None)
        _put(kept)


def _put(modules: dict[str, types.ModuleType]) -> None:
    sys.modules.update(modules)
    for name, module in modules.items():
        parent, _, own = name.rpartition(".")
        setattr(sys.modules[parent], own, module)
