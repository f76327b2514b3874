"""What the rules are made of: a stay begins, moves, ends; a bed must be free for it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from central.admissions import model, notices, reasons
from central.audit import model as audit
from central.hospital import model as hospital
from central.hospital.told import HeldError, Reason
from central.infusions import service as infusions
from central.store import Row, Tx
from central.wards import model as wards
from gateway.his.adt import AdtEvent, Location


@dataclass(frozen=True)
class Place:
    """A bed of ours; ward None: somewhere that is not ours."""

    ward: str | None
    bed: str | None


AWAY = Place(None, None)


@dataclass
class Outcome:
    """What applying an event did. `settled`: it told where the patient is, so that older waiting
    messages of the visit no longer matter. `freed`: a bed became free."""

    notes: list[Reason] = field(default_factory=list)
    settled: bool = True
    freed: bool = False

    def note(self, text: str, **values: str | None) -> None:
        self.notes.append((text, values))


def to_ms(at: datetime | None, zone: tzinfo | None) -> int | None:
    """Hospital ms; a time without a zone is the hospital's local time."""
    if at is None:
        return None
    if at.tzinfo is None and zone is not None:
        at = at.replace(tzinfo=zone)
    try:
        return int(at.timestamp() * 1000)
    except (OverflowError, OSError, ValueError):
        return None


