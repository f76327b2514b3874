"""The one database: SQLite in WAL mode, every commit on disk before it is believed.

`Store.write` is for the bridge's event loop: jobs that arrive together share one commit
(group commit), each in its own savepoint so that one failure spoils no other.
`Store.transaction` is for the web's threads: one transaction, at once.
Rules (`service.py`) are given a `Tx` and never open anything themselves.
"""

import asyncio
import functools
import importlib
import importlib.util
import pkgutil
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import sqlite_utils
from sqlite_utils import Migrations

from central.clock import Clock

T = TypeVar("T")
Row = sqlite3.Row

LOCK_TIMEOUT_S = 5.0
GROUP_MAX_JOBS = 512
# More than all the statements there are, so that none is prepared twice.
STATEMENTS_KEPT = 1024
# The ward name that stands for "the whole hospital" in a nudge.
HOSPITAL = "all"


class StoreUnavailableError(Exception):
    """The database could not take a write: disk full, locked or unreadable."""

    error_id = "store-unavailable"


# What the disk or a lock says, by SQLite's primary result code; anything else is our own mistake.
_TROUBLE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_NOTADB,
    }
)


def is_trouble(error: BaseException) -> bool:
    """Whether the database itself could not go on, as against a job that asked for nonsense."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _TROUBLE


class Tx:
    """One transaction: rows in and out, and what changed for whom."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        self.now_ms = clock.now_ms()
        # (ward, what) pairs: nudges to send once this is durable. what: "board", "beds",
        # "faults", "commands", "timers", ...
        self.changes: set[tuple[str, str]] = set()

    def execute(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Cursor:
        return self.connection.execute(sql, params)

    def one(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Row | None:
        return self.connection.execute(sql, params).fetchone()

    def all(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> list[Row]:
        return self.connection.execute(sql, params).fetchall()

    def value(self, sql: str, params: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """The first column of the first row, or None."""
        row = self.connection.execute(sql, params).fetchone()
        return None if row is None else row[0]

    def insert(self, table: str, **values: Any) -> int:
        """Insert one row and return its rowid. Table and column names come from our code."""
        columns = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        cursor = self.connection.execute(
            f"INSERT INTO {table} ({columns}) VALUES ({marks})",
            values,
        )
        return int(cursor.lastrowid or 0)

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What is written in here is undone when it raises, unless the database itself cannot go
        on (`is_trouble`): then all of the transaction is lost."""
        self.execute("SAVEPOINT part")
        try:
            yield
        except Exception as error:
            if not is_trouble(error):
                self.execute("ROLLBACK TO part")
                self.execute("RELEASE part")
            raise
        self.execute("RELEASE part")

    def changed(self, ward: str, what: str) -> None:
        """Say that `what` of `ward` is different now; sent after the commit."""
        self.changes.add((ward, what))


@functools.cache
def migrations() -> list[Migrations]:
    """The migrations of every `central/*/model.py`, the shared ones of `central/model.py` first.
    A model that needs another's tables says so by a `migrate_after` tuple of folder names."""
    import central

    models = {"": importlib.import_module("central.model")}
    for info in pkgutil.iter_modules(central.__path__):
        name = f"central.{info.name}.model"
        if info.ispkg and importlib.util.find_spec(name):
            models[info.name] = importlib.import_module(name)
    ordered: list[Migrations] = []

    def add(folder: str) -> None:
        model = models[folder]
        for earlier in getattr(model, "migrate_after", ()):
            add(earlier)
        if model.migrations not in ordered:
            ordered.append(model.migrations)

    for folder in sorted(models):
        add(folder)
    return ordered


def _migrate(connection: sqlite3.Connection) -> None:
    """Apply what is pending. What a database has is asked for once: `apply` lists all of its tables
    for each set, which takes longer than all else of opening one."""
    table = Migrations.migrations_table
    known = set()
    if connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (table,)).fetchone():
        rows = connection.execute(f"SELECT migration_set, name FROM {table}")
        known = {tuple(row) for row in rows}
    database = sqlite_utils.Database(connection)
    for each in migrations():
        if any((each.name, one.name) not in known for one in each._migrations):
            each.apply(database)


def connect(path: str | Path) -> sqlite3.Connection:
    """A connection whose every commit is on disk before it returns."""
    connection = sqlite3.connect(
        path, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False,
        cached_statements=STATEMENTS_KEPT,
    )  # fmt: skip
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    return connection


class Store:
    """Opens (and migrates) the database at `path`. Close it when done. `inline`: the connection of
    somebody who wants all of it read and written in his own thread, the same each time."""

    def __init__(
        self, path: str | Path, clock: Clock, *, inline: sqlite3.Connection | None = None
    ) -> None:
        self.path = Path(path)
        self.clock = clock
        self._inline = inline
        self._jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        if inline is None and not self.path.exists():
            # Whoever makes it, and whatever his umask: it holds patients, passwords and PINs.
            self.path.touch(mode=0o600)
        connection = inline or connect(self.path)
        try:
            _migrate(connection)
        finally:
            if inline is None:
                connection.close()
        # Called from the writer thread or a web thread after a commit that changed something.
        self.on_commit: Callable[[set[tuple[str, str]]], None] = lambda changes: None

    def connection(self) -> sqlite3.Connection:
        """This thread's own connection."""
        if self._inline is not None:
            return self._inline
        if not hasattr(self._local, "connection"):
            self._local.connection = connect(self.path)
            self._open.append(self._local.connection)
        return self._local.connection

    def read(self) -> Tx:
        """A Tx for reading outside any transaction: each query sees the newest commit."""
        return Tx(self.connection(), self.clock)

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        """One durable transaction in this thread. Raises StoreUnavailableError."""
        connection = self.connection()
        tx = Tx(connection, self.clock)
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            raise StoreUnavailableError(str(error)) from error
        try:
            yield tx
            connection.execute("COMMIT")
        except BaseException as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            if is_trouble(error):
                raise StoreUnavailableError(str(error)) from error
            raise
        if tx.changes:
            self.on_commit(tx.changes)

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run `job` in the writer thread and return its answer once it is on disk.

        Raises what the job raised (its own writes are then undone, others' are not), or
        StoreUnavailableError when the commit failed.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        if self._inline is not None:
            self._commit_group([(job, loop, future)])
            return await future
        if self._writer is None:
            self._writer = threading.Thread(target=self._run, name="store-writer", daemon=True)
            self._writer.start()
        self._jobs.put((job, loop, future))
        return await future

    def _run(self) -> None:
        while True:
            batch = [self._jobs.get()]
            while len(batch) < GROUP_MAX_JOBS:
                try:
                    batch.append(self._jobs.get_nowait())
                except queue.Empty:
                    break
            stop = any(entry is None for entry in batch)
            self._commit_group([entry for entry in batch if entry is not None])
            if stop:
                return

    def _commit_group(self, batch: list[Any]) -> None:
        if not batch:
            return
        connection = self.connection()
        answers: list[tuple[bool, Any]] = []
        changes: set[tuple[str, str]] = set()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for job, _, _ in batch:
                answers.append(self._run_in_savepoint(connection, job, changes))
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            failure = StoreUnavailableError(str(error))
            answers = [(False, failure)] * len(batch)
            changes = set()
        for (_, loop, future), (done, answer) in zip(batch, answers, strict=True):
            with suppress(RuntimeError):  # its loop has ended: nobody waits for the answer
                loop.call_soon_threadsafe(_settle, future, done, answer)
        if changes:
            self.on_commit(changes)

    def _run_in_savepoint(
        self, connection: sqlite3.Connection, job: Callable[[Tx], Any], changes: set[Any]
    ) -> tuple[bool, Any]:
        tx = Tx(connection, self.clock)
        try:
            with tx.savepoint():
                answer = job(tx)
        except Exception as error:
            if is_trouble(error):
                raise  # the disk or the lock, not the job: the whole group fails
            return False, error
        changes |= tx.changes
        return True, answer

    def close(self) -> None:
        """Finish what is queued, then close every connection."""
        if self._writer is not None:
            self._jobs.put(None)
            self._writer.join()
            self._writer = None
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._local = threading.local()


def _settle(future: "asyncio.Future[Any]", done: bool, answer: Any) -> None:
    if future.done():
        return
    if done:
        future.set_result(answer)
    else:
        future.set_exception(answer)
