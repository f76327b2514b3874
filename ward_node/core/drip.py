"""The reminders of infusions, kept here so that they are spoken even while central is away.

A schedule belongs to one infusion at one bed and has a revision. Moments are on the drip clock.
"""

from ward_node.compat import Any

REPEAT_MS = 60_000  # how often a final prompt is said again, in real time
UNCONFIRMED_AFTER_MS = 180_000
# Empty schedules kept, so that an older revision that comes late is known to be old.
ENDED_KEPT = 64


class Schedule:
    """What is still to be said about one infusion."""

    def __init__(
        self, bed: str, infusion: str, revision: int, prompts: "list[dict[str, Any]]",
        unconfirmed_after_ms: int,
    ) -> None:  # fmt: skip
        self.bed = bed
        self.infusion = infusion
        self.revision = revision
        self.prompts = prompts  # {"stage", "due_ms", "words", "final"}, the earliest first
        self.unconfirmed_after_ms = unconfirmed_after_ms
        self.spoken: list[str] = []  # stages, of this revision, heard or on their way to the voice
        self.saying: dict[str, Any] | None = None  # the last of them, while nobody has heard it
        self.watch_stage: str | None = None
        self.watch_due_ms = 0

    def about(self, stage: str) -> dict[str, Any]:
        return {"infusion": self.infusion, "revision": self.revision, "stage": stage}


class Drips:
    """All schedules of a node."""

    def __init__(self) -> None:
        self._schedules: dict[str, Schedule] = {}
        self.changed = False  # since it was last dumped

    def __len__(self) -> int:
        return len(self._schedules)

    def set(
        self, bed: str, infusion: str, revision: int, prompts: "list[dict[str, Any]]",
        unconfirmed_after_ms: int, drip_ms: int,
    ) -> bool:  # fmt: skip
        """Take a schedule as central sends it (`in_ms` from now). False when a newer one is
        held already. The same revision again is not said again."""
        held = self._schedules.get(infusion)
        if held is not None and revision < held.revision:
            return False
        fresh = Schedule(
            bed,
            infusion,
            revision,
            [
                {
                    "stage": each["stage"],
                    "due_ms": drip_ms + each["in_ms"],
                    "words": each["words"],
                    "final": each.get("final", False),
                }
                for each in prompts
            ],
            unconfirmed_after_ms,
        )
        if held is not None and held.revision == revision:
            fresh.spoken = held.spoken
            if prompts:  # an empty schedule ends the drip, and every question about it
                fresh.watch_stage, fresh.watch_due_ms = held.watch_stage, held.watch_due_ms
                fresh.saying = held.saying
            fresh.prompts = [each for each in fresh.prompts if each["stage"] not in held.spoken]
        fresh.prompts.sort(key=lambda each: each["due_ms"])
        self._schedules[infusion] = fresh
        self._bound()
        self.changed = True
        return True

    def due(self, drip_ms: int) -> "list[tuple[Schedule, dict[str, Any]]]":
        """Prompts to speak now, each handed out once. Of several of one drip only the last."""
        found = []
        for schedule in self._schedules.values():
            prompts = schedule.prompts
            if not prompts or prompts[0]["due_ms"] > drip_ms:
                continue
            past = [each for each in prompts if each["due_ms"] <= drip_ms]
            schedule.prompts = prompts[len(past) :]
            schedule.spoken = schedule.spoken + [each["stage"] for each in past]
            schedule.saying = past[-1]
            found.append((schedule, past[-1]))
            self.changed = True
        return found

    def said(self, about: dict[str, Any]) -> None:
        """A prompt was heard, or could not be said: a restart need not say it again."""
        schedule = self._held(about)
        saying = None if schedule is None else schedule.saying
        if schedule is not None and saying is not None and saying["stage"] == about["stage"]:
            schedule.saying = None
            self.changed = True

    def watch(self, about: dict[str, Any], drip_ms: int) -> None:
        """A final prompt was spoken: from now on nobody answering is news."""
        schedule = self._held(about)
        if schedule is not None and schedule.watch_stage != about["stage"]:
            schedule.watch_stage = about["stage"]
            schedule.watch_due_ms = drip_ms + schedule.unconfirmed_after_ms
            self.changed = True

    def answered(self, about: dict[str, Any]) -> None:
        """Somebody pressed or came."""
        schedule = self._held(about)
        if schedule is not None and schedule.watch_stage is not None:
            schedule.watch_stage = None
            self.changed = True

    def unconfirmed(self, drip_ms: int) -> "list[tuple[str, dict[str, Any]]]":
        """(bed, about) of final prompts nobody answered in time, each told once."""
        found = []
        for schedule in self._schedules.values():
            if schedule.watch_stage is not None and drip_ms >= schedule.watch_due_ms:
                found.append((schedule.bed, schedule.about(schedule.watch_stage)))
                schedule.watch_stage = None
                self.changed = True
        return found

    def waiting(self) -> bool:
        """Whether any moment lies ahead."""
        return any(each.prompts or each.watch_stage for each in self._schedules.values())

    def dump(self, drip_ms: int, epoch: str) -> dict[str, Any]:
        """All of it as JSON. `epoch` names the run of the drip clock. What nobody has heard yet
        counts as still to be said."""
        self.changed = False
        return {
            "epoch": epoch,
            "drip_ms": drip_ms,
            "schedules": [
                {
                    "bed": each.bed,
                    "infusion": each.infusion,
                    "revision": each.revision,
                    "prompts": ([each.saying] if each.saying else []) + each.prompts,
                    "unconfirmed_after_ms": each.unconfirmed_after_ms,
                    "spoken": each.spoken[:-1] if each.saying else each.spoken,
                    "watch_stage": each.watch_stage,
                    "watch_due_ms": each.watch_due_ms,
                }
                for each in self._schedules.values()
            ],
        }

    def restore(self, kept: dict[str, Any], drip_ms: int, epoch: str) -> None:
        """Take what `dump` gave. When the drip clock stopped in between, the time without power
        is unknown: the moments keep their distance from the last dump, so a reminder may come
        late by the outage, until central sends the schedule anew at our birth."""
        shift_ms = 0 if kept["epoch"] == epoch else drip_ms - kept["drip_ms"]
        for each in kept["schedules"]:
            prompts = [
                {
                    "stage": one["stage"],
                    "due_ms": one["due_ms"] + shift_ms,
                    "words": one["words"],
                    "final": one["final"],
                }
                for one in each["prompts"]
            ]
            schedule = Schedule(
                each["bed"],
                each["infusion"],
                each["revision"],
                prompts,
                each["unconfirmed_after_ms"],
            )
            schedule.spoken = each["spoken"]
            schedule.watch_stage = each["watch_stage"]
            schedule.watch_due_ms = each["watch_due_ms"] + shift_ms
            self._schedules[schedule.infusion] = schedule

    def _held(self, about: dict[str, Any]) -> "Schedule | None":
        schedule = self._schedules.get(about["infusion"])
        if schedule is None or schedule.revision != about["revision"]:
            return None
        return schedule

    def _bound(self) -> None:
        """Forget ended drips beyond the newest few. Infusion names need not be numbers, so the
        ones with the fewest digits, then the smallest, count as oldest."""
        ended = [
            each
            for each in self._schedules.values()
            if not each.prompts and not each.watch_stage and each.saying is None
        ]
        ended.sort(key=lambda each: (len(each.infusion), each.infusion))
        for each in ended[:-ENDED_KEPT]:
            del self._schedules[each.infusion]
