"""Records in the database: one for each call, what it costs, and what a late event changes."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.call_records import joining, model, service
from central.call_records.joining import Joined
from central.call_records.reading import Reader
from central.clock import FakeClock
from central.errors import FieldError
from central.store import Row, Store
from gateway.telephone import cel
from gateway.telephone.cel import CallEvent, parse
from tests.call_records.conftest import NAMES, OFFICE, lines, written


def records(store: Store) -> list[Row]:
    return store.read().all("SELECT * FROM call_records ORDER BY started_ms")


def take(store: Store, *events: CallEvent) -> list[int]:
    with store.transaction() as tx:
        return service.take(tx, events, {})


def call_outside(
    seconds: float, number: str = "962221111", trunk: str = "world"
) -> list[CallEvent]:
    """A call from the office to the world that was talked for so long."""
    begin = 1_795_902_500_000_000

    def event(type: str, at_s: float, unique: str, **more: object) -> CallEvent:
        ours = unique == "out.1"
        name = f"PJSIP/{OFFICE}-00000001" if ours else "PJSIP/trunk-world-00000002"
        dialled = number if ours or type != cel.CHAN_START else "s"
        caller = "8101" if ours else ""
        return CallEvent(
            type, begin + round(at_s * 1e6), caller, dialled, "from-local", name, "", unique,
            "out.1", more,
        )  # fmt: skip

    end = 5 + seconds
    return [
        event(cel.CHAN_START, 0, "out.1"), event(cel.CHAN_START, 0.1, "out.2"),
        event(cel.ANSWER, 5, "out.2"), event(cel.ANSWER, 5, "out.1"),
        event(cel.BRIDGE_ENTER, 5, "out.1", bridge_id="b"),
        event(cel.BRIDGE_ENTER, 5, "out.2", bridge_id="b"),
        event(cel.BRIDGE_EXIT, end, "out.1", bridge_id="b"),
        event(cel.BRIDGE_EXIT, end, "out.2", bridge_id="b"),
        event(cel.HANGUP, end, "out.2", hangupcause=16), event(cel.CHAN_END, end, "out.2"),
        event(cel.HANGUP, end, "out.1", hangupcause=16), event(cel.CHAN_END, end, "out.1"),
    ]  # fmt: skip


def test_who_called_whom_with_which_right_and_for_what(store: Store) -> None:
    take(store, *written(*NAMES))
    found = {row["called"]: row for row in records(store) if row["direction"] != "notice"}
    assert found["120"]["purpose"] == "emergency"
    assert found["8003"]["caller"] == "8101"
    assert {row["rights"] for row in found.values()} == {"local"}
    (told,) = [row for row in records(store) if row["direction"] == "notice"]
    assert told["called"] == "8003"
    assert len(records(store)) == len(NAMES)


@pytest.mark.parametrize(
    ("talked_s", "unit_s", "fen", "cost"),
    [(59.9, 60, 22, 22), (60, 60, 22, 22), (60.1, 60, 22, 44), (6.1, 6, 3, 6), (0.001, 6, 3, 3)],
)
def test_a_call_outside_costs_by_each_unit_that_was_begun(
    store: Store, talked_s: float, unit_s: int, fen: int, cost: int
) -> None:
    with store.transaction() as tx:
        service.set_rate(tx, "city", unit_s=unit_s, fen=fen, from_ms=0)
        service.set_rate(tx, "mobile", unit_s=60, fen=10_000, from_ms=0)
    take(store, *call_outside(talked_s))
    (row,) = records(store)
    assert (row["direction"], row["route"], row["called"]) == ("outward", "city", "962221111")
    assert row["cost_fen"] == cost
    assert row["talk_ms"] == round(talked_s * 1000)


def test_the_rate_is_the_one_in_force_when_it_was_answered(store: Store) -> None:
    answered_ms = 1_795_902_505_000
    with store.transaction() as tx:
        service.set_rate(tx, "city", unit_s=60, fen=11, from_ms=answered_ms)
        service.set_rate(tx, "city", unit_s=60, fen=99, from_ms=answered_ms + 1)
    take(store, *call_outside(30))
    assert records(store)[0]["cost_fen"] == 11


def test_a_rate_that_makes_no_sense_is_refused(store: Store) -> None:
    for wrong in ({"route": "moon"}, {"unit_s": 7}, {"fen": -1}):
        given_ = {"route": "city", "unit_s": 60, "fen": 1, "from_ms": 0} | wrong
        with store.transaction() as tx, pytest.raises(FieldError) as refused:
            service.set_rate(tx, **given_)
        assert refused.value.field == next(iter(wrong))


def test_a_call_is_recorded_once_it_is_over_and_not_before(store: Store) -> None:
    *before, last = call_outside(10)
    assert take(store, *before) == []
    assert len(take(store, last)) == 1
    assert take(store, *before, last) == []


def test_a_call_that_the_exchange_did_not_survive_ends_with_what_is_known(store: Store) -> None:
    take(store, *call_outside(10)[:6])
    with store.transaction() as tx:
        assert service.started(tx, 1_795_902_499_000) == []
        assert len(service.started(tx, 1_795_902_550_000)) == 1
    (row,) = records(store)
    assert (row["cut"], row["result"], row["ended_ms"]) == (1, "answered", 1_795_902_505_000)


def test_a_call_that_cannot_be_understood_keeps_no_other_from_its_record(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    join = joining.join

    def fails(events: Sequence[CallEvent]) -> Joined | None:
        if any(each.dialled == "120" for each in events):
            raise ZeroDivisionError
        return join(events)

    monkeypatch.setattr(joining, "join", fails)
    assert len(take(store, *written(*NAMES))) == len(NAMES) - 1
    assert caplog.text.count("is not recorded") == 1


def test_old_events_go_and_records_stay_even_when_they_are_read_again(
    store: Store, clock: FakeClock
) -> None:
    events = call_outside(10)
    take(store, *events)
    take(store, *[each for each in written("handed_over") if each.type != cel.CHAN_END])
    clock.advance(3 * 24 * 3_600_000)
    with store.transaction() as tx:
        service.tidy(tx)
        assert tx.value("SELECT count(*) FROM call_events") == 0
    assert len(records(store)) == 2, "one that never ended is kept as cut off"
    before = [tuple(row) for row in records(store)]
    # As after a restore of the database, or a part of the file that is read once more.
    take(store, *events[-4:])
    take(store, *events)
    assert [tuple(row) for row in records(store)] == before


@given(st.data())
@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_pieces_in_any_order_make_the_same_records(store: Store, data: st.DataObject) -> None:
    with store.transaction() as tx:
        for table in ("call_events", "call_records"):
            tx.execute(f"DELETE FROM {table}")
    events = [*written(*NAMES), *call_outside(7)]
    mixed = data.draw(st.permutations([*events, *data.draw(st.lists(st.sampled_from(events)))]))
    size = data.draw(st.integers(1, len(mixed)))
    for begin in range(0, len(mixed), size):
        take(store, *mixed[begin : begin + size])
    told = [tuple(row)[1:] for row in records(store)]
    with store.transaction() as tx:
        for table in ("call_events", "call_records"):
            tx.execute(f"DELETE FROM {table}")
    take(store, *events)
    assert told == [tuple(row)[1:] for row in records(store)]
    assert len(told) == len(NAMES) + 1


async def test_the_reader_goes_on_where_it_stopped(store: Store, tmp_path: Path) -> None:
    path = tmp_path / cel.WRITTEN
    path.parent.mkdir(parents=True)
    first = b"".join(lines("passed_on"))
    path.write_bytes(first[:-300])
    assert await Reader(store, tmp_path).look() == []
    path.write_bytes(first + b"".join(lines("busy")))
    assert len(await Reader(store, tmp_path).look()) == 2
    assert await Reader(store, tmp_path).look() == []
    assert model.cursor(store.read()) != {}
    assert parse(lines("busy")[0]).linked in {row["linked"] for row in records(store)}
