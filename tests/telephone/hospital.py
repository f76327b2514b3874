"""A store with a directory, an exchange that knows it, and the telephones that stand in it."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from central.clock import Clock, FakeClock
from central.directory import model
from central.store import Store, Tx
from tests.telephone.phone import HUM_S, Baresip
from tests.telephone.running import RunningExchange


@contextlib.contextmanager
def opened(
    folder: Path, build: Callable[[Tx], None], clock: Clock | None = None
) -> Iterator[Store]:
    """A store in `folder`, filled by `build`."""
    store = Store(folder / "wardline.db", clock or FakeClock())
    with store.transaction() as tx:
        build(tx)
    yield store
    store.close()


@contextlib.contextmanager
def at_work(
    folder: Path, store: Store, prepare: Callable[[Path], None] = lambda folder: None
) -> Iterator[RunningExchange]:
    """An exchange that knows what stands in `store`. prepare: what else is put into its folder
    before it starts."""
    running = RunningExchange(folder, model.directory(store.read()))
    prepare(folder)
    running.start()
    yield running
    running.close()


class Phones:
    """The telephones of a store's directory, as they are plugged in."""

    def __init__(self, folder: Path, store: Store, exchange: RunningExchange) -> None:
        self._folder = folder
        self._store = store
        self._sip = exchange.settings.ports.sip

    def plugged_in(
        self, device: str, *, hum_s: float = HUM_S, modules: Sequence[str] = ()
    ) -> Baresip:
        row = model.phone(self._store.read(), device)
        assert row is not None
        return Baresip(
            self._folder / device, device, row["password"], self._sip, hum_s=hum_s, modules=modules
        )
