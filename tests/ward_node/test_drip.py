"""Reminders: spoken once, on time, by the newest schedule, also over a restart."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ward_node.core.drip import ENDED_KEPT, Drips


def _prompt(stage: str, in_ms: int, final: bool = False) -> dict[str, Any]:
    return {
        "stage": stage,
        "in_ms": in_ms,
        "words": {"lang": "zh", "text": stage},
        "final": final,
    }


def _set(drips: Drips, revision: int, prompts: list[dict[str, Any]], drip_ms: int = 0) -> bool:
    return drips.set("1", "5", revision, prompts, 180_000, drip_ms)


def _due(drips: Drips, drip_ms: int) -> list[str]:
    return [prompt["stage"] for _, prompt in drips.due(drip_ms)]


@given(
    st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=6, unique=True),
    st.lists(st.integers(1, 40_000), min_size=1, max_size=20),
)
def test_each_moment_is_told_once_and_never_early(moments: list[int], steps: list[int]) -> None:
    drips = Drips()
    _set(drips, 1, [_prompt(str(each), each) for each in moments])
    now_ms, told = 0, []
    for step in steps:
        for stage in _due(drips, now_ms):
            assert int(stage) <= now_ms
            told.append(int(stage))
        now_ms += step
    told += [int(each) for each in _due(drips, 100_001)]
    assert told == sorted(set(told))
    assert max(moments) in told
    assert not drips.waiting()


def test_a_newer_schedule_replaces_and_an_older_one_is_refused() -> None:
    drips = Drips()
    assert _set(drips, 2, [_prompt("due", 1_000)])
    assert not _set(drips, 1, [_prompt("due", 10)])
    assert _due(drips, 500) == []
    assert _set(drips, 3, [])
    assert _due(drips, 5_000) == []
    assert not _set(drips, 2, [_prompt("due", 10)])


def test_the_same_schedule_again_is_not_said_again() -> None:
    drips = Drips()
    _set(drips, 1, [_prompt("near", 0), _prompt("due", 10_000, True)])
    assert _due(drips, 0) == ["near"]
    _set(drips, 1, [_prompt("near", -500), _prompt("due", 9_000, True)], 500)
    assert _due(drips, 1_000) == []
    assert _due(drips, 9_500) == ["due"]


def test_nobody_confirming_is_told_once() -> None:
    drips = Drips()
    _set(drips, 1, [_prompt("due", 0, True)])
    schedule, _ = drips.due(0)[0]
    about = schedule.about("due")
    drips.watch(about, 100)
    drips.watch(about, 90_000)  # said again: the watch runs from the first time
    assert drips.unconfirmed(180_099) == []
    assert drips.unconfirmed(180_100) == [("1", about)]
    assert drips.unconfirmed(999_999) == []


def test_an_answer_ends_the_watch() -> None:
    drips = Drips()
    _set(drips, 1, [_prompt("due", 0, True)])
    about = drips.due(0)[0][0].about("due")
    drips.watch(about, 0)
    drips.answered(about)
    assert drips.unconfirmed(999_999) == []


def test_kept_over_a_restart_and_over_a_power_cut() -> None:
    drips = Drips()
    _set(drips, 1, [_prompt("near", 1_000), _prompt("due", 60_000, True)])
    [(schedule, prompt)] = drips.due(1_000)
    drips.said(schedule.about(prompt["stage"]))
    kept = json.loads(json.dumps(drips.dump(2_000, "run-1")))
    same = Drips()
    same.restore(kept, 50_000, "run-1")
    assert _due(same, 59_999) == []
    assert _due(same, 60_000) == ["due"]
    other = Drips()
    other.restore(kept, 300, "run-2")
    assert _due(other, 58_299) == []
    assert _due(other, 58_300) == ["due"]
    # What was spoken before is not spoken again when central sends it once more.
    _set(other, 1, [_prompt("near", -1), _prompt("due", -1, True)], 59_000)
    assert _due(other, 59_000) == []
    # What nobody had heard yet is said again.
    third = Drips()
    third.restore(json.loads(json.dumps(other.dump(60_000, "run-2"))), 10, "run-3")
    assert _due(third, 10) == ["due"]


def test_ended_drips_do_not_pile_up() -> None:
    drips = Drips()
    for number in range(3 * ENDED_KEPT):
        drips.set("1", str(number), 1, [], 0, 0)
    assert len(drips) == ENDED_KEPT
    assert not drips.set("1", str(3 * ENDED_KEPT - 1), 0, [], 0, 0)
