"""The exchange as the console sees it: asked once for all who look at the same time."""

import threading
import time
from collections.abc import Callable
from typing import Any

from gateway.telephone.ari.account import Account
from gateway.telephone.ari.asking import ask
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.picture import Picture, picture

# A page asks every two seconds; who looks within the second sees what the other saw.
FRESH_S = 1.0
TIMEOUT_S = 2.0
Ask = Callable[[Account, str, float], Any]


class Watch:
    """One per web process. `steady_s`: seconds that never go back."""

    def __init__(
        self, account: Account, ask: Ask = ask, steady_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._account = account
        self._ask = ask
        self._steady_s = steady_s
        self._turn = threading.Lock()
        self._seen: Picture | ExchangeError | None = None
        self._until_s = 0.0

    def look(self) -> Picture:
        """Raises ExchangeError's kinds, and so for everybody who looks within the second: an
        exchange that hangs holds up one thread, not each."""
        with self._turn:
            if self._seen is None or self._steady_s() >= self._until_s:
                try:
                    said = [
                        self._ask(self._account, path, TIMEOUT_S)
                        for path in ("channels", "bridges", "endpoints")
                    ]
                    self._seen = picture(*said)
                except ExchangeError as error:
                    self._seen = error
                self._until_s = self._steady_s() + FRESH_S
            seen = self._seen
        if isinstance(seen, ExchangeError):
            raise seen
        return seen
