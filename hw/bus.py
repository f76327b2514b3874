"""The bedside bus: up to 32 units on one RS-485 line, polled in a thread of its own."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from hw import registers
from hw.clock import steady_ms
from hw.errors import BusGoneError, GarbledError, HardwareError, SilentError, WiringError
from hw.kinds import FAULT, GARBLED, GONE, OFF, RECOVERED, SILENT
from hw.line import Line
from hw.registers import Counters
from hw.rota import Rota
from hw.ward import OnEvent
from hw.watch import Told, UnitWatch

MOST_UNITS = 32
# Few units are not asked more often than this: nobody would notice.
ROUND_MS = 60
# One damaged answer is asked for again at once, but a cut cable may not cost each unit two
# time-outs.
REPEATS_IN_A_ROUND = 4
MOST_READS = 3  # of one unit in its turn: a failure, news, and its confirmation
REOPEN_FIRST_S, REOPEN_LAST_S = 0.25, 2.0
SELFTEST_S = 1.2

log = logging.getLogger(__name__)

Job = tuple[Callable[[Line], Any], "asyncio.Future[Any]"]


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
        self._port = port
        self._clock_ms = clock_ms
        self._open_line = open_line
        self._watches = {
            bed: UnitWatch(bed, address, known.get(bed), clock_ms())
            for bed, address in units.items()
        }
        self._rota = Rota(list(self._watches.values()))
        self._shown = dict.fromkeys(units, (OFF, OFF, False))
        self._dealt_with = {bed: kept for bed, kept in known.items() if kept and bed in units}
        self._to_write: deque[UnitWatch] = deque()
        self._jobs: deque[Job] = deque()
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._gone = False
        self._repeats_left = 0
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._on_event: OnEvent | None = None
        self.poll_ms: int | None = None

    def start(self, on_event: OnEvent) -> None:
        """Begin to poll; see `hw.ward.WardHardware.start`."""
        self._loop = asyncio.get_running_loop()
        self._on_event = on_event
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Stop polling and free the port. The units put out their own promises."""
        self._on_event = None
        self._stop.set()
        self._wake.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None
        self._drop_jobs("the bus is closed")

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
        return [bed for bed, watch in self._watches.items() if self._gone or watch.fault]

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
                await self._ask(partial(Line.start_selftest, address=watch.address))
            except HardwareError as problem:
                found[bed] = {"error": str(problem)}
        await asyncio.sleep(SELFTEST_S)
        for bed, watch in self._watches.items():
            if bed in found:
                continue
            try:
                identity = await self._ask(partial(Line.identity, address=watch.address))
            except HardwareError as problem:
                found[bed] = {"error": str(problem)}
            else:
                found[bed] = {
                    "firmware": identity.firmware,
                    "serial": identity.serial,
                    "broken": list(identity.broken),
                }
        return found

    # --- in the event loop's thread ---

    def _show(self, bed: str, lamp: str, reassurance: str, speaker: bool) -> None:
        watch = self._watches[bed]
        outputs = registers.outputs(lamp, reassurance, speaker)
        self._shown[bed] = (lamp, reassurance, speaker)
        if outputs != watch.outputs:
            watch.outputs = outputs
            self._to_write.append(watch)
            self._wake.set()

    def _deliver(self, told: Told) -> None:
        if self._on_event is None:
            return
        if told.counters is not None and told.bed is not None:
            self._dealt_with[told.bed] = told.counters
        if told.kind is not None:
            self._on_event(told.bed, told.kind, told.about)

    async def _ask(self, question: Callable[[Line], Any]) -> Any:
        if self._thread is None or self._gone:
            raise BusGoneError("the bus is not open")
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._jobs.append((question, answer))
        self._wake.set()
        return await answer

    # --- in the bus thread ---

    def _run(self) -> None:
        wait_s = REOPEN_FIRST_S
        while not self._stop.is_set():
            try:
                line = self._open_line(self._port)
            except BusGoneError as problem:
                self._bus_gone(str(problem))
                self._stop.wait(wait_s)
                wait_s = min(wait_s * 2, REOPEN_LAST_S)
                continue
            wait_s = REOPEN_FIRST_S
            self._bus_back()
            try:
                while not self._stop.is_set():
                    self._round(line)
            except BusGoneError as problem:
                self._bus_gone(str(problem))
            except Exception as problem:
                # A dead thread would be a deaf ward that nobody knows of.
                log.exception("the bus on %s is opened anew", self._port)
                self._bus_gone(f"unexpected: {problem!r}")
                self._stop.wait(REOPEN_FIRST_S)
            finally:
                line.close()

    def _round(self, line: Line) -> None:
        began_ms = self._clock_ms()
        self._repeats_left = REPEATS_IN_A_ROUND
        for watch in self._rota.round(began_ms):
            self._urgent(line)
            self._poll(line, watch)
            if self._stop.is_set():
                return
        self.poll_ms = self._clock_ms() - began_ms
        rest_ms = ROUND_MS - self.poll_ms
        if rest_ms > 0:
            self._wake.wait(rest_ms / 1000)
        self._urgent(line)

    def _urgent(self, line: Line) -> None:
        """What jumps the queue: lights and relays, and what a person asked for."""
        self._wake.clear()
        while self._to_write:
            watch = self._to_write.popleft()
            if not watch.doubtful:
                try:
                    line.show(watch.address, watch.outputs)
                except (SilentError, GarbledError):
                    pass  # the next poll sees the old lights and this is written again
        while self._jobs:
            question, answer = self._jobs.popleft()
            try:
                self._cross(_settle, answer, question(line), None)
            except (SilentError, GarbledError) as problem:
                self._cross(_settle, answer, None, problem)
            except BusGoneError as problem:
                self._cross(_settle, answer, None, problem)
                raise

    def _poll(self, line: Line, watch: UnitWatch) -> None:
        was_doubtful = watch.doubtful
        for _ in range(MOST_READS):
            if self._read(line, watch):
                if not watch.unconfirmed:
                    return
            elif was_doubtful or not self._repeats_left:
                return
            else:
                self._repeats_left -= 1

    def _read(self, line: Line, watch: UnitWatch) -> bool:
        """Ask a unit once and tell what came of it. False when nothing useful came."""
        broken = ""
        try:
            reading = line.poll(watch.address)
            if reading.status.selftest_failed:
                broken = ", ".join(line.identity(watch.address).broken)
        except SilentError as problem:
            self._failed(watch, SILENT, str(problem))
            return False
        except GarbledError as problem:
            self._failed(watch, GARBLED, str(problem))
            return False
        self._tell(watch.answered(reading, self._clock_ms(), broken))
        if watch.wants_outputs(reading):
            self._to_write.append(watch)
        return True

    def _failed(self, watch: UnitWatch, code: str, detail: str) -> None:
        noise = self._rota.noise(besides=watch)
        self._tell(watch.failed(code, detail, self._clock_ms(), noise))

    def _bus_gone(self, detail: str) -> None:
        self._drop_jobs(detail)
        if not self._gone:
            self._gone = True
            self.poll_ms = None
            about = {"device": "bus", "code": GONE, "detail": detail}
            self._tell([Told(None, FAULT, about)])

    def _bus_back(self) -> None:
        for watch in self._watches.values():
            watch.bus_is_back(self._clock_ms())
        if self._gone:
            self._gone = False
            self._tell([Told(None, RECOVERED, {"device": "bus", "code": GONE})])

    def _drop_jobs(self, why: str) -> None:
        while self._jobs:
            self._cross(_settle, self._jobs.popleft()[1], None, BusGoneError(why))

    def _tell(self, told: Iterable[Told]) -> None:
        for one in told:
            self._cross(self._deliver, one)

    def _cross(self, function: Callable[..., None], *args: Any) -> None:
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(function, *args)
        except RuntimeError:
            self._stop.set()  # the loop ended without closing us; nobody is left to tell


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
