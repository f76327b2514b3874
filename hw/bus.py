"""The bedside bus: up to 32 units on one RS-485 line."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from hw import registers
from hw.clock import steady_ms
from hw.errors import BusGoneError, GarbledError, HardwareError, SilentError, WiringError
from hw.kinds import OFF
from hw.line import Line
from hw.poller import Poller, Question
from hw.registers import Counters
from hw.ward import OnEvent
from hw.watch import Told, UnitWatch

MOST_UNITS = 32
SELFTEST_S = 1.2
ASK_TRIES = 5  # one damaged answer is no broken unit


class BusWard:
    """The ward hardware behind one serial port, as `hw.ward.WardHardware`.

    An event's about holds {"unit", "counters"}: keep the counters by bed together with the
    event and give them back as `known_counters` after a restart, and a press made meanwhile
    is told (about: "late" true), while none is told twice.
    """

    def __init__(
        self,
        port: str,
        units: dict[str, int],
        *,
        clock_ms: Callable[[], int] = steady_ms,
        known_counters: dict[str, dict[str, int]] | None = None,
        open_line: Callable[[str], Line] = Line,
    ) -> None:
        """`units`: Modbus address (1 to 247) by bed. Raises WiringError."""
        _check(units)
        known = {bed: _kept(kept) for bed, kept in (known_counters or {}).items()}
        self._watches = {
            bed: UnitWatch(bed, address, known.get(bed), clock_ms())
            for bed, address in units.items()
        }
        self._shown = dict.fromkeys(units, (OFF, OFF, False))
        self._dealt_with = {bed: kept for bed, kept in known.items() if kept and bed in units}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_event: OnEvent | None = None
        self._poller = Poller(
            port,
            list(self._watches.values()),
            clock_ms=clock_ms,
            open_line=open_line,
            tell=partial(self._cross, self._deliver),
        )

    @property
    def poll_ms(self) -> int | None:
        """How long the last round over all units took; None before it and without a bus."""
        return self._poller.poll_ms

    def start(self, on_event: OnEvent) -> None:
        """Begin to poll; see `hw.ward.WardHardware.start`."""
        self._loop = asyncio.get_running_loop()
        self._on_event = on_event
        self._poller.start()

    async def close(self) -> None:
        """Stop polling and free the port. The units put out their own promises."""
        self._on_event = None
        if self._loop is not None:
            self._poller.stop()
            await asyncio.to_thread(self._poller.join)
            self._loop = None

    def set_lamp(self, bed: str, pattern: str) -> None:
        _lamp, reassurance, speaker = self._shown[bed]
        self._show(bed, pattern, reassurance, speaker)

    def set_reassurance(self, bed: str, pattern: str) -> None:
        lamp, _reassurance, speaker = self._shown[bed]
        self._show(bed, lamp, pattern, speaker)

    def route(self, beds: Sequence[str]) -> None:
        for bed in beds:
            self._watches[bed]  # KeyError before anything is switched
        for bed, (lamp, reassurance, speaker) in list(self._shown.items()):
            if speaker != (bed in beds):
                self._show(bed, lamp, reassurance, bed in beds)

    def silent_beds(self) -> list[str]:
        return [bed for bed, watch in self._watches.items() if self._poller.gone or watch.fault]

    def counters(self) -> dict[str, dict[str, int]]:
        """By bed, the counters of all that has been told to `on_event`, to be kept for the
        next start. Beds never heard are missing."""
        return {bed: kept._asdict() for bed, kept in self._dealt_with.items()}

    async def selftest(self) -> dict[str, dict[str, Any]]:
        """Run every unit's self-test. By bed: {"firmware", "serial", "broken": [part]}, or
        {"error"} when the unit could not be asked."""
        found: dict[str, dict[str, Any]] = {}
        for bed, watch in self._watches.items():
            try:
                await self._ask_patiently(partial(Line.start_selftest, address=watch.address))
            except HardwareError as problem:
                found[bed] = {"error": str(problem)}
        await asyncio.sleep(SELFTEST_S)
        for bed, watch in self._watches.items():
            if bed in found:
                continue
            try:
                identity = await self._ask_patiently(partial(Line.identity, address=watch.address))
            except HardwareError as problem:
                found[bed] = {"error": str(problem)}
            else:
                found[bed] = {
                    "firmware": identity.firmware,
                    "serial": identity.serial,
                    "broken": list(identity.broken),
                }
        return found

    async def prove(self, bed: str) -> tuple[str, str] | None:
        address = self._watches[bed].address
        try:
            await self._ask_patiently(partial(Line.test_press, address=address))
        except HardwareError as problem:
            return problem.fault, str(problem)
        return None

    def _show(self, bed: str, lamp: str, reassurance: str, speaker: bool) -> None:
        watch = self._watches[bed]
        outputs = registers.outputs(lamp, reassurance, speaker)
        self._shown[bed] = (lamp, reassurance, speaker)
        if outputs != watch.outputs:
            watch.outputs = outputs
            self._poller.show(watch)

    def _deliver(self, told: Told) -> None:
        if self._on_event is None:
            return
        if told.counters is not None and told.bed is not None:
            self._dealt_with[told.bed] = told.counters
        if told.kind is not None:
            self._on_event(told.bed, told.kind, told.about)

    async def _ask(self, question: Question) -> Any:
        if self._loop is None or self._poller.gone:
            raise BusGoneError("the bus is not open")
        answer: asyncio.Future[Any] = self._loop.create_future()
        self._poller.ask(question, partial(self._cross, _settle, answer))
        return await answer

    async def _ask_patiently(self, question: Question) -> Any:
        for _ in range(ASK_TRIES - 1):
            with suppress(SilentError, GarbledError):
                return await self._ask(question)
        return await self._ask(question)

    def _cross(self, function: Callable[..., None], *args: Any) -> None:
        """From the bus thread into the event loop's."""
        loop = self._loop
        if loop is None:
            return
        try:
            loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            self._poller.stop()  # the loop ended without closing us; nobody is left to tell


def _settle(answer: "asyncio.Future[Any]", value: Any, problem: HardwareError | None) -> None:
    if answer.done():
        return
    if problem is not None:
        answer.set_exception(problem)
    else:
        answer.set_result(value)


def _kept(kept: dict[str, int]) -> Counters | None:
    """Counters from another version of the node are as good as none."""
    try:
        return Counters.from_json(kept)
    except (KeyError, ValueError, TypeError):
        return None


def _check(units: dict[str, int]) -> None:
    if len(units) > MOST_UNITS:
        raise WiringError(f"{len(units)} beds on one bus, {MOST_UNITS} are the most it serves")
    for bed, address in units.items():
        if not 1 <= address <= 247:
            raise WiringError(f"bed {bed}: a unit's address is 1 to 247, not {address}")
        twins = [other for other, taken in units.items() if taken == address and other != bed]
        if twins:
            raise WiringError(f"beds {bed} and {twins[0]} both name address {address}")
