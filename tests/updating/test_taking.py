"""What the running version does with one that it is asked to take, on a real disk, parts faked."""

import asyncio
import time
from collections.abc import Coroutine
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hw.errors import SpeakerError
from tests.updating.test_places import NEW, OLD, old_box, packed, update
from ward_node.contract import kinds
from ward_node.core import hearing
from ward_node.core.effects import Update
from ward_node.core.reports import Release
from ward_node.cpython.updating import selftest, taking
from ward_node.cpython.updating.bundle import NotFetchedError
from ward_node.cpython.updating.lock import LEASE_MS
from ward_node.cpython.updating.places import Places
from ward_node.cpython.updating.selftest import Parts
from ward_node.cpython.updating.taking import Updates


class Ward:
    """Beds that test as they are told to."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, Any]] = {"1": {"broken": []}, "2": {"broken": []}}

    async def selftest(self) -> dict[str, dict[str, Any]]:
        return self.found


class Speaker:
    error: str | None = None

    async def probe(self) -> None:
        if self.error:
            raise SpeakerError(self.error)


class Box:
    """The running version of a box, and what it told and did."""

    def __init__(self, root: Path, version: str = OLD) -> None:
        self.places = Places(root)
        self.ward, self.speaker = Ward(), Speaker()
        self.parts = Parts(self.ward, self.speaker, None, self.borrow)
        self.parts.up.set()
        self.reasons: list[str] = []
        self.node: Any = SimpleNamespace(
            busy=lambda: self.reasons, release=Release(version, False, True),
            update_answered="answered", update_failed="failed", release_kept="kept",
        )  # fmt: skip
        self.told: list[tuple[Any, ...]] = []
        self.restarts = 0
        self.fetched: list[str] = []
        self.fails = 0
        self.updates = Updates(
            self.places, self.fetch, self.parts, self.node,
            feed=lambda *told: self.told.append(told), restart=self.restart,
        )  # fmt: skip

    async def borrow(self, work: Coroutine[Any, Any, Any]) -> Any:
        return await work

    def restart(self) -> None:
        self.restarts += 1

    def fetch(self, version: str) -> bytes:
        self.fetched.append(version)
        if len(self.fetched) <= self.fails:
            raise NotFetchedError("the line is cut")
        return packed(version)

    async def asked(self, version: str = NEW, **more: Any) -> None:
        wanted = {"command": "7", "again": False, "not_after_ms": 60_000} | more
        await self.updates.take(Update(version=version, **wanted))


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Box:
    monkeypatch.setattr(taking, "FETCH_AGAIN_S", 0.0)
    monkeypatch.setattr(selftest, "SPEAKER_AGAIN_S", 0.0)
    old_box(tmp_path / "box")
    return Box(tmp_path / "box")


async def test_it_is_begun_when_nothing_holds_the_box_any_more(box: Box) -> None:
    box.reasons = ["calling at bed 1"]
    box.updates.tick(0)
    await box.asked(not_after_ms=10 * LEASE_MS)
    box.updates.tick(1_000)
    told = {"version": NEW, "step": taking.WAITING, "held_by": ["calling at bed 1"]}
    assert box.updates.told() == told
    assert box.places.trial() is None
    box.reasons = []
    box.updates.tick(2_000)
    assert box.places.trial() is not None
    assert box.told == [("answered", "7", kinds.DONE, None)]
    assert box.restarts == 1
    assert box.updates.told() == {}


async def test_what_finds_no_moment_in_time_is_not_begun_later(box: Box) -> None:
    box.reasons = ["speaking: call"]
    await box.asked()
    for now_ms in (0, 59_999, 60_000, 60_001):
        box.updates.tick(now_ms)
    box.reasons = []
    box.updates.tick(70_000)
    assert box.told == [("answered", "7", kinds.EXPIRED, "held by: speaking: call")]
    assert box.places.trial() is None


async def test_a_line_that_fails_for_a_moment_is_tried_again_and_one_that_is_cut_told(
    box: Box,
) -> None:
    box.fails = taking.FETCH_TRIES - 1
    await box.asked()
    assert len(box.fetched) == taking.FETCH_TRIES
    assert NEW in box.places.versions()
    assert list(box.places.cache.rglob("part*.pyc")), "it is not compiled while the box is away"
    box.fails = 99
    await box.asked("1.2")
    assert box.told[-1] == ("answered", "7", kinds.REFUSED, "the line is cut")


async def test_of_two_that_are_wanted_the_later_is_taken(box: Box) -> None:
    box.reasons = ["calling at bed 1"]
    await box.asked()
    await box.asked("1.2", command="8")
    assert box.told == [("answered", "7", kinds.DECLINED, "1.2 is wanted instead")]
    box.reasons = []
    box.updates.tick(0)
    trial = box.places.trial()
    assert trial is not None
    assert trial.version == "1.2"


async def test_of_two_that_are_unpacked_at_once_neither_spoils_the_other(
    box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a slow card; each clears away what an interrupted one has left."""
    monkeypatch.setattr(box.places, "_step", lambda step: time.sleep(0.2))
    await asyncio.gather(box.asked(), box.asked(command="8"))
    assert box.told == [("answered", "7", kinds.DECLINED, f"{NEW} is wanted instead")]
    box.updates.tick(0)
    assert box.told[1:] == [("answered", "8", kinds.DONE, None)]


