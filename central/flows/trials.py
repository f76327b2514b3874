"""The text telephones that are open in the console: each belongs to who began it, and goes when
nobody has pressed anything for a while."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from central.flows.trying import TextTelephone

IDLE_S = 15 * 60.0
MOST_EACH = 4


@dataclass
class Trial:
    """lock: held while a key is at work; a look-up takes its time."""

    by: str
    telephone: TextTelephone
    used_s: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class Trials:
    def __init__(self, now_s: Callable[[], float] = time.monotonic) -> None:
        self._now_s = now_s
        self._open: dict[str, Trial] = {}
        self._lock = threading.Lock()

    def add(self, by: str, telephone: TextTelephone) -> str:
        """Returns its name, which nobody guesses."""
        name = secrets.token_urlsafe(16)
        with self._lock:
            self._forget_idle()
            mine = [each for each, trial in self._open.items() if trial.by == by]
            for each in mine[: max(0, len(mine) - MOST_EACH + 1)]:
                del self._open[each]
            self._open[name] = Trial(by, telephone, self._now_s())
        return name

    def find(self, by: str, name: str) -> Trial | None:
        with self._lock:
            self._forget_idle()
            trial = self._open.get(name)
            if trial is None or trial.by != by:
                return None
            trial.used_s = self._now_s()
            return trial

    def remove(self, by: str, name: str) -> None:
        if self.find(by, name) is not None:
            with self._lock:
                self._open.pop(name, None)

    def _forget_idle(self) -> None:
        oldest_s = self._now_s() - IDLE_S
        for name in [each for each, trial in self._open.items() if trial.used_s < oldest_s]:
            del self._open[name]
