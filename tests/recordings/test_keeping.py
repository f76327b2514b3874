"""When a recording that lies in the exchange's folder is taken up."""

import wave
from pathlib import Path

from central.call_records import service as call_records
from central.clock import FakeClock
from central.recordings import service
from central.recordings.keeping import ENDED_AFTER_MS, Keeper
from central.store import Store
from gateway.telephone.files.recording import BY_EXCHANGE
from tests.call_records.conftest import build, written


def over(store: Store, folder: Path) -> Path:
    """A call is over; where its recording is to lie."""
    events = written("passed_on")
    with store.transaction() as tx:
        build(tx)
        rule = service.add_rule(tx, extension="8003", keep_days=30)
        call_records.take(tx, events, {})
    path = folder / BY_EXCHANGE / f"rule-{rule}-{events[0].unique}.wav"
    path.parent.mkdir(parents=True)
    return path


async def test_a_recording_that_is_still_being_written_after_its_call_is_not_taken_up(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    """The exchange writes two seconds at once, and at last, how long it has become."""
    path = over(store, tmp_path)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", "not compressed"))
        file.writeframes(bytes(64_000))
    whole = path.read_bytes()
    path.write_bytes(whole[:40] + bytes(4) + whole[44:32_768])
    clock.value_ms = int(path.stat().st_mtime * 1000)
    keeper = Keeper(store, tmp_path)
    assert [await keeper.look() for _ in range(3)] == [[], [], []]
    path.write_bytes(whole)
    assert await keeper.look() == []
    (id,) = await keeper.look()
    row = store.read().one("SELECT bytes, length_ms FROM recordings WHERE id = ?", (id,))
    assert row is not None
    assert tuple(row) == (len(whole), 4000)


async def test_one_whose_exchange_has_died_over_it_is_taken_up_later(
    store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    path = over(store, tmp_path)
    path.write_bytes(bytes(32_768))
    clock.value_ms = int(path.stat().st_mtime * 1000)
    keeper = Keeper(store, tmp_path)
    assert [await keeper.look() for _ in range(2)] == [[], []]
    clock.advance(ENDED_AFTER_MS + 1000)
    assert len(await keeper.look()) == 1