class Moves:
    """The moves that one event may make."""

    def __init__(
        self, tx: Tx, event: AdtEvent, sender: str, zone: tzinfo | None, ref: str, force: bool
    ) -> None:
        self.tx = tx
        self.event = event
        self.sender = sender
        self.zone = zone
        self.ref = ref
        self.force = force
        self.out = Outcome()
        self.sent_ms = to_ms(event.sent_at, zone)
        self.stay = model.stay_of(tx, event.patient_id, event.visit)

    def older(self, stay: Row) -> bool:
        return bool(self.sent_ms and stay["sent_ms"] and self.sent_ms < stay["sent_ms"])

    def newer(self, stay: Row) -> bool:
        return bool(self.sent_ms and stay["sent_ms"] and self.sent_ms > stay["sent_ms"])

    def over_unless_forced(self, stay: Row, place: Place) -> None:
        if not self.force:
            raise HeldError(reasons.VISIT_OVER)
        self.reopen(stay, place, notices_new=False)

    def place(self, location: Location) -> Place:
        """The bed of a location. Raises HeldError when nobody has said which it is."""
        row = hospital.location(self.tx, self.sender, location.code)
        if row is None:
            raise HeldError(reasons.UNMAPPED, code=location.code)
        if row["ward"] is None:
            self.out.note(reasons.NOT_OURS, code=location.code)
            return AWAY
        if wards.bed(self.tx, row["ward"], row["bed"]) is None:
            raise HeldError(reasons.NO_BED, code=location.code, ward=row["ward"], bed=row["bed"])
        return Place(row["ward"], row["bed"])

    def known(self, location: Location) -> Place | None:
        row = hospital.location(self.tx, self.sender, location.code)
        return Place(row["ward"], row["bed"]) if row and row["ward"] else None

    def begin_unknown(self, place: Place) -> None:
        self.out.note(reasons.UNKNOWN_VISIT)
        self.begin(place)

    def begin(self, place: Place) -> None:
        """A new stay. Patients of wards that are not ours are not kept."""
        if place == AWAY:
            return
        self.make_room(place, None)
        model.put_patient(self.tx, self.event)
        other = model.other_stay(self.tx, self.event.patient_id, self.event.visit)
        if other is not None:
            self.out.note(reasons.OTHER_STAY, ward=other["ward"], bed=other["bed"])
        prior = self.known(self.event.prior_location) or AWAY
        self.tx.insert(
            "stays",
            patient=self.event.patient_id,
            visit=self.event.visit,
            ward=place.ward,
            bed=place.bed,
            kind=self.event.admit_type,
            admitted_ms=self.when(self.event.admitted_at or self.event.occurred_at),
            prior_ward=prior.ward,
            prior_bed=prior.bed,
        )
        self.arrived("admission.admit", new=True)

    def reopen(self, stay: Row, place: Place, *, notices_new: bool) -> None:
        self.make_room(place, stay)
        model.put_patient(self.tx, self.event)
        self.tx.execute(
            "UPDATE stays SET ward = ?, bed = ?, discharged_ms = NULL, cancelled_ms = NULL,"
            " prior_ward = NULL, prior_bed = NULL WHERE id = ?",
            (place.ward, place.bed, stay["id"]),
        )
        if place == AWAY:
            return
        if notices_new:
            self.arrived("admission.admit", new=True)
        else:
            now = self.arrived("admission.return", new=False)
            notices.returned(self.tx, now)

    def move(self, stay: Row, place: Place) -> None:
        if at(stay) == place:
            self.out.note(reasons.NOTHING_TO_DO)
            return
        self.make_room(place, stay)
        self.tx.execute(
            "UPDATE stays SET ward = ?, bed = ?, prior_ward = ?, prior_bed = ? WHERE id = ?",
            (place.ward, place.bed, stay["ward"], stay["bed"], stay["id"]),
        )
        if stay["ward"] is not None:
            self.left(stay, "admission.leave")
            if stay["ward"] != place.ward:
                notices.moved_out(self.tx, stay)
        if stay["ward"] is not None and place.ward is not None and place.bed is not None:
            # A drip goes with its patient. A discharge stops none: it is often entered while
            # the last bottle still runs, and a reminder too many harms nobody.
            infusions.move(self.tx, stay["ward"], stay["bed"], place.ward, place.bed, "his")
        if place.ward is not None:
            now = self.arrived("admission.transfer", new=False)
            if stay["ward"] == place.ward:
                notices.moved(self.tx, now, stay["bed"], self.zone)
            else:
                notices.moved_in(self.tx, now, self.zone)

    def end(self, stay: Row, column: str, notice: Callable[[Tx, Row], None]) -> None:
        ended_ms = self.when(self.event.occurred_at)
        self.tx.execute(
            f"UPDATE stays SET {column} = max(?, admitted_ms) WHERE id = ?",
            (ended_ms, stay["id"]),
        )
        if stay["ward"] is not None:
            self.left(stay, "admission." + column.removesuffix("_ms"))
            notice(self.tx, stay)

    def remember_ended(self, column: str) -> None:
        """So that an admission that comes too late is not taken for a new one."""
        if self.stay is not None or not self.may_be_ours():
            return
        ended_ms = self.when(self.event.occurred_at)
        self.tx.insert(
            "stays",
            patient=self.event.patient_id,
            visit=self.event.visit,
            kind=self.event.admit_type,
            admitted_ms=ended_ms,
            **{column: ended_ms},
        )

    def may_be_ours(self) -> bool:
        row = hospital.location(self.tx, self.sender, self.event.location.code)
        return row is None or row["ward"] is not None

    def make_room(self, place: Place, stay: Row | None) -> None:
        """The bed must be free. Raises HeldError; by force who lies there loses the bed."""
        if place.ward is None or place.bed is None:
            return
        occupant = model.patient_in(self.tx, place.ward, place.bed)
        if occupant is None or (stay is not None and occupant["id"] == stay["id"]):
            return
        if not self.force:
            raise HeldError(reasons.BED_TAKEN, ward=place.ward, bed=place.bed)
        self.tx.execute("UPDATE stays SET ward = NULL, bed = NULL WHERE id = ?", (occupant["id"],))
        self.audit("admission.displace", occupant)
        self.out.note(reasons.DISPLACED, ward=place.ward, bed=place.bed)

    def arrived(self, what: str, *, new: bool) -> Row:
        now = model.stay_of(self.tx, self.event.patient_id, self.event.visit)
        if now is None:
            raise LookupError(self.event.visit)
        self.audit(what, now)
        self.tell(now)
        if new:
            notices.admitted(self.tx, now, self.zone)
        return now

    def left(self, stay: Row, what: str) -> None:
        self.out.freed = True
        self.audit(what, stay)
        self.tell(stay)

    def tell(self, stay: Row | None) -> None:
        if stay is not None and stay["ward"] is not None:
            self.tx.changed(stay["ward"], "beds")
            self.tx.changed(stay["ward"], "board")

    def audit(self, what: str, stay: Row) -> None:
        audit.append(
            self.tx, "his", what, f"bed/{stay['ward']}/{stay['bed']}", self.ref,
            {"patient": stay["patient"], "visit": stay["visit"]},
        )  # fmt: skip

    def when(self, at: datetime | None) -> int:
        """The sender's time, but never later than now."""
        told_ms = to_ms(at, self.zone)
        return self.tx.now_ms if told_ms is None else min(told_ms, self.tx.now_ms)


def going_on(stay: Row) -> bool:
    return stay["discharged_ms"] is None and stay["cancelled_ms"] is None


def at(stay: Row) -> Place:
    return Place(stay["ward"], stay["bed"])
