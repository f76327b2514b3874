"""A small hospital in one process: wards with boxes and brokers, central, people and trouble.

`World(seed, hours).run()` lives through that many hours and raises ViolationError at the first
broken promise. Hours in which nothing can happen are leapt over: hospital time and the clock of
the drips jump, steady time does not, just as when a demonstration runs fast.
"""

import hashlib
import heapq
import logging
import os
import time
from collections import Counter, deque
from collections.abc import Callable
from itertools import count
from random import Random
from typing import Any, NoReturn

from central.capabilities import rules
from central.store import HOSPITAL, Store, StoreUnavailableError, Tx, connect
from central.wards import model as wards
from provisioning.layout import TIMEZONE
from tests.simulation.box import Box
from tests.simulation.brokers import SAVED_EVERY_S, Broker
from tests.simulation.centre import START_MS, Centre, Clock
from tests.simulation.invariants import Invariants
from tests.simulation.loop import Schedule
from tests.simulation.network import Line, Network
from tests.simulation.people import People
from tests.simulation.trouble import Trouble
from tests.simulation.upstream import Upstream

BEDS = ("1", "2", "3", "4")
NEIGHBOUR_SHARE = 0.25
LOOK_S = 0.5
LEAP_LEAST_MS = 200
LEAP_SHORT_OF_MS = 50
# When it is looked whether anything came of the moment leapt to.
LEAP_LOOK_S = 0.1
SETTLE_S = 1_800
LAST_EVENTS = 4_000


class ViolationError(AssertionError):
    """A promise was broken; says which, when, and how to see it again."""


