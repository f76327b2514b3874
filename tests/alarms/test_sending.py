"""What alarm managers are owed reaches them, in order, until they have taken it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from central.alarms import model, service
from central.alarms.running import Sending
from central.alarms.settings import Manager, from_config
from central.calls import model as calls
from central.calls import service as calling
from central.calls import steps
from central.clock import FakeClock
from central.config import ConfigError
from central.store import Store
from central.wards import model as wards
from gateway.his import ack
from gateway.his.listener import Listener
from gateway.his.message import Parsed
from gateway.his.refusals import Refusal
from tests.conftest import free_port

ZONE = ZoneInfo("Asia/Shanghai")


class Receiver:
    """An alarm manager that answers as it is told to: a code for each phase, AA else."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.answers: dict[str, list[str]] = {}

    def encoding_of(self, peer: str) -> str | None:
        return None

    async def take(self, peer: str, raw: bytes, parsed: Parsed) -> bytes | None:
        text = raw.decode()
        phase = text.split("MDC_ATTR_EVENT_PHASE^MDC|1.0.0.0.3|")[1].split("|")[0]
        call = text.split("OBR|1|")[1].split("^")[0]
        self.heard.append(f"{call} {phase}")
        codes = self.answers.get(phase, [])
        code = codes.pop(0) if codes else "AA"
        assert parsed.header is not None
        refusal = None if code == "AA" else Refusal(code, "207", "no such bed")
        return ack.build(
            parsed.header.__class__(control_id=parsed.header.control_id), refusal,
            encoding="utf-8", own_id="1", at=datetime.now(UTC),
        )  # fmt: skip


@asynccontextmanager
async def listening(receiver: Receiver, port: int = 0) -> AsyncIterator[int]:
    listener = Listener(receiver)
    try:
        yield await listener.start("127.0.0.1", port)
    finally:
        await listener.close()


@pytest.fixture
def ward(store: Store) -> Store:
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-box", "3", "bedside")
        for bed in ("1", "2"):
            wards.add_bed(tx, "3", bed, "3-box")
    return store


def open_call(store: Store, bed: str = "1", type: str = "nurse") -> int:
    with store.transaction() as tx:
        return calling.open_call(tx, "3", bed, type)


def end(store: Store, call: int) -> None:
    with store.transaction() as tx:
        row = calls.one(tx, call)
        assert row is not None
        steps.end(tx, row, tx.now_ms, "3-box")


async def settle(sending: Sending) -> None:
    while await sending.step():
        pass


def states(store: Store) -> list[tuple[str, str]]:
    rows = store.read().all("SELECT phase, state FROM alarm_messages ORDER BY id")
    return [(row["phase"], row["state"]) for row in rows]


async def test_start_continue_and_end_are_told_in_order_each_once(ward: Store) -> None:
    receiver = Receiver()
    async with listening(receiver) as port:
        sending = Sending(ward, Manager("AM", "127.0.0.1", port), ZONE)
        await settle(sending)
        call = open_call(ward)
        await settle(sending)
        with ward.transaction() as tx:
            calling.accept(tx, call, "li", "board")
        await settle(sending)
        end(ward, call)
        await settle(sending)
        await settle(sending)
        await sending.close()
    assert receiver.heard[0] == "WL1 start"
    assert receiver.heard[-1] == "WL1 end"
    assert set(receiver.heard[1:-1]) == {"WL1 continue"}
    assert {state for _, state in states(ward)} == {"sent"}


async def test_a_manager_that_is_away_is_told_later_and_is_a_fault_meanwhile(
    ward: Store, clock: FakeClock
) -> None:
    port = free_port()
    sending = Sending(ward, Manager("AM", "127.0.0.1", port), ZONE)
    await sending.step()
    call = open_call(ward)
    for _ in range(4):
        await settle(sending)
        clock.advance(service.LONGEST_DELAY_MS)
    row = ward.read().one("SELECT * FROM faults WHERE code = 'alarms-away'")
    assert row is not None
    assert row["count"] == 1
    assert states(ward) == [("start", "waiting")]
    end(ward, call)
    receiver = Receiver()
    async with listening(receiver, port):
        await settle(sending)
        clock.advance(service.LONGEST_DELAY_MS)
        await settle(sending)
        await sending.close()
    assert receiver.heard == ["WL1 start", "WL1 end"], "it may have heard the start: so the end"
    assert ward.read().value("SELECT cleared_ms FROM faults WHERE code = 'alarms-away'")


async def test_a_call_that_was_over_before_it_was_sent_rings_nobody(ward: Store) -> None:
    receiver = Receiver()
    async with listening(receiver) as port:
        manager = Manager("AM", "127.0.0.1", port)
        sending = Sending(ward, manager, ZONE)
        await settle(sending)
        call = open_call(ward)
        with ward.transaction() as tx:
            service.catch_up(tx, manager, ZONE)
        end(ward, call)
        await settle(sending)
        await sending.close()
    assert receiver.heard == []
    assert states(ward) == [("start", "lapsed")]


async def test_an_error_is_tried_again_and_holds_up_no_other_call(
    ward: Store, clock: FakeClock
) -> None:
    receiver = Receiver()
    receiver.answers["start"] = ["AE"]
    async with listening(receiver) as port:
        sending = Sending(ward, Manager("AM", "127.0.0.1", port), ZONE)
        await settle(sending)
        open_call(ward, "1")
        open_call(ward, "2")
        await settle(sending)
        assert receiver.heard == ["WL1 start", "WL2 start"]
        clock.advance(service.LONGEST_DELAY_MS)
        await settle(sending)
        await sending.close()
    assert receiver.heard == ["WL1 start", "WL2 start", "WL1 start"]


async def test_what_is_refused_is_shown_as_a_fault_and_can_be_sent_again(ward: Store) -> None:
    receiver = Receiver()
    receiver.answers["start"] = ["AR"]
    async with listening(receiver) as port:
        sending = Sending(ward, Manager("AM", "127.0.0.1", port), ZONE)
        await settle(sending)
        open_call(ward)
        await settle(sending)
        row = model.message(ward.read(), 1)
        assert row is not None
        assert (row["state"], row["trouble"]) == ("refused", "AR no such bed")
        with ward.transaction() as tx:
            service.resend(tx, 1, "zhang")
        await settle(sending)
        await sending.close()
    assert receiver.heard == ["WL1 start", "WL1 start"]
    faults = ward.read().all("SELECT * FROM faults WHERE code = 'alarms-refused'")
    assert [row["cleared_ms"] is not None for row in faults] == [True]


async def test_calls_that_stood_before_are_told_to_a_new_manager(ward: Store) -> None:
    open_call(ward)
    receiver = Receiver()
    async with listening(receiver) as port:
        sending = Sending(ward, Manager("AM", "127.0.0.1", port), ZONE)
        await sending.step()
        await settle(sending)
        await sending.close()
    assert receiver.heard == ["WL1 start"]


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ([{"name": "A", "host": "h"}], "port"),
        ([{"name": "A", "host": "h", "port": "1"}], "port"),
        ([{"name": "A", "host": "h", "port": 1, "x": 1}], "x"),
        ([{"name": "A", "host": "h", "port": 1, "encoding": "latin-1"}], "encoding"),
        ([{"name": "A", "host": "h", "port": 1}] * 2, "name"),
        ({}, "alarm_managers"),
    ],
)
def test_a_wrong_setting_is_named(given: object, named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        from_config({"alarm_managers": given})
