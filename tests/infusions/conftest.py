"""A ward with one box for its beds, one at the station, and a way to report from them."""

import itertools
import json
from collections.abc import Callable
from typing import Any

import pytest

from central import events, timers
from central.bridge import intake
from central.capabilities import Rules, rules
from central.clock import FakeClock
from central.events import NodeEvent
from central.infusions import service
from central.store import Row, Store
from central.wards import model as wards
from gateway.mqtt.checked import encode

BOX, STATION = "3-box", "3-station"


class Ward:
    """Ward 3 as a test drives it."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.rules: Rules = rules()
        self._seq = itertools.count(1)
        with store.transaction() as tx:
            wards.add_ward(tx, "3", "三病区", "Ward 3")
            wards.add_node(tx, BOX, "3", "bedside")
            wards.add_node(tx, STATION, "3", "station")
            for bed in ("1", "2", "5"):
                wards.add_bed(tx, "3", bed, BOX)
            wards.add_bed(tx, "3", "9", None)
            tx.execute("UPDATE nodes SET state = 'ready'")

    def do(self, action: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        with self.store.transaction() as tx:
            return action(tx, *args, **kwargs)

    def start(self, **changes: Any) -> int:
        """200 minutes: prompts after 160, 180 and 200."""
        given = {
            "ward": "3",
            "bed": "5",
            "volume_ml": 500,
            "factor": 20,
            "gtt_per_min": 50,
            "by": "nurse3",
        }
        return int(self.do(service.start, **(given | changes)))

    def report(self, type: str, *, bed: str | None = "5", **about: Any) -> None:
        """An event from the box, now."""
        seq = next(self._seq)
        now_ms = self.clock.now_ms()
        event = NodeEvent(f"{BOX}:1:{seq}", BOX, "3", bed, 1, seq, type, about, now_ms, now_ms)
        with self.store.transaction() as tx:
            assert events.store(tx, event)
            intake.act(tx, self.rules, limit=10)
        failure = self.store.read().value("SELECT failure FROM events WHERE seq = ?", (seq,))
        assert failure is None

    def wait(self, minutes: float) -> None:
        """Let hospital time pass, firing every timer at its own moment."""
        until_ms = self.clock.now_ms() + int(minutes * 60_000)
        while True:
            due_ms = timers.next_due_ms(self.store.read())
            if due_ms is None or due_ms > until_ms:
                break
            self.clock.value_ms = max(self.clock.value_ms, due_ms)
            with self.store.transaction() as tx:
                intake.fire_due(tx, self.rules)
        self.clock.value_ms = until_ms
        failures = self.store.read().all("SELECT failure FROM timers WHERE failure IS NOT NULL")
        assert [row[0] for row in failures] == []

    def schedules(self, infusion: int | None = None) -> list[dict[str, Any]]:
        """Every schedule sent to the box, oldest first, as it would go over the wire."""
        found = []
        for row in self.store.read().all(
            "SELECT * FROM commands WHERE type = 'reminders' AND node = ? ORDER BY id", (BOX,)
        ):
            body = json.loads(row["body"])
            message = {"id": "1", "type": "reminders", "expires_at_ms": 1, "bed": row["bed"]}
            encode("command", message | {"body": body})
            if infusion is None or body["infusion"] == str(infusion):
                found.append(body)
        return found

    def said_at_station(self) -> list[str]:
        rows = self.store.read().all(
            "SELECT body FROM commands WHERE type = 'speak' AND node = ? ORDER BY id", (STATION,)
        )
        return [json.loads(row["body"])["words"]["text"] for row in rows]

    def calls(self, type: str = "infusion") -> list[Row]:
        return self.store.read().all("SELECT * FROM calls WHERE type = ? ORDER BY id", (type,))

    def row(self, infusion: int) -> Row:
        found = self.store.read().one("SELECT * FROM infusions WHERE id = ?", (infusion,))
        assert found is not None
        return found

    def history(self, infusion: int) -> list[str]:
        rows = self.store.read().all(
            "SELECT what FROM infusion_events WHERE infusion = ? ORDER BY id", (infusion,)
        )
        return [row["what"] for row in rows]


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Ward:
    return Ward(store, clock)
