"""Who is told next, what was late and why: as the pages say it."""

from collections.abc import Iterator

import pytest

from central.calls import service as calls_service
from central.clock import FakeClock
from central.escalation import steps
from central.store import Row, Store
from gateway.mqtt import kinds
from tests.calls.ward import Ward, build


@pytest.fixture
def bed(store: Store, clock: FakeClock) -> Iterator[Ward]:
    build(store)
    operated = Ward(store, clock)
    yield operated
    assert operated.failures() == []


def coming(bed: Ward) -> tuple[str | None, str | None, int | None]:
    """(told last, told next, in s)"""
    tx, call = bed.store.read(), bed.call()
    upcoming = steps.next_step(tx, call, "en")
    if upcoming is None:
        return steps.told(tx, call, "en"), None, None
    return steps.told(tx, call, "en"), upcoming.who, (upcoming.at_ms - tx.now_ms) // 1000


def late(bed: Ward) -> list[Row]:
    return steps.late(bed.store.read(), 0, 10)


def test_the_next_one_is_named_until_nobody_is_left(bed: Ward) -> None:
    bed.do(lambda tx: tx.execute("UPDATE users SET display = 'Wang' WHERE role = 'head_nurse'"))
    bed.operate(kinds.PRESS)
    assert coming(bed) == (None, "ward speakers", 30)
    bed.pass_s(30)
    assert coming(bed) == ("ward speakers", "neighbouring ward", 30)
    bed.pass_s(40)
    assert coming(bed) == ("neighbouring ward", "head nurse (Wang)", 20)
    bed.pass_s(110)
    assert coming(bed) == ("duty manager", None, None)


def test_nobody_is_next_once_it_is_accepted(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.do(calls_service.accept, 1, "zhang", "board")
    assert coming(bed) == (None, None, None)
    assert late(bed) == []


def test_a_late_call_says_why(bed: Ward) -> None:
    bed.operate(kinds.PRESS)
    bed.pass_s(240)
    bed.do(calls_service.accept, 1, "zhang", "board")
    bed.pass_s(180)  # nobody goes: it comes back
    [row] = late(bed)
    assert steps.why(bed.store.read(), row, "en") == [
        "accepted, but nobody was at the bed (1×)",
        "nobody on the list answered",
    ]
    bed.pass_s(30)
    [row] = late(bed)
    assert steps.why(bed.store.read(), row, "zh")[0] == "已逐级通知到病房喇叭"
