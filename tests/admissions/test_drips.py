"""A drip goes with its patient when the hospital system says they moved."""

from central.infusions import model as infusions
from central.infusions import service
from tests.admissions.conftest import Hospital, adt, at


def running(hospital: Hospital) -> list[str]:
    return [row["bed"] for row in infusions.running(hospital.store.read(), "3")]


def test_a_transfer_takes_the_drip_along_and_a_discharge_stops_none(hospital: Hospital) -> None:
    hospital.accepted(adt("A01", "07"))
    with hospital.store.transaction() as tx:
        service.start(tx, ward="3", bed="7", volume_ml=500, factor=20, gtt_per_min=60, by="nurse3")
    assert running(hospital) == ["7"]
    hospital.accepted(adt("A02", "08", sent=at(45)))
    assert running(hospital) == ["8"]
    hospital.accepted(adt("A03", "08", sent=at(46)))
    assert running(hospital) == ["8"]
