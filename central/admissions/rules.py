"""What an ADT event does to patients and beds.

Every message tells where its patient is, so the newest one counts: messages that came before
the admission, or without one, still put the patient in the bed, with a remark. What contradicts
what is known is held for a person (HeldError), never guessed.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from central.admissions import model, notices, reasons
from central.admissions.reasons import HeldError, Reason
from central.audit import model as audit
from central.store import Row, Tx
from central.wards import model as wards
from gateway.his import adt
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


def apply(
    tx: Tx,
    event: AdtEvent,
    *,
    sender: str,
    zone: tzinfo | None = None,
    ref: str = "",
    force: bool = False,
) -> Outcome:
    """Let the event happen. `zone`: of times without one. `ref`: the message, for the audit.
    `force`: a person decided that the message is right and what is known is wrong.
    Raises HeldError."""
    return _Case(tx, event, sender, zone, ref, force).run()


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


class _Case:
    """One event on its way into the tables."""

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

    def run(self) -> Outcome:
        stay = self.stay
        if stay is not None:
            if self._older(stay) and not self.force:
                raise HeldError(reasons.OLDER)
            if self.event.kind != adt.CANCEL_ADMIT:
                model.put_patient(self.tx, self.event)
        steps: dict[str, Callable[[], None]] = {
            adt.ADMIT: self._admit,
            adt.TRANSFER: self._transfer,
            adt.DISCHARGE: self._discharge,
            adt.UPDATE: self._update,
            adt.CANCEL_ADMIT: self._cancel_admit,
            adt.CANCEL_TRANSFER: self._cancel_transfer,
            adt.CANCEL_DISCHARGE: self._cancel_discharge,
        }
        steps[self.event.kind]()
        self.tx.execute(
            "UPDATE stays SET sent_ms = max(coalesce(sent_ms, 0), ?) WHERE patient = ?"
            " AND visit = ?",
            (self.sent_ms or 0, self.event.patient_id, self.event.visit),
        )
        return self.out

    # --- the seven events ---

    def _admit(self) -> None:
        place = self._place(self.event.location)
        if self.stay is None:
            self._begin(place)
        elif not _going_on(self.stay):
            if not self.force and not self._newer(self.stay):
                raise HeldError(reasons.VISIT_OVER)
            self._reopen(self.stay, place, notices_new=True)
        else:
            if self.stay["ward"] is not None and _at(self.stay) != place:
                self.out.note(reasons.SECOND_ADMISSION, ward=self.stay["ward"], bed=self.stay["bed"])  # fmt: skip
            self._move(self.stay, place)

    def _transfer(self) -> None:
        place = self._place(self.event.location)
        if self.stay is None:
            self._begin_unknown(place)
        elif not _going_on(self.stay):
            self._over_unless_forced(self.stay, place)
        else:
            self._move(self.stay, place)

    def _discharge(self) -> None:
        if self.stay is None or not _going_on(self.stay):
            self.out.note(reasons.NOTHING_TO_END)
            self._remember_ended("discharged_ms")
            return
        self._end(self.stay, "discharged_ms", notices.discharged)

    def _update(self) -> None:
        if not self.event.location.code:
            self.out.settled = False
            if self.stay is None:
                self.out.note(reasons.UNKNOWN_VISIT)
            self._tell(self.stay)
            return
        if self.stay is not None and not _going_on(self.stay):
            self.out.settled = False
            return
        self._tell(self.stay)
        place = self._place(self.event.location)
        if self.stay is None:
            self._begin_unknown(place)
        else:
            self._move(self.stay, place)

    def _cancel_admit(self) -> None:
        if self.stay is None or not _going_on(self.stay):
            self.out.note(reasons.NOTHING_TO_END)
            self._remember_ended("cancelled_ms")
            return
        self._end(self.stay, "cancelled_ms", notices.cancelled)

    def _cancel_transfer(self) -> None:
        """PV1-3 tells where the patient was before, by the standard; some senders leave the
        cancelled place there and tell the place before in PV1-6."""
        stay = self.stay
        place = self._place(self.event.location) if self.event.location.code else None
        if stay is None:
            self._begin_unknown(place or AWAY)
            return
        if not _going_on(stay):
            self._over_unless_forced(stay, place or _at(stay))
            return
        prior = Place(stay["prior_ward"], stay["prior_bed"]) if stay["prior_ward"] else None
        if place is not None and place != _at(stay):
            if prior is None and stay["ward"] is not None and not self.force:
                raise HeldError(reasons.NO_TRANSFER)
            self._move(stay, place)
        elif prior is not None and (place is None or self._known(self.event.prior_location) == prior):  # fmt: skip
            self._move(stay, prior)
        else:
            self.out.note(reasons.NOTHING_TO_DO)
        self.tx.execute(
            "UPDATE stays SET prior_ward = NULL, prior_bed = NULL WHERE id = ?", (stay["id"],)
        )

    def _cancel_discharge(self) -> None:
        stay = self.stay
        place = self._place(self.event.location) if self.event.location.code else None
        if stay is None:
            self._begin_unknown(place or AWAY)
        elif _going_on(stay):
            self.out.note(reasons.NOT_DISCHARGED)
            self.out.settled = False
        elif stay["cancelled_ms"] is not None and not self.force:
            raise HeldError(reasons.VISIT_OVER)
        else:
            self._reopen(stay, place or _at(stay), notices_new=False)

    # --- what they are made of ---

    def _older(self, stay: Row) -> bool:
        return bool(self.sent_ms and stay["sent_ms"] and self.sent_ms < stay["sent_ms"])

    def _newer(self, stay: Row) -> bool:
        return bool(self.sent_ms and stay["sent_ms"] and self.sent_ms > stay["sent_ms"])

    def _over_unless_forced(self, stay: Row, place: Place) -> None:
        if not self.force:
            raise HeldError(reasons.VISIT_OVER)
        self._reopen(stay, place, notices_new=False)

    def _place(self, location: Location) -> Place:
        """The bed of a location. Raises HeldError when nobody has said which it is."""
        row = model.location(self.tx, self.sender, location.code)
        if row is None:
            raise HeldError(reasons.UNMAPPED, code=location.code)
        if row["ward"] is None:
            self.out.note(reasons.NOT_OURS, code=location.code)
            return AWAY
        if wards.bed(self.tx, row["ward"], row["bed"]) is None:
            raise HeldError(reasons.NO_BED, code=location.code, ward=row["ward"], bed=row["bed"])
        return Place(row["ward"], row["bed"])

    def _known(self, location: Location) -> Place | None:
        row = model.location(self.tx, self.sender, location.code)
        return Place(row["ward"], row["bed"]) if row and row["ward"] else None

    def _begin_unknown(self, place: Place) -> None:
        self.out.note(reasons.UNKNOWN_VISIT)
        self._begin(place)

    def _begin(self, place: Place) -> None:
        """A new stay. Patients of wards that are not ours are not kept."""
        if place == AWAY:
            return
        self._make_room(place, None)
        model.put_patient(self.tx, self.event)
        other = model.other_stay(self.tx, self.event.patient_id, self.event.visit)
        if other is not None:
            self.out.note(reasons.OTHER_STAY, ward=other["ward"], bed=other["bed"])
        prior = self._known(self.event.prior_location) or AWAY
        self.tx.insert(
            "stays",
            patient=self.event.patient_id,
            visit=self.event.visit,
            ward=place.ward,
            bed=place.bed,
            kind=self.event.admit_type,
            admitted_ms=self._when(self.event.admitted_at or self.event.occurred_at),
            prior_ward=prior.ward,
            prior_bed=prior.bed,
        )
        self._arrived("admission.admit", new=True)

    def _reopen(self, stay: Row, place: Place, *, notices_new: bool) -> None:
        self._make_room(place, stay)
        model.put_patient(self.tx, self.event)
        self.tx.execute(
            "UPDATE stays SET ward = ?, bed = ?, discharged_ms = NULL, cancelled_ms = NULL,"
            " prior_ward = NULL, prior_bed = NULL WHERE id = ?",
            (place.ward, place.bed, stay["id"]),
        )
        if place == AWAY:
            return
        if notices_new:
            self._arrived("admission.admit", new=True)
        else:
            now = self._arrived("admission.return", new=False)
            notices.returned(self.tx, now)

    def _move(self, stay: Row, place: Place) -> None:
        if _at(stay) == place:
            self.out.note(reasons.NOTHING_TO_DO)
            return
        self._make_room(place, stay)
        self.tx.execute(
            "UPDATE stays SET ward = ?, bed = ?, prior_ward = ?, prior_bed = ? WHERE id = ?",
            (place.ward, place.bed, stay["ward"], stay["bed"], stay["id"]),
        )
        if stay["ward"] is not None:
            self._left(stay, "admission.leave")
            if stay["ward"] != place.ward:
                notices.moved_out(self.tx, stay)
        if place.ward is not None:
            now = self._arrived("admission.transfer", new=False)
            if stay["ward"] == place.ward:
                notices.moved(self.tx, now, stay["bed"])
            else:
                notices.moved_in(self.tx, now, self.zone)

    def _end(self, stay: Row, column: str, notice: Callable[[Tx, Row], None]) -> None:
        ended_ms = self._when(self.event.occurred_at)
        self.tx.execute(
            f"UPDATE stays SET {column} = max(?, admitted_ms) WHERE id = ?",  # noqa: S608
            (ended_ms, stay["id"]),
        )
        if stay["ward"] is not None:
            self._left(stay, "admission." + column.removesuffix("_ms"))
            notice(self.tx, stay)

    def _remember_ended(self, column: str) -> None:
        """So that an admission that comes too late is not taken for a new one."""
        if self.stay is not None or not self._may_be_ours():
            return
        ended_ms = self._when(self.event.occurred_at)
        self.tx.insert(
            "stays",
            patient=self.event.patient_id,
            visit=self.event.visit,
            kind=self.event.admit_type,
            admitted_ms=ended_ms,
            **{column: ended_ms},
        )

    def _may_be_ours(self) -> bool:
        row = model.location(self.tx, self.sender, self.event.location.code)
        return row is None or row["ward"] is not None

    def _make_room(self, place: Place, stay: Row | None) -> None:
        """The bed must be free. Raises HeldError; by force who lies there loses the bed."""
        if place.ward is None or place.bed is None:
            return
        occupant = model.patient_in(self.tx, place.ward, place.bed)
        if occupant is None or (stay is not None and occupant["id"] == stay["id"]):
            return
        if not self.force:
            raise HeldError(reasons.BED_TAKEN, ward=place.ward, bed=place.bed)
        self.tx.execute("UPDATE stays SET ward = NULL, bed = NULL WHERE id = ?", (occupant["id"],))
        self._audit("admission.displace", occupant)
        self.out.note(reasons.DISPLACED, ward=place.ward, bed=place.bed)

    def _arrived(self, what: str, *, new: bool) -> Row:
        now = model.stay_of(self.tx, self.event.patient_id, self.event.visit)
        if now is None:
            raise LookupError(self.event.visit)
        self._audit(what, now)
        self._tell(now)
        if new:
            notices.admitted(self.tx, now, self.zone)
        return now

    def _left(self, stay: Row, what: str) -> None:
        self.out.freed = True
        self._audit(what, stay)
        self._tell(stay)

    def _tell(self, stay: Row | None) -> None:
        if stay is not None and stay["ward"] is not None:
            self.tx.changed(stay["ward"], "beds")
            self.tx.changed(stay["ward"], "board")

    def _audit(self, what: str, stay: Row) -> None:
        audit.append(
            self.tx, "his", what, f"bed/{stay['ward']}/{stay['bed']}", self.ref,
            {"patient": stay["patient"], "visit": stay["visit"]},
        )  # fmt: skip

    def _when(self, at: datetime | None) -> int:
        """The sender's time, but never later than now."""
        told_ms = to_ms(at, self.zone)
        return self.tx.now_ms if told_ms is None else min(told_ms, self.tx.now_ms)


def _going_on(stay: Row) -> bool:
    return stay["discharged_ms"] is None and stay["cancelled_ms"] is None


def _at(stay: Row) -> Place:
    return Place(stay["ward"], stay["bed"])
