"""Patients and nurses, who act at random: often at once, sometimes forgetting what they began."""

from random import Random
from typing import Any

from central.announcements import service as announcements
from central.calls import service as calls
from central.calls.errors import CallEndedError
from central.errors import FieldError
from central.infusions import service as infusions
from tests.simulation.box import Box
from ward_node.contract import kinds

PATIENT_S = 20_000.0  # between two calls of a bed
DRIP_S = 20_000.0  # between two drips of a ward
SAYING_S = 40_000.0
ROUND_S = 240.0  # between two looks of a nurse at her ward
STAYS_S = 40.0
GOES_SHARE = 0.6
NURSE = "nurse"
CALLS = (kinds.PRESS,) * 6 + (kinds.HOLD, kinds.CORD, kinds.UNPLUGGED)


class People:
    def __init__(self, world: Any, chance: Random) -> None:
        self._world, self._chance = world, chance
        self._over = False
        self._looking: set[str] = set()
        self._bedsides = [box for box in world.boxes if box.me.role == "bedside"]

    def begin(self) -> None:
        for box in self._bedsides:
            for bed in box.me.beds:
                self._later(PATIENT_S, self._patient, box, bed)
            self._later(DRIP_S, self._drip, box)
            self._later(SAYING_S, self._saying, box.me.ward)

    def end(self) -> None:
        """No more calls; nurses see to what is open."""
        self._over = True
        for box in self._bedsides:
            self._world.plan(5.0, self._look, box, 1.0)
            self._end_drips(box.me.ward)

    def gather(self, within_s: float) -> None:
        """Something goes wrong: let people press and come in the middle of it."""
        for _ in range(self._chance.randint(1, 4)):
            box = self._chance.choice(self._bedsides)
            bed = self._chance.choice(box.me.beds)
            at_s = self._chance.uniform(0.0, within_s + 2)
            act = self._chance.random()
            if act < 0.7:
                self._world.plan(at_s, self._call, box, bed)
            elif act < 0.9:
                self._world.plan(at_s, self._visit, box, bed)
            else:
                self._world.plan(at_s, self._board, box.me.ward)

    def _later(self, mean_s: float, do: Any, *given: Any) -> None:
        self._world.plan(self._chance.expovariate(1 / mean_s), do, *given)

    # --- patients ---

    def _patient(self, box: Box, bed: str) -> None:
        if not self._over:
            self._later(PATIENT_S, self._patient, box, bed)
            self._call(box, bed)

    def _call(self, box: Box, bed: str) -> None:
        if self._over:
            return
        kind = self._chance.choice(CALLS)
        box.happens(bed, kind)
        if self._chance.random() < 0.3:
            self._world.plan(self._chance.uniform(0.3, 20), self._call, box, bed)
        if kind == kinds.CORD:
            self._world.plan(self._chance.uniform(1, 60), box.happens, bed, kinds.CORD_RESET)
        elif kind == kinds.UNPLUGGED:
            self._world.plan(self._chance.uniform(1, 60), box.happens, bed, kinds.PLUGGED)
        self.somebody_looks(box)

    # --- nurses ---

    def somebody_looks(self, box: Box) -> None:
        """A call makes a nurse of the ward look at board and lamps, soon or late."""
        if box.me.ward not in self._looking:
            self._looking.add(box.me.ward)
            self._later(60.0, self._look, box, GOES_SHARE)

    def _look(self, box: Box, goes_share: float) -> None:
        ward = box.me.ward
        self._looking.discard(ward)
        self._board(ward)
        lit = {row["bed"] for row in self._world.invariants.live if row["ward"] == ward}
        if box.node is not None:
            lit |= {name for name, bed in box.node.beds.items() if bed.lamp != kinds.OFF}
        for bed in sorted(each for each in lit if each is not None):
            if self._chance.random() < goes_share:
                self._world.plan(self._chance.uniform(2, 60), self._visit, box, bed)
        if lit or self._over:
            self._looking.add(ward)
            share = 1.0 if self._over else GOES_SHARE
            self._world.plan(20 + self._chance.expovariate(1 / ROUND_S), self._look, box, share)

    def _board(self, ward: str) -> None:
        rows = [row for row in self._world.invariants.live if row["ward"] == ward]
        for row in rows:
            does = self._chance.random()
            try:
                if row["bed"] is None:
                    if does < 0.3 or self._over:
                        self._world.do(calls.resolve, row["id"], NURSE)
                elif does < 0.4:
                    self._world.do(calls.accept, row["id"], NURSE, "board")
                elif does < 0.55:
                    self._world.do(calls.on_the_way, row["id"], NURSE, "board")
            except CallEndedError:
                pass

    def _visit(self, box: Box, bed: str) -> None:
        box.happens(bed, kinds.PRESENCE)
        self._world.plan(
            self._chance.expovariate(1 / STAYS_S), box.happens, bed, kinds.PRESENCE_END
        )
        if self._chance.random() < 0.5:
            self._world.plan(self._chance.uniform(1, 30), self._see_to_drips, box.me.ward, bed)

    # --- drips and announcements ---

    def _drip(self, box: Box) -> None:
        if self._over:
            return
        self._later(DRIP_S, self._drip, box)
        ward, bed = box.me.ward, self._chance.choice(box.me.beds)
        try:
            if self._chance.random() < 0.2:
                self._world.do(infusions.remind_dressing, ward=ward, bed=bed,
                               in_min=self._chance.randint(5, 300), by=NURSE)  # fmt: skip
            else:
                self._world.do(
                    infusions.start, ward=ward, bed=bed,
                    volume_ml=self._chance.choice((50, 100, 250, 500)), factor=20,
                    gtt_per_min=self._chance.choice((40, 60, 80)), by=NURSE,
                    last_bottle=self._chance.random() < 0.5,
                )  # fmt: skip
        except FieldError:
            return
        self._later(2_000.0, self._see_to_drips, ward, bed)
        self.somebody_looks(box)

    def end_a_drip_soon(self) -> None:
        """A bottle is hung that is nearly through: its reminders come within the next minute."""
        if self._over:
            return
        box = self._chance.choice(self._bedsides)
        infusion = self._world.do(
            infusions.start, ward=box.me.ward, bed=self._chance.choice(box.me.beds), volume_ml=50,
            factor=20, gtt_per_min=60, by=NURSE,
        )  # fmt: skip
        if infusion is not None:
            left_ml = self._chance.randint(0, 3)
            self._world.do(infusions.rebaseline, infusion, NURSE, remaining_ml=left_ml)

    def _see_to_drips(self, ward: str, bed: str) -> None:
        rows = self._world.reader.execute(
            "SELECT * FROM infusions WHERE ward = ? AND bed = ? AND ended_ms IS NULL ORDER BY id",
            (ward, bed),
        ).fetchall()
        for row in rows:
            self._world.do(self._see_to, row)

    def _see_to(self, tx: Any, row: Any) -> None:
        number, does = row["id"], self._chance.random()
        if row["what"] == "dressing":
            if does < 0.5:
                infusions.finish(tx, number, NURSE)
        elif does < 0.2:
            infusions.pause(tx, number, NURSE)
            self._world.plan(self._chance.uniform(20, 900), self._resume, number)
        elif does < 0.4:
            infusions.set_rate(tx, number, self._chance.choice((20, 40, 60, 120)), NURSE)
        elif does < 0.6:
            left_ml = self._chance.randint(0, row["volume_ml"])
            infusions.rebaseline(tx, number, NURSE, remaining_ml=left_ml)
        elif does < 0.85:
            infusions.finish(tx, number, NURSE)
        elif does < 0.95:
            infusions.stop(tx, number, NURSE)

    def _resume(self, number: int) -> None:
        try:
            self._world.do(infusions.resume, number, NURSE)
        except infusions.InfusionOverError:
            pass

    def _end_drips(self, ward: str) -> None:
        rows = self._world.reader.execute(
            "SELECT id FROM infusions WHERE ward = ? AND ended_ms IS NULL ORDER BY id", (ward,)
        ).fetchall()
        for row in rows:
            if (
                self._world.do(infusions.stop, row["id"], NURSE, "end") is None
                and self._world.one("SELECT ended_ms FROM infusions WHERE id = ?", row["id"])
                is None
            ):
                self._world.plan(30.0, self._end_drips, ward)
                return

    def _saying(self, ward: str) -> None:
        if not self._over:
            self._later(SAYING_S, self._saying, ward)
            self._world.do(announcements.announce_now, [ward], "探视时间到了", "announcement", "li")
