"""The core, the contract and MicroPython's port hold nothing that MicroPython lacks."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2] / "ward_node"
FILES = sorted(
    [
        *ROOT.glob("core/*.py"),
        *ROOT.glob("contract/*.py"),
        *ROOT.glob("micropython/*.py"),
        ROOT / "compat.py",
        ROOT.parent / "hw" / "debounce.py",
    ]
)
ALLOWED = {"asyncio", "json", "struct", "binascii", "errno", "collections"}
ONLY_HERE = {"collections": {"namedtuple"}}
# What only the module may import that hides how systems differ.
MORE_FOR = {
    "compat.py": {"typing"},
    "shim.py": {"os", "sys", "time", "machine"},
    "hearing.py": {"math"},  # a board without it has no microphone either
    "manager.py": {"socket"},  # a board has no service manager, and does not import it
}
BUILTINS_LACKING = {"TimeoutError", "ConnectionError", "FileNotFoundError"}
METHODS_LACKING = {
    "zfill", "removeprefix", "removesuffix", "hexdigest", "add_done_callback", "casefold",
    "isidentifier", "expandtabs", "format_map", "isnumeric", "isdecimal", "fromhex",
}  # fmt: skip
ASYNCIO_LACKING = {
    "Queue", "Semaphore", "Condition", "TaskGroup", "timeout", "shield", "to_thread", "wait",
    "get_running_loop",
}  # fmt: skip


def _imports(node: ast.AST) -> list[tuple[str, set[str]]]:
    if isinstance(node, ast.Import):
        return [(alias.name, set()) for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [(node.module or "", {alias.name for alias in node.names})]
    return []


def complaints(source: str, name: str) -> list[str]:
    """What MicroPython would not take in this source."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        for module, names in _imports(node):
            top = module.partition(".")[0]
            known = top in ALLOWED | MORE_FOR.get(name, set()) | {"ward_node"}
            known = known or module == "hw.debounce"
            if not known or not names <= ONLY_HERE.get(top, names):
                found.append(f"imports {module}")
            if module.startswith("ward_node.cpython"):
                found.append(f"imports {module}")
        if isinstance(node, ast.Match | ast.TryStar | ast.AsyncFor):
            found.append(f"{type(node).__name__} statement")
        if isinstance(node, ast.comprehension) and node.is_async:
            found.append("async comprehension")
        if isinstance(node, ast.AsyncFunctionDef) and any(
            isinstance(each, ast.Yield) for each in ast.walk(node)
        ):
            found.append("async generator")
        if isinstance(node, ast.List | ast.Tuple | ast.Set) and isinstance(
            getattr(node, "ctx", ast.Load()), ast.Load
        ):
            found += ["[*a]" for each in node.elts if isinstance(each, ast.Starred)]
        if isinstance(node, ast.Dict) and None in node.keys:
            found.append("{**d}")
        if isinstance(node, ast.arguments) and node.posonlyargs:
            found.append("positional-only arguments")
        if isinstance(node, ast.Raise) and node.cause is not None:
            found.append("exception chaining")
        if isinstance(node, ast.ClassDef) and len(node.bases) > 1:
            found.append(f"multiple inheritance of {node.name}")
        if isinstance(node, ast.Name) and node.id in BUILTINS_LACKING:
            found.append(node.id)
        if isinstance(node, ast.Attribute) and node.attr in METHODS_LACKING:
            found.append(f".{node.attr}")
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "asyncio"
            and node.attr in ASYNCIO_LACKING
        ):
            found.append(f"asyncio.{node.attr}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.keywords:
            if node.func.attr in ("split", "rsplit", "from_bytes", "to_bytes"):
                found.append(f"keyword arguments of {node.func.attr}")
            if node.func.attr == "dumps" and any(each.arg == "sort_keys" for each in node.keywords):
                found.append("sort_keys")
        if isinstance(node, ast.FormattedValue) and any(
            isinstance(each, ast.Dict | ast.Set | ast.JoinedStr) for each in ast.walk(node.value)
        ):
            found.append("nested braces in an f-string")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id == "namedtuple"
            and node.keywords
        ):
            found.append("keyword arguments of namedtuple")
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_nothing_that_micropython_lacks(path: Path) -> None:
    assert complaints(path.read_text(), path.name) == []


@pytest.mark.parametrize(
    "source",
    [
        "import os",
        "from typing import Any",
        "from collections import deque",
        "from ward_node.cpython import app",
        "import dataclasses",
        "[*a]",
        "{**d}",
        "def f(a, /): pass",
        "raise A from b",
        "match a:\n case 1: pass",
        "class A(B, C): pass",
        "except_ = FileNotFoundError",
        "'a'.zfill(3)",
        "a.split(maxsplit=1)",
        "json.dumps(a, sort_keys=True)",
        "async def f():\n yield 1",
        "import asyncio\nasyncio.Queue()",
    ],
)
def test_the_check_sees_what_is_forbidden(source: str) -> None:
    assert complaints(source, "any.py") != []
