"""Ward 3 with beds 1 to 4 and its neighbour, ward 5; and a bridge without a network."""

import json
from typing import Any

from central import events, timers
from central.bridge import intake
from central.calls import service as calls_service
from central.capabilities import Rules
from central.clock import FakeClock
from central.escalation import service as escalation_service
from central.events import NodeEvent
from central.faults import service as faults_service
from central.store import Row, Store, Tx
from central.technical import service as technical_service
from central.wards import model as wards
from gateway.mqtt import kinds


def rules() -> Rules:
    gathered = Rules()
    for service in (faults_service, calls_service, escalation_service, technical_service):
        gathered.add(service)
    return gathered


def add_user(tx: Tx, name: str, role: str, ward: str | None = None) -> None:
    tx.insert(
        "users", name=name, display=name, role=role, ward=ward, password_hash="-", created_ms=0
    )


def build(store: Store) -> None:
    with store.transaction() as tx:
        for ward in ("3", "5"):
            wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
            for role in ("bedside", "station"):
                wards.add_node(tx, f"{ward}-{role}", ward, role)
            for bed in "1234":
                wards.add_bed(tx, ward, bed, f"{ward}-bedside")
        tx.execute("UPDATE nodes SET state = 'ready'")
        wards.set_neighbour(tx, "3", "5")
        wards.set_neighbour(tx, "5", "3")
        add_user(tx, "li", "head_nurse", "3")
        add_user(tx, "wu", "head_nurse", "5")
        add_user(tx, "zhang", "duty_manager")
        add_user(tx, "gong", "engineer")


class Ward:
    """Operates the buttons of ward 3, lets time pass, and reads what came of it."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.store = store
        self.clock = clock
        self.rules = rules()
        self.boot = 1
        self.seq = 0

    def event(self, type: str, bed: str = "1", age_ms: int = 0, **about: Any) -> NodeEvent:
        """The next event of ward 3's box, not taken in yet."""
        self.seq += 1
        now_ms = self.clock.now_ms()
        return NodeEvent(
            id=kinds.event_id("3-bedside", self.boot, self.seq),
            node="3-bedside",
            ward="3",
            bed=bed,
            boot=self.boot,
            seq=self.seq,
            type=type,
            about=about,
            happened_ms=now_ms - age_ms,
            stored_ms=now_ms,
        )

    def take(self, event: NodeEvent) -> bool:
        with self.store.transaction() as tx:
            new = events.store(tx, event)
            intake.act(tx, self.rules, limit=10)
            return new

    def operate(self, type: str, bed: str = "1", **about: Any) -> None:
        assert self.take(self.event(type, bed, **about))

    def do(self, rule: Any, *args: Any, **kwargs: Any) -> Any:
        """Call a rule in a transaction of its own."""
        with self.store.transaction() as tx:
            return rule(tx, *args, **kwargs)

    def pass_s(self, seconds: float) -> None:
        """Let hospital time pass, firing every timer at its moment."""
        end_ms = self.clock.now_ms() + int(seconds * 1000)
        while True:
            due_ms = timers.next_due_ms(self.store.read())
            if due_ms is None or due_ms > end_ms:
                break
            self.clock.value_ms = max(due_ms, self.clock.value_ms)
            with self.store.transaction() as tx:
                intake.fire_due(tx, self.rules)
        self.clock.value_ms = end_ms

    def calls(self) -> list[Row]:
        return self.store.read().all("SELECT * FROM calls ORDER BY id")

    def call(self) -> Row:
        """The only call."""
        (row,) = self.calls()
        return row

    def story(self, call_id: int = 1) -> list[str]:
        return [
            row["what"]
            for row in self.store.read().all(
                "SELECT what FROM call_history WHERE call = ? ORDER BY id", (call_id,)
            )
        ]

    def sent(self, type: str, node: str | None = None) -> list[dict[str, Any]]:
        """The bodies of commands so far, oldest first."""
        rows = self.store.read().all(
            "SELECT body FROM commands WHERE type = ? AND (? IS NULL OR node = ?) ORDER BY id",
            (type, node, node),
        )
        return [json.loads(row["body"]) for row in rows]

    def answer_speech(self, node: str, result: str = kinds.DONE) -> None:
        """The node has spoken all it was asked to."""
        rows = self.store.read().all(
            "SELECT id FROM commands WHERE node = ? AND type = 'speak' AND result IS NULL", (node,)
        )
        with self.store.transaction() as tx:
            for row in rows:
                intake.take_ack(tx, self.rules, node, {"id": str(row["id"]), "result": result})

    def faults(self) -> list[tuple[str, str]]:
        return [
            (row["device"], row["code"])
            for row in self.store.read().all("SELECT * FROM faults WHERE cleared_ms IS NULL")
        ]

    def failures(self) -> list[str]:
        """Rules that raised; a test that passes has none."""
        read = self.store.read()
        return [
            row["failure"]
            for table in ("events", "timers")
            for row in read.all(f"SELECT failure FROM {table} WHERE failure IS NOT NULL")
        ]


__all__ = ["Ward", "add_user", "build", "rules"]