class World:
    def __init__(self, seed: int, hours: float) -> None:
        """`hours` are ward-hours: two wards for one hour are two of them."""
        os.environ["TZ"] = TIMEZONE
        time.tzset()
        self.seed, self.hours = seed, hours
        self.chance = Random(seed)
        self.schedule = Schedule()
        self.clock = Clock(self.schedule)
        self.counts: Counter[str] = Counter()
        self.said: deque[tuple[int, str, str]] = deque(maxlen=LAST_EVENTS)
        self._hash = hashlib.blake2b(digest_size=16)
        self._plans: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._order = count()
        self._look_us = 0
        self.network = Network(self.schedule, self._own_chance())
        names = ("3", "5") if self.chance.random() < NEIGHBOUR_SHARE else ("3",)
        self.hospital = Broker(self.network, "hospital")
        self.brokers = {name: Broker(self.network, f"ward {name}") for name in names}
        self.upstreams = {
            name: Upstream(name, broker, self.hospital, Line())
            for name, broker in self.brokers.items()
        }
        self.boxes = [
            Box(name, f"{name}-{role}", role, BEDS if role == "bedside" else (), broker,
                self._own_chance(), self.hospital_ms, self._watch)
            for name, broker in self.brokers.items()
            for role in ("bedside", "station")
        ]  # fmt: skip
        # What central has committed, which outlives its process. Nobody is ever in the middle of
        # a transaction when another looks, so all share one connection.
        self.reader = connect(":memory:")
        self.console = Store(":memory:", self.clock, inline=self.reader)
        self._build(names)
        self.invariants = Invariants(self)
        self.centre = Centre(
            self.schedule, self.reader, self.clock, rules(), self.hospital, self._own_chance(),
            self.invariants.committed,
        )  # fmt: skip
        self.console.on_commit = self._console_changed
        self.people = People(self, self._own_chance())
        self.trouble = Trouble(self, self._own_chance())

    def _own_chance(self) -> Random:
        return Random(self.chance.getrandbits(64))

    def _build(self, names: tuple[str, ...]) -> None:
        with self.console.transaction() as tx:
            for name in names:
                wards.add_ward(tx, name, f"{name}病区", f"Ward {name}")
                for role in ("bedside", "station"):
                    wards.add_node(tx, f"{name}-{role}", name, role)
                for bed in BEDS:
                    wards.add_bed(tx, name, bed, f"{name}-bedside")
            if len(names) == 2:
                wards.set_neighbour(tx, names[0], names[1])
                wards.set_neighbour(tx, names[1], names[0])
            for name, role, ward in (
                ("li", "head_nurse", "3"), ("nurse", "nurse", "3"), ("zhang", "duty_manager", None),
            ):  # fmt: skip
                tx.insert("users", name=name, display=name, role=role, ward=ward,
                          password_hash="-", created_ms=0)  # fmt: skip

    # --- time ---

    def hospital_ms(self) -> int:
        """Hospital time from the start."""
        return self.schedule.now_ms + self.clock.leapt_ms

    def plan(self, delay_s: float, do: Callable[..., None], *given: Any) -> None:
        """Let people do something in hospital time."""
        due_ms = self.hospital_ms() + int(delay_s * 1000)
        heapq.heappush(self._plans, (due_ms, next(self._order), do, given))

    def run(self) -> "World":
        """Live. Raises ViolationError, also for anything that a core does not survive."""
        wards_here = len(self.brokers)
        end_ms = int(self.hours * 3_600_000 / wards_here)
        level = logging.getLogger("wardline").level
        logging.getLogger("wardline").setLevel(logging.CRITICAL)
        try:
            self.begin()
            while self.hospital_ms() < end_ms:
                self.step()
            self.trouble.end()
            self.people.end()
            self._settle()
            self.invariants.at_the_end()
        except Exception as error:
            if not isinstance(error, ViolationError):
                self.fail(f"a core ended with {error!r}", None, error)
            raise
        finally:
            logging.getLogger("wardline").setLevel(level)
            self.close()
        return self

    def begin(self) -> None:
        """Switch everything on."""
        for upstream in self.upstreams.values():
            upstream.connect()
        for box in self.boxes:
            box.power_on()
        self.centre.start()
        self.people.begin()
        self.trouble.begin()

    def _settle(self) -> None:
        """Once nothing is broken any more all must come to rest."""
        end_us = self.schedule.now_us + SETTLE_S * 1_000_000
        while not (self.quiet() and self.invariants.at_rest()):
            if self.schedule.now_us > end_us:
                self.fail("after all trouble was over the hospital never came to rest", None)
            self.step()

    def step(self) -> None:
        """Let the next thing happen, and look whether all promises hold."""
        self._next()
        process = self.centre.process
        if process is not None and process.is_ready:
            self.centre.run()
        if self.invariants.open:
            self.invariants.check()
        if self.schedule.now_us >= self._look_us:
            self._look_us = self.schedule.now_us + int(LOOK_S * 1_000_000)
            self.invariants.look()
            if self.centre.death is not None:
                self.fail(f"the bridge died of {self.centre.death!r}", None)
            if self.quiet():
                self.invariants.in_quiet()
                self._leap()

    def _next(self) -> None:
        next_us = self.schedule.next_us()
        if self._plans:
            due_us = (self._plans[0][0] - self.clock.leapt_ms) * 1000
            if next_us is None or due_us <= next_us:
                _, _, do, given = heapq.heappop(self._plans)
                self.schedule.now_us = max(self.schedule.now_us, due_us)
                do(*given)
                return
        self.schedule.step()

    # --- quiet hours ---

    def quiet(self) -> bool:
        """Whether nothing is under way that steady time counts for."""
        if self.trouble.active or not self.centre.healthy:
            return False
        for box in self.boxes:
            node = box.node
            if node is None or not box.connected or len(node.outbox) or node.outbox.disk_error:
                return False
            if not node.clock.known or node.alone:
                return False
            playing = node.voice.playing
            if (playing is not None and not playing.spoken) or any(
                not each.spoken for each in node.voice._waiting
            ):
                return False
        for upstream in self.upstreams.values():
            if upstream.connected is None or upstream.waiting:
                return False
        for broker in (self.hospital, *self.brokers.values()):
            if any(each.session.waiting for each in broker.clients.values() if each.connection):
                return False
        return not self.one(
            "SELECT (SELECT count(*) FROM commands WHERE result IS NULL)"
            " + (SELECT count(*) FROM events_waiting)"
        )

    def _leap(self) -> None:
        now_ms = self.hospital_ms()
        moments = [self._plans[0][0]] if self._plans else []
        due_ms = self.one("SELECT min(due_ms) FROM timers WHERE fired_ms IS NULL")
        if due_ms is not None:
            moments.append(due_ms - START_MS)
        for box in self.boxes:
            assert box.node is not None
            for each in box.node.drips._schedules.values():
                moments += [one["due_ms"] for one in each.prompts]
                if each.watch_stage:
                    moments.append(each.watch_due_ms)
        leap_ms = min(moments, default=now_ms) - LEAP_SHORT_OF_MS - now_ms
        if leap_ms >= LEAP_LEAST_MS:
            self.clock.leapt_ms += leap_ms
            self.counts["leapt_ms"] += leap_ms
            if leap_ms > SAVED_EVERY_S * 1000:
                for broker in (self.hospital, *self.brokers.values()):
                    broker.saved()
            self.centre.nudge(HOSPITAL, ["timers"])
            self._look_us = self.schedule.now_us + int(LEAP_LOOK_S * 1_000_000)

    # --- what is seen ---

    def one(self, sql: str, *given: Any) -> Any:
        """The first column of the first row, as central has it on disk."""
        row = self.reader.execute(sql, given).fetchone()
        return None if row is None else row[0]

    def do(self, rule: Callable[..., Any], *given: Any, **named: Any) -> Any:
        """What the console does: one transaction. None when the store refuses it."""
        try:
            with self.console.transaction() as tx:
                return rule(tx, *given, **named)
        except StoreUnavailableError:
            return None

    def read(self) -> Tx:
        return self.console.read()

    def _console_changed(self, changes: set[tuple[str, str]]) -> None:
        self.invariants.committed()
        by_ward: dict[str, list[str]] = {}
        for ward, what in sorted(changes):
            by_ward.setdefault(ward, []).append(what)
        for ward, whats in by_ward.items():
            self.centre.nudge(ward, whats)

    def _watch(self, box: Box, what: str, *details: Any) -> None:
        self.invariants.watch(box, what, *details)

    def note(self, bed: str, text: str) -> None:
        """A line of the run's story; every line is part of its trace."""
        now_ms = self.hospital_ms()
        self.said.append((now_ms, bed, text))
        self._hash.update(f"{now_ms} {self.schedule.now_us} {bed} {text}\n".encode())

    @property
    def trace(self) -> str:
        """Names this very run: the same for the same seed and program."""
        return self._hash.hexdigest()

    def fail(self, why: str, bed: str | None, cause: Exception | None = None) -> NoReturn:
        """Raises ViolationError with the last events of `bed` (None: of all)."""
        lines = [
            f"  {at_ms / 1000:12.3f} s  {place:<12} {text}"
            for at_ms, place, text in self.said
            if bed is None or place in (bed, "") or place.partition("-")[0] == bed.partition("-")[0]
        ][-60:]
        raise ViolationError(
            f"seed {self.seed}, {self.hospital_ms() / 1000:.3f} s of hospital time: {why}"
            + (f" (bed {bed})" if bed else "")
            + "\n" + "\n".join(lines)
            + f"\nreplay: ./wardline bench simulate --ward-hours {self.hours:g} --seed {self.seed}"
        ) from cause  # fmt: skip

    def figures(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "trace": self.trace,
            "lived_s": self.schedule.now_ms / 1000,
            "hospital_s": self.hospital_ms() / 1000,
            "events": self.schedule.steps,
            "messages": self.network.carried,
            "crashes": self.centre.crashes,
            "power_cuts": sum(box.power_cuts for box in self.boxes),
            **{key: value for key, value in sorted(self.counts.items()) if key != "leapt_ms"},
        }

    def close(self) -> None:
        self.centre.kill()
        self.reader.close()