async def test_what_was_broken_before_is_no_fault_of_the_new_version(box: Box) -> None:
    box.ward.found["1"] = {"error": "no answer at address 1"}
    await box.asked()
    box.updates.tick(0)
    box.places.start()
    new = Box(box.places.log.parent, NEW)
    new.ward.found["1"] = {"error": "no answer at address 1"}
    await new.updates.settle()
    assert new.told == [("kept",)]
    assert new.places.trial() is None


@pytest.mark.parametrize(
    ("part", "why"),
    [
        ("lamp", "lamp 2: lamp, presence"),
        ("bus", "bus 2: no answer"),
        ("speaker", "speaker: gone"),
        ("tone", "speaker: the test tone is not heard"),
        ("broker", "broker: no connection within 0 s"),
    ],
)
async def test_each_part_that_fails_sends_the_version_back_and_the_old_one_tells_it(
    box: Box, part: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    update(box.places)
    box.places.start()
    new = Box(box.places.log.parent, NEW)
    box.places.log.write_text("what it said")
    if part == "lamp":
        new.ward.found["2"] = {"broken": ["lamp", "presence"]}
    elif part == "bus":
        new.ward.found["2"] = {"error": "no answer"}
    elif part == "speaker":
        new.speaker.error = "gone"
    elif part == "tone":
        new.parts.ear = SimpleNamespace(listen=_deaf)
    else:
        monkeypatch.setattr(selftest, "BROKER_LIMIT_S", 0.0)
        new.parts.up.clear()
    await new.updates.settle()
    assert (new.told, new.restarts) == ([], 1)
    assert new.places.current() == OLD
    for _ in range(2):
        await box.updates.settle()
    assert box.told == [("failed", NEW, why, "what it said")]


async def _deaf() -> hearing.Verdict:
    return hearing.Verdict(hearing.SILENT, -90)


async def test_words_that_sound_show_that_it_sounds(box: Box) -> None:
    async def busy(work: Coroutine[Any, Any, Any]) -> None:
        work.close()

    box.parts.borrow = busy
    assert await selftest.failing(box.parts) == {}


async def test_a_test_that_falls_over_is_a_failure_and_no_end(box: Box) -> None:
    async def broken() -> dict[str, Any]:
        await asyncio.sleep(0)
        raise KeyError("3")

    box.ward.selftest = broken  # type: ignore[method-assign]
    assert await selftest.failing(box.parts) == {"bus": "KeyError: '3'"}
