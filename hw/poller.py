"""The thread that asks the units of a bus, one after the other, for as long as it lives.

minimalmodbus blocks, so it may not run in the event loop. All that is told from here is told
in this thread; `hw.bus.BusWard` carries it over.
"""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from hw.errors import BusGoneError, GarbledError, HardwareError, SilentError
from hw.kinds import FAULT, GARBLED, GONE, RECOVERED, SILENT
from hw.line import Line
from hw.rota import Rota
from hw.watch import Told, UnitWatch

# Few units are not asked more often than this: nobody would notice.
ROUND_MS = 60
# One damaged answer is asked for again at once, but a cut cable may not cost each unit two
# time-outs.
REPEATS_IN_A_ROUND = 4
MOST_READS = 3  # of one unit in its turn: a failure, news, and its confirmation
REOPEN_FIRST_S, REOPEN_LAST_S = 0.25, 2.0

log = logging.getLogger(__name__)

Question = Callable[[Line], Any]
Answer = Callable[[Any, HardwareError | None], None]


class Poller:
    def __init__(
        self,
        port: str,
        watches: Sequence[UnitWatch],
        *,
        clock_ms: Callable[[], int],
        open_line: Callable[[str], Line],
        tell: Callable[[Told], None],
    ) -> None:
        """`tell` is called in the thread with each thing to tell, in order."""
        self.gone = False
        self.poll_ms: int | None = None  # the last round
        self._port = port
        self._watches = watches
        self._clock_ms = clock_ms
        self._open_line = open_line
        self._tell_one = tell
        self._rota = Rota(watches)
        self._to_write: deque[UnitWatch] = deque()
        self._questions: deque[tuple[Question, Answer]] = deque()
        self._repeats_left = 0
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="bus", daemon=True)

    # --- called from other threads ---

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """The thread ends within one time-out; `join` waits for that."""
        self._stop.set()
        self._wake.set()

    def join(self) -> None:
        self._thread.join()
        self._drop_questions("the bus is closed")

    def show(self, watch: UnitWatch) -> None:
        """Write `watch.outputs` before the next poll."""
        self._to_write.append(watch)
        self._wake.set()

    def ask(self, question: Question, answer: Answer) -> None:
        """Run `question` before the next poll; `answer(value, None)` or `answer(None, problem)`
        is called in the bus thread."""
        self._questions.append((question, answer))
        self._wake.set()
        if self.gone or self._stop.is_set():  # perhaps since the caller looked
            self._drop_questions("the bus is not open")

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
        while self._questions:
            question, answer = self._questions.popleft()
            try:
                answer(question(line), None)
            except (SilentError, GarbledError) as problem:
                answer(None, problem)
            except BusGoneError as problem:
                answer(None, problem)
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
        first = not self.gone
        self.gone = True
        self.poll_ms = None
        self._drop_questions(detail)
        if first:
            self._tell([Told(None, FAULT, {"device": "bus", "code": GONE, "detail": detail})])

    def _bus_back(self) -> None:
        for watch in self._watches:
            watch.bus_is_back(self._clock_ms())
        if self.gone:
            self.gone = False
            self._tell([Told(None, RECOVERED, {"device": "bus", "code": GONE})])

    def _drop_questions(self, why: str) -> None:
        while True:
            try:
                _question, answer = self._questions.popleft()
            except IndexError:
                return
            answer(None, BusGoneError(why))

    def _tell(self, told: Iterable[Told]) -> None:
        for one in told:
            self._tell_one(one)
