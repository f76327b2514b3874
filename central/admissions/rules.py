"""What an ADT event does to patients and beds.

Every message tells where its patient is, so the newest one counts: messages that came before
the admission, or without one, still put the patient in the bed, with a remark. What contradicts
what is known is held for a person (HeldError), never guessed.
"""

from collections.abc import Callable
from datetime import tzinfo

from central.admissions import model, notices, reasons
from central.admissions.moves import AWAY, Moves, Outcome, Place, at, going_on
from central.hospital.told import HeldError
from central.store import Tx
from gateway.his import adt
from gateway.his.adt import AdtEvent


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


class _Case(Moves):
    """One event on its way into the tables."""

    def run(self) -> Outcome:
        stay = self.stay
        if stay is not None:
            if self.older(stay) and not self.force:
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

    def _admit(self) -> None:
        place = self.place(self.event.location)
        if self.stay is None:
            self.begin(place)
        elif not going_on(self.stay):
            if not self.force and not self.newer(self.stay):
                raise HeldError(reasons.VISIT_OVER)
            self.reopen(self.stay, place, notices_new=True)
        else:
            if self.stay["ward"] is not None and at(self.stay) != place:
                ward, bed = self.stay["ward"], self.stay["bed"]
                self.out.note(reasons.SECOND_ADMISSION, ward=ward, bed=bed)
            self.move(self.stay, place)

    def _transfer(self) -> None:
        place = self.place(self.event.location)
        if self.stay is None:
            self.begin_unknown(place)
        elif not going_on(self.stay):
            self.over_unless_forced(self.stay, place)
        else:
            self.move(self.stay, place)

    def _discharge(self) -> None:
        if self.stay is None or not going_on(self.stay):
            self.out.note(reasons.NOTHING_TO_END)
            self.remember_ended("discharged_ms")
            return
        self.end(self.stay, "discharged_ms", notices.discharged)

    def _update(self) -> None:
        if not self.event.location.code:
            self.out.settled = False
            if self.stay is None:
                self.out.note(reasons.UNKNOWN_VISIT)
            self.tell(self.stay)
            return
        if self.stay is not None and not going_on(self.stay):
            self.out.settled = False
            return
        self.tell(self.stay)
        place = self.place(self.event.location)
        if self.stay is None:
            self.begin_unknown(place)
        else:
            self.move(self.stay, place)

    def _cancel_admit(self) -> None:
        if self.stay is None or not going_on(self.stay):
            self.out.note(reasons.NOTHING_TO_END)
            self.remember_ended("cancelled_ms")
            return
        self.end(self.stay, "cancelled_ms", notices.cancelled)

    def _cancel_transfer(self) -> None:
        """PV1-3 tells where the patient was before, by the standard; some senders leave the
        cancelled place there and tell the place before in PV1-6."""
        stay = self.stay
        place = self.place(self.event.location) if self.event.location.code else None
        if stay is None:
            self.begin_unknown(place or AWAY)
            return
        if not going_on(stay):
            self.over_unless_forced(stay, place or at(stay))
            return
        prior = Place(stay["prior_ward"], stay["prior_bed"]) if stay["prior_ward"] else None
        if place is not None and place != at(stay):
            if prior is None and stay["ward"] is not None and not self.force:
                raise HeldError(reasons.NO_TRANSFER)
            self.move(stay, place)
        elif prior is not None and (
            place is None or self.known(self.event.prior_location) == prior
        ):
            self.move(stay, prior)
        else:
            self.out.note(reasons.NOTHING_TO_DO)
        self.tx.execute(
            "UPDATE stays SET prior_ward = NULL, prior_bed = NULL WHERE id = ?", (stay["id"],)
        )

    def _cancel_discharge(self) -> None:
        stay = self.stay
        place = self.place(self.event.location) if self.event.location.code else None
        if stay is None:
            self.begin_unknown(place or AWAY)
        elif going_on(stay):
            self.out.note(reasons.NOT_DISCHARGED)
            self.out.settled = False
        elif stay["cancelled_ms"] is not None and not self.force:
            raise HeldError(reasons.VISIT_OVER)
        else:
            self.reopen(stay, place or at(stay), notices_new=False)
