"""The store: group commit, savepoints, refusal when the disk or the lock says no."""

import asyncio
import os
import sqlite3
import stat
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from central import commands, housekeeping, timers
from central.audit import model as audit
from central.bridge import intake
from central.capabilities import Rules
from central.clock import FakeClock
from central.store import Store, StoreUnavailableError, Tx
from central.wards import model as wards
from gateway.mqtt import kinds
from tests.conftest import WAIT_S


def add(ward: str):
    return lambda tx: wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")


def names(store: Store) -> list[str]:
    return [row["id"] for row in wards.wards(store.read())]


async def together(store: Store, *jobs: Callable[[Tx], Any]) -> None:
    """Write what has all arrived while the writer is at something else: it finds one group."""
    loop = asyncio.get_running_loop()
    begun, all_there = asyncio.Event(), threading.Event()

    def before_them(tx: Tx) -> None:
        loop.call_soon_threadsafe(begun.set)
        assert all_there.wait(WAIT_S)

    first = asyncio.create_task(store.write(before_them))
    await begun.wait()
    writing = [asyncio.create_task(store.write(each)) for each in jobs]
    await asyncio.sleep(0)  # each has put its job
    all_there.set()
    await first
    await asyncio.gather(*writing)


def test_jobs_that_arrive_together_share_one_commit(store: Store) -> None:
    commits: list[str] = []

    async def scenario() -> None:
        await store.write(lambda tx: tx.connection.set_trace_callback(commits.append))
        await together(store, *(add(str(n)) for n in range(50)))

    asyncio.run(scenario())
    assert len(names(store)) == 50
    # That of what traces, of what the writer was at, and theirs.
    assert sum(text == "COMMIT" for text in commits) == 3


def test_a_failing_job_undoes_only_itself(store: Store) -> None:
    def bad(tx: Tx) -> None:
        wards.add_ward(tx, "bad", "坏", "bad")
        raise ValueError("no")

    async def scenario() -> list[object]:
        jobs = (store.write(add("1")), store.write(bad), store.write(add("2")))
        return await asyncio.gather(*jobs, return_exceptions=True)

    answers = asyncio.run(scenario())
    assert isinstance(answers[1], ValueError)
    assert names(store) == ["1", "2"]


def test_changes_are_told_only_after_the_commit(store: Store) -> None:
    told: list[set[tuple[str, str]]] = []
    store.on_commit = told.append

    def failing() -> None:
        with store.transaction() as tx:
            tx.changed("3", "board")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        failing()
    assert told == []
    with store.transaction() as tx:
        tx.changed("3", "board")
        assert told == []
    assert told == [{("3", "board")}]


