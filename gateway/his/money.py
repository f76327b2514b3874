"""Bills and accounts: DFT^P03, BAR^P01 and P02."""

from gateway.his import amounts
from gateway.his.events import AccountEvent, Charge, ChargeEvent
from gateway.his.header import Header
from gateway.his.refusals import FIELD_MISSING, NO_CHARGE, REFUSED, RefusedError
from gateway.his.segments import Segment, Segments, patient_id, timestamp, visit

# FT1-6. Payments (PY) are left to BAR, which tells how much was paid in all.
_CREDIT, _CHARGES = "CD", ("CG", "CD", "AJ", "")
_ONE_MILLI = 1000
_CLOSES = "P02"


def charges(text: str, header: Header, encoding: str) -> tuple[ChargeEvent, ...]:
    """The charges and credits of DFT^P03. Raises RefusedError."""
    segments = Segments(text, header, encoding, ("EVN", "PID", "PV1", "FT1"))
    pid, pv1 = segments.must("PID"), segments.first("PV1")
    segments.must("FT1")
    lines = [
        _charge(line, header, place)
        for place, line in enumerate((each for each in segments if each.name == "FT1"), 1)
        if line.get(6).upper() in _CHARGES
    ]
    if not lines:
        raise RefusedError(REFUSED, FIELD_MISSING, NO_CHARGE)
    patient = patient_id(pid)
    return (
        ChargeEvent(
            control_id=header.control_id,
            sender=header.sender,
            patient_id=patient,
            visit=visit(pid, pv1) or patient,
            charges=tuple(lines),
            sent_at=timestamp(header.sent_at) or segments.first("EVN").time(2),
        ),
    )


def _charge(line: Segment, header: Header, place: int) -> Charge:
    code, text = line.words(7)
    quantity_milli = amounts.milli(line, 10, _ONE_MILLI)
    unit_fen = amounts.fen(line, 12, exact=False)
    amount_fen = amounts.fen(line, 11)
    if amount_fen is None:
        if unit_fen is None or unit_fen * quantity_milli % _ONE_MILLI:
            line.must(11)
        amount_fen = (unit_fen or 0) * quantity_milli // _ONE_MILLI
    if line.get(6).upper() == _CREDIT:
        amount_fen = -abs(amount_fen)
    # Without a number of its own a line is known by its message and its place there.
    own = line.get(2) or f"{header.control_id}/{header.sent_at}/{line.get(1) or place}"
    return Charge(
        id=own,
        code=code or line.must(7),
        text=line.get(8) or text,
        quantity_milli=quantity_milli,
        amount_fen=amount_fen,
        unit_fen=unit_fen,
        service_at=line.time(4),
        original=line.get(31) if amount_fen < 0 else "",
        insured_fen=amounts.fen(line, 15),
        plan=line.get(14),
        department=line.words(13)[1],
    )


def accounts(text: str, header: Header, encoding: str) -> tuple[AccountEvent, ...]:
    """What each account of BAR^P01 holds, or that those of BAR^P02 are closed: one event a patient
    there, and one a visit. Raises RefusedError."""
    segments = Segments(text, header, encoding, ("EVN", "PID", "PV1"))
    segments.must("PID")
    evn = segments.first("EVN")
    found = []
    for pid, *others in segments.groups("PID"):
        for pv1 in [each for each in others if each.name == "PV1"] or [segments.nothing]:
            found.append(
                AccountEvent(
                    control_id=header.control_id,
                    sender=header.sender,
                    patient_id=patient_id(pid),
                    # An account without a visit is the patient's.
                    visit=visit(pid, pv1),
                    account=pid.get(18),
                    balance_fen=amounts.fen(pv1, 46),
                    charged_fen=amounts.fen(pv1, 47),
                    paid_fen=amounts.fen(pv1, 49),
                    is_closed=header.event == _CLOSES,
                    sent_at=timestamp(header.sent_at) or evn.time(2),
                )
            )
    return tuple(found)
