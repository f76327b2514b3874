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
        self.steps = 0
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
        self.steps += 1
        self.now_us, _, do, given = heapq.heappop(self._queue)
        do(*given)


class Handle:
    """Something that a loop will call, unless it is cancelled before."""

    __slots__ = ("_when", "args", "callback", "is_cancelled")

    def __init__(self, callback: Any, args: tuple[Any, ...], when: float) -> None:
        self.callback, self.args, self._when = callback, args, when
        self.is_cancelled = False

    def cancel(self) -> None:
        self.is_cancelled = True

    def cancelled(self) -> bool:
        return self.is_cancelled

    def when(self) -> float:
        return self._when


class Loop(asyncio.AbstractEventLoop):
    """The event loop of one simulated process. `answer_s` draws how long what another thread
    did (a commit) takes until this one learns of it."""

    def __init__(self, schedule: Schedule, answer_s: Callable[[], float]) -> None:
        self._schedule = schedule
        self._answer_s = answer_s
        self._ready: deque[Handle] = deque()
        self._tasks: dict[asyncio.Task[Any], None] = {}  # in the order they began
        self._answers_at_us = 0
        self.killed = False

    # --- what asyncio asks of a loop. Nothing that runs here uses context variables. ---

    def time(self) -> float:
        return self._schedule.now_us / 1_000_000

    def call_soon(self, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args, 0.0)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(self, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args, 0.0)
        # In the order in which the other thread spoke.
        due_us = self._schedule.now_us + int(self._answer_s() * 1_000_000)
        self._answers_at_us = max(self._answers_at_us, due_us)
        self._schedule.at(self._answers_at_us, self._due, handle)
        return handle

    def call_at(self, when: float, callback: Any, *args: Any, context: Any = None) -> Any:
        handle = Handle(callback, args, when)
        self._schedule.at(round(when * 1_000_000), self._due, handle)
        return handle

    def call_later(self, delay: float, callback: Any, *args: Any, context: Any = None) -> Any:
        return self.call_at(self.time() + delay, callback, *args)

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
        pass  # what asyncio tells on the side; what a callback raises ends the run

    # --- what the simulation asks of it ---

    def _due(self, handle: Handle) -> None:
        if not self.killed and not handle.is_cancelled:
            self._ready.append(handle)

    @property
    def is_ready(self) -> bool:
        return bool(self._ready)

    def run(self, most: int | None) -> int:
        """Run all that is ready, `most` callbacks at most: each takes a task from one await to its
        next. Returns how many."""
        ready, ran = self._ready, 0
        # One process after the other in one thread, so this is the running loop for that long.
        before = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        try:
            while ready and ran != most:
                handle = ready.popleft()
                ran += 1
                if not handle.is_cancelled:
                    handle.callback(*handle.args)
        finally:
            asyncio._set_running_loop(before)
        return ran

    def kill(self) -> None:
        """End the process here and now. Its tasks are unwound so that Python can forget them;
        whoever calls this has cut all their ports before, so nobody sees them do it."""
        self.killed = True
        while self._tasks:
            for task in list(self._tasks):
                task.cancel()
            while self._ready:
                try:
                    self.run(None)
                except Exception:
                    pass  # it finds nothing of what it worked with
            if all(task.cancelling() > 50 for task in self._tasks):
                break