def test_a_locked_database_answers_nobody_as_stored(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("central.store.LOCK_TIMEOUT_S", 0.05)
    holder = sqlite3.connect(store.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")

    async def scenario() -> None:
        with pytest.raises(StoreUnavailableError):
            await store.write(add("1"))
        holder.execute("ROLLBACK")
        await store.write(add("2"))

    asyncio.run(scenario())
    holder.close()
    assert names(store) == ["2"]


def test_a_full_disk_answers_nobody_as_stored(store: Store) -> None:
    async def scenario() -> None:
        await store.write(lambda tx: tx.execute("PRAGMA max_page_count = 1"))

        def much(tx: Tx) -> None:
            for n in range(2000):
                wards.add_ward(tx, f"w{n}", "名" * 100, "name" * 100)

        with pytest.raises(StoreUnavailableError, match="full"):
            await together(store, add("1"), much)

    asyncio.run(scenario())
    assert names(store) == []


def test_the_audit_is_append_only_and_shows_tampering(store: Store) -> None:
    with store.transaction() as tx:
        for n in range(5):
            audit.append(tx, "nurse3", "call.accept", f"call/{n}")
    with pytest.raises(sqlite3.IntegrityError), store.transaction() as tx:
        tx.execute("UPDATE audit SET who = 'other'")
    assert audit.first_broken(store.read()) is None
    forger = sqlite3.connect(store.path)
    forger.executescript(
        "DROP TRIGGER audit_no_update; UPDATE audit SET who = 'other' WHERE id = 3;"
    )
    forger.close()
    broken = audit.first_broken(store.read())
    assert broken is not None
    assert broken["id"] == 3


def test_timers_and_commands_are_rows(store: Store, clock: FakeClock) -> None:
    with store.transaction() as tx:
        add("3")(tx)
        wards.add_node(tx, "3-box", "3", "bedside")
        timers.arm(tx, clock.now_ms() + 1000, "test.kind", 7, {"x": 1})
        commands.send(tx, "3", "3-box", kinds.SELFTEST, {})
    assert timers.due(store.read()) == []
    clock.advance(1500)
    with store.transaction() as tx:
        (timer,) = timers.due(tx)
        timers.fired(tx, timer)
    assert store.read().value("SELECT late_ms FROM timers") == 500
    assert commands.unsent(store.read()) == [], "a box that is away is not sent anything"
    with store.transaction() as tx:
        tx.execute("UPDATE nodes SET state = 'ready'")
        (command,) = commands.unsent(tx)
        commands.mark_sent(tx, [command["id"]])
        assert commands.unsent(tx) == []
    clock.advance(commands.RESEND_MS)
    assert len(commands.unsent(store.read())) == 1
    clock.advance(commands.TTL_MS)
    with store.transaction() as tx:
        (expired,) = commands.expire(tx)
    assert expired["result"] == "expired"


def test_a_box_that_was_cut_off_is_told_to_stop_what_it_repeats(
    store: Store, clock: FakeClock
) -> None:
    def ask(type: str) -> None:
        commands.send(tx, "3", "3-station", type, {"utterance": "call-1", "class": "call"})

    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-station", "3", "station")
        tx.execute("UPDATE nodes SET state = 'ready'")
        ask(kinds.SPEAK)
        ask(kinds.STOP)
    clock.advance(commands.TTL_MS + 1)
    with store.transaction() as tx:
        assert [each["type"] for each in commands.expire(tx)] == [kinds.SPEAK]
        (left,) = commands.unsent(tx)
    assert left["type"] == kinds.STOP
    assert left["expires_real_ms"] > clock.real_ms()
    with store.transaction() as tx:
        ask(kinds.SPEAK)
        (left,) = commands.unsent(tx)
    assert left["type"] == kinds.SPEAK, "what is said again is not stopped by an earlier word"
    with store.transaction() as tx:
        ask(kinds.STOP)
    clock.advance(commands.STOP_MS)
    with store.transaction() as tx:
        assert len(commands.expire(tx)) == 2, "no box is told for ever"


def test_a_timers_rule_may_cancel_and_arm_that_very_timer(store: Store, clock: FakeClock) -> None:
    def again(tx: Tx, ref: str, body: dict[str, object], late_ms: int) -> None:
        timers.cancel(tx, "test.again", ref)
        timers.arm(tx, tx.now_ms + 1000, "test.again", ref)

    rules = Rules(timers={"test.again": again})
    with store.transaction() as tx:
        timers.arm(tx, tx.now_ms, "test.again", 1)
    for _ in range(2):
        with store.transaction() as tx:
            assert intake.fire_due(tx, rules) == 1
        clock.advance(1000)


def test_old_calls_are_passed_on_slowly_while_new_presses_wait(
    store: Store, clock: FakeClock
) -> None:
    """What one of them lets say may be as much work as many new calls are."""
    rules = Rules(timers={"test.step": lambda tx, ref, body, late_ms: None})
    press = {
        "id": "3-box:1:1", "node": "3-box", "ward": "3", "bed": "1", "boot": 1, "seq": 1,
        "type": kinds.PRESS, "age_ms": 0,
    }  # fmt: skip
    with store.transaction() as tx:
        for ref in range(500):
            timers.arm(tx, tx.now_ms - ref, "test.step", ref)
        intake.store_events(tx, [(press, tx.now_ms)])
        few = intake.fire_due(tx, rules)
        assert 0 < few < 20, "they go on all the same"
        assert timers.due(tx, 1)[0]["ref"] == str(499 - few), "the oldest went first"
        intake.act(tx, rules, 500)
        assert intake.fire_due(tx, rules) > 10 * few


def test_tidying_forgets_what_telephones_have_told(store: Store, clock: FakeClock) -> None:
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
    notice = {"ward": "3", "about": "stay/1", "kind": "x", "text": "{}", "urgent": 0, "due_ms": 0}
    with store.transaction() as tx:
        for number, state in enumerate(("accepted", "unheard", "withdrawn"), 1):
            tx.insert("notices", id=number, state=state, over_ms=tx.now_ms, created_ms=0, **notice)
        for ref in ("done", "rings"):
            tx.insert("ringings", kind="test", ref=ref, numbers="[]", caller="", asked_ms=0)
        tx.execute("UPDATE ringings SET over_ms = ? WHERE ref = 'done'", (tx.now_ms,))
        for number in range(1, housekeeping.BROADCASTS_AT_ONCE + 2):
            tx.insert("broadcasts", id=number, urgent=0, channel="c", state="ended", began_ms=0,
                      ended_ms=tx.clock.real_ms())  # fmt: skip
            tx.insert("broadcast_phones", broadcast=number, device="d", number="8003")
            tx.insert("broadcast_boxes", broadcast=number, ward="3", node="3-box")
        tx.insert("broadcasts", id=99, urgent=0, channel="c", state="running", began_ms=0)
    with store.transaction() as tx:
        assert housekeeping.tidy(tx) == 0
    clock.advance(housekeeping.KEEP_MS + 1)
    with store.transaction() as tx:
        assert housekeeping.tidy(tx) == 2 + 1 + housekeeping.BROADCASTS_AT_ONCE
        assert housekeeping.tidy(tx) == 1, "what was too much for one tidying"
    tx = store.read()
    assert tx.value("SELECT group_concat(state) FROM notices") == "unheard"
    assert tx.value("SELECT group_concat(ref) FROM ringings") == "rings"
    assert tx.value("SELECT group_concat(id) FROM broadcasts") == "99"
    assert tx.value("SELECT count(*) FROM broadcast_phones") == 0
    assert tx.value("SELECT count(*) FROM broadcast_boxes") == 0


def test_the_database_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        opened = Store(tmp_path / "fresh.db", FakeClock())
        with opened.transaction() as tx:
            tx.insert("rooms", number="8800", label="Round", pin="4711")
        modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("fresh*")}
        opened.close()
    finally:
        os.umask(before)
    assert set(modes.values()) == {0o600}
    assert {"fresh.db", "fresh.db-wal"} <= modes.keys()


def test_tidying_forgets_only_what_is_old_and_done(store: Store, clock: FakeClock) -> None:
    with store.transaction() as tx:
        timers.arm(tx, tx.now_ms, "test.done", 1)
        timers.fired(tx, timers.due(tx)[0])
        timers.arm(tx, tx.now_ms, "test.waiting", 2)
        commands.send(tx, "3", "3-box", "stop", {"utterance": "open"})
    clock.advance(housekeeping.KEEP_MS + 1)
    with store.transaction() as tx:
        timers.arm(tx, tx.now_ms - 1, "test.fresh", 3)
        timers.fired(tx, timers.due(tx)[1])
        assert housekeeping.tidy(tx) == 1
    left = store.read().all("SELECT kind FROM timers ORDER BY id")
    assert [row["kind"] for row in left] == ["test.waiting", "test.fresh"]
    assert store.read().value("SELECT count(*) FROM commands") == 1
