"""Simulated time: one queue of what happens next, and an asyncio event loop on top of it.

Nothing sleeps and nothing runs beside anything else: a run is one sequence of steps, the same
for the same seed.
"""

import asyncio
import heapq
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import count
from typing import Any


class Schedule:
    """What happens at which moment of steady time, in microseconds from the start."""

    def __init__(self) -> None:
        self.now_us = 0
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()

    @property
    def now_ms(self) -> int:
        return self.now_us // 1000

    def at(self, when_us: int, do: Callable[..., None], *given: Any) -> None:
        heapq.heappush(self._queue, (max(when_us, self.now_us), next(self._order), do, given))

    def after(self, delay_s: float, do: Callable[..., None], *given: Any) -> None:
        self.at(self.now_us + int(delay_s * 1_000_000), do, *given)

    def next_us(self) -> int | None:
        return self._queue[0][0] if self._queue else None

    def step(self) -> None:
        """Move to the next moment and let happen what is due first."""
        self.now_us, _, do, given = heapq.heappop(self._queue)
        do(*given)


class Loop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process. `answer_s` draws how long what another thread
    did (a commit) takes until this one learns of it."""

    def __init__(self, schedule: Schedule, answer_s: Callable[[], float]) -> None:
        self._schedule = schedule
        self._answer_s = answer_s
        self._ready: deque[asyncio.Handle] = deque()
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order they began
        self._answers_at_us = 0
        self.killed = False
        self.failures: list[dict[str, Any]] = []

    # --- what asyncio asks of a loop ---

    def time(self) -> float:
        return self._schedule.now_us / 1_000_000

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        # In the order in which the other thread spoke.
        due_us = self._schedule.now_us + int(self._answer_s() * 1_000_000)
        self._answers_at_us = max(self._answers_at_us, due_us)
        self._schedule.at(self._answers_at_us, self._due, handle)
        return handle

    def call_at(
        self, when: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._schedule.at(round(when * 1_000_000), self._due, handle)
        return handle

    def call_later(
        self, delay: float, callback: Any, *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def create_future(self) -> "asyncio.Future[Any]":
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Any = None
    ) -> "asyncio.Task[Any]":
        task = asyncio.Task(coro, loop=self, name=name or "simulated", context=context)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        self.failures.append(context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass  # passed over when its moment comes

    # --- what the simulation asks of it ---

    def _due(self, handle: asyncio.Handle) -> None:
        if not self.killed and not handle.cancelled():
            self._ready.append(handle)

    @property
    def is_ready(self) -> bool:
        return bool(self._ready)

    def step(self) -> None:
        """Run one callback: a task from one await to its next."""
        handle = self._ready.popleft()
        if handle.cancelled():
            return
        # One after the other in one thread, so this is the running loop for that long.
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(before)

    def kill(self) -> None:
        """End the process here and now. Its tasks are unwound so that Python can forget them;
        whoever calls this has cut all their ports before, so nobody sees them do it."""
        self.killed = True
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            while self._ready:
                self.step()
            if all(task.cancelling() > 50 for task in self._tasks):
                break
