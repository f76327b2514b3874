"""What each message does to patients and beds."""

import pytest

from central.admissions import model, reasons
from central.hospital import model as messages
from central.hospital import service as his
from tests.admissions.conftest import Hospital, adt, at

WARD_5 = "5W^^02^总院"
ICU = "ICU^^01^总院"


def admit(hospital: Hospital, bed: str = "07", **options: str) -> int:
    row = hospital.accepted(adt("A01", bed, **options))  # type: ignore[arg-type]
    assert row["state"] == messages.DONE, hospital.why()
    return int(row["id"])


def test_an_admission_puts_the_patient_in_the_bed_and_is_announced(hospital: Hospital) -> None:
    admit(hospital, birth="19800102")
    assert hospital.beds() == {"7": "P1"}
    row = model.patient_in(hospital.store.read(), "3", "7")
    assert row is not None
    assert (row["name"], row["sex"], row["birth"], row["kind"]) == (
        "张三",
        "F",
        "1980-01-02",
        "emergency",
    )
    assert hospital.spoken() == ["新入院:急诊,女,四十六岁,安排在三病区七床,请准备床位。"]
    audit = hospital.store.read().one("SELECT * FROM audit WHERE what = 'admission.admit'")
    assert audit is not None
    assert audit["ref"] == "bed/3/7"


def test_the_boards_and_beds_pages_are_told(hospital: Hospital) -> None:
    told: set[tuple[str, str]] = set()
    hospital.store.on_commit = told.update
    admit(hospital)
    assert {("3", "beds"), ("3", "board"), ("3", "commands"), ("all", "his")} <= told


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kind": "R", "sex": "M"}, "男,四十六岁,"),
        ({"kind": "E", "sex": "", "birth": ""}, "急诊,"),
        ({"kind": "9^手术", "birth": "20250601"}, "手术,女,十五个月,"),
        ({"kind": "N", "birth": "20260919"}, "新生儿,女,两天,"),
        ({"kind": "L", "birth": "1998"}, "待产,女,二十八岁,"),
        ({"birth": "20991231"}, "急诊,女,"),
    ],
)
def test_what_is_said_of_an_admission(
    hospital: Hospital, options: dict[str, str], words: str
) -> None:
    admit(hospital, **options)
    assert hospital.spoken() == [f"新入院:{words}安排在三病区七床,请准备床位。"]


def test_no_name_and_no_number_of_a_patient_is_ever_spoken(hospital: Hospital) -> None:
    admit(hospital, name="欧阳^娜娜")
    for event, bed in (("A02", "06"), ("A12", "07"), ("A03", "07"), ("A13", "07"), ("A11", "07")):
        hospital.accepted(adt(event, bed, name="欧阳^娜娜"))
    assert len(hospital.spoken()) == 6
    for words in hospital.spoken():
        assert "欧阳" not in words
        assert "P1" not in words


def test_english_wards_hear_english(hospital: Hospital) -> None:
    with hospital.store.transaction() as tx:
        tx.execute("UPDATE wards SET lang = 'en'")
    admit(hospital)
    assert hospital.spoken() == [
        "New admission, emergency: female, age forty-six, ward three, bed seven. Please prepare"
        " the bed."
    ]


def test_a_transfer_within_the_ward(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A02", "05"))
    assert hospital.beds() == {"5": "P1"}
    assert hospital.spoken()[1:] == ["七床的病人转到五床。"]


def test_a_transfer_to_another_ward_is_heard_in_both(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A02", location=WARD_5))
    assert hospital.beds() == {}
    assert hospital.beds("5") == {"2": "P1"}
    assert hospital.spoken()[1:] == ["七床的病人转往其他病区。"]
    assert hospital.spoken("5") == ["转入:女,四十六岁,安排在五病区二床,请准备床位。"]


def test_a_transfer_to_a_ward_that_is_not_ours_frees_the_bed(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A02", location=ICU))
    assert hospital.beds() == {}
    assert hospital.why() == [reasons.NOT_OURS]
    hospital.accepted(adt("A02", "04", sent=at(45)))
    assert hospital.beds() == {"4": "P1"}


def test_patients_of_other_wards_are_not_kept(hospital: Hospital) -> None:
    for event in ("A01", "A02", "A08", "A03", "A11", "A12", "A13"):
        assert hospital.accepted(adt(event, location=ICU))["state"] == messages.DONE
    assert hospital.store.read().value("SELECT count(*) FROM patients") == 0
    assert hospital.store.read().value("SELECT count(*) FROM stays") == 0


def test_a_discharge_frees_the_bed(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A03"))
    assert hospital.beds() == {}
    assert hospital.spoken()[1:] == ["七床的病人已出院,床位空出。"]
    admit(hospital, patient="P2")
    assert hospital.beds() == {"7": "P2"}


def test_an_update_changes_what_it_tells_and_keeps_what_it_leaves_out(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A08", name="李^四", birth="", sex=""))
    row = model.patient_in(hospital.store.read(), "3", "7")
    assert row is not None
    assert (row["name"], row["sex"], row["birth"]) == ("李四", "F", "1980-01-02")
    assert len(hospital.spoken()) == 1


def test_an_update_may_carry_a_new_bed(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A08", "02"))
    assert hospital.beds() == {"2": "P1"}


def test_an_update_without_a_location_moves_nobody(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A08", location="", name="李^四"))
    assert hospital.beds() == {"7": "P1"}
    hospital.accepted(adt("A08", location="", patient="P9"))
    assert hospital.why() == [reasons.UNKNOWN_VISIT]


def test_an_update_after_the_discharge_brings_nobody_back(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A03"))
    hospital.accepted(adt("A08", name="李^四", sent=at(46)))
    assert hospital.beds() == {}


def test_a_cancelled_admission_frees_the_bed(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A11"))
    assert hospital.beds() == {}
    assert hospital.spoken()[1:] == ["七床的入院已取消。"]


@pytest.mark.parametrize(
    ("place", "prior"),
    [("07", ""), ("05", "3E^^07^总院"), (None, "")],
    ids=["by the standard", "as others send it", "without a location"],
)
def test_a_cancelled_transfer_puts_the_patient_back(
    hospital: Hospital, place: str | None, prior: str
) -> None:
    admit(hospital)
    hospital.accepted(adt("A02", "05"))
    location = "" if place is None else None
    hospital.accepted(adt("A12", place or "", prior=prior, location=location))
    assert hospital.beds() == {"7": "P1"}


def test_a_transfer_is_taken_back_only_once(hospital: Hospital) -> None:
    admit(hospital, "06")
    hospital.accepted(adt("A02", "07"))
    hospital.accepted(adt("A02", "05"))
    hospital.accepted(adt("A12", "07"))
    hospital.accepted(adt("A12", "07", control_id="again"))
    assert hospital.beds() == {"7": "P1"}
    assert reasons.NOTHING_TO_DO in hospital.why()


def test_a_transfer_nobody_knows_of_is_not_taken_back_by_guess(hospital: Hospital) -> None:
    admit(hospital)
    row = hospital.accepted(adt("A12", "05"))
    assert (row["state"], hospital.why()) == (messages.WAITING, [reasons.NO_TRANSFER])
    assert hospital.beds() == {"7": "P1"}
    assert hospital.do(his.replay, row["id"], "e", force=True)
    assert hospital.beds() == {"5": "P1"}


def test_a_cancelled_discharge_brings_the_patient_back(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A03"))
    hospital.accepted(adt("A13"))
    assert hospital.beds() == {"7": "P1"}
    assert hospital.spoken()[2:] == ["七床的出院已撤销,病人留在原床。"]
    hospital.accepted(adt("A13", control_id="again"))
    assert hospital.why() == [reasons.NOT_DISCHARGED]


def test_a_cancelled_discharge_waits_when_the_bed_was_given_away(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A03"))
    admit(hospital, patient="P2")
    row = hospital.accepted(adt("A13"))
    assert (row["state"], hospital.why()) == (messages.WAITING, [reasons.BED_TAKEN])
    hospital.accepted(adt("A02", "01", patient="P2"))
    assert hospital.beds() == {"1": "P2", "7": "P1"}
    assert hospital.message(row["id"])["state"] == messages.DONE


def test_two_patients_for_one_bed(hospital: Hospital) -> None:
    admit(hospital)
    second = hospital.accepted(adt(patient="P2"))
    third = hospital.accepted(adt(patient="P3"))
    assert (second["state"], hospital.why(second["id"])) == (messages.WAITING, [reasons.BED_TAKEN])
    assert hospital.beds() == {"7": "P1"}
    hospital.accepted(adt("A03"))
    assert hospital.beds() == {"7": "P2"}
    assert hospital.message(third["id"])["state"] == messages.WAITING


def test_two_patients_who_change_beds_are_settled_by_a_person(hospital: Hospital) -> None:
    admit(hospital, "01")
    admit(hospital, "02", patient="P2")
    first = hospital.accepted(adt("A02", "02"))
    second = hospital.accepted(adt("A02", "01", patient="P2"))
    assert first["state"] == second["state"] == messages.WAITING
    hospital.do(his.replay, first["id"], "e", force=True)
    assert hospital.beds() == {"1": "P2", "2": "P1"}
    assert reasons.DISPLACED in hospital.why(first["id"])


def test_a_transfer_without_an_admission_puts_the_patient_in_the_bed(hospital: Hospital) -> None:
    row = hospital.accepted(adt("A02", "05", prior="3E^^07^总院"))
    assert (row["state"], hospital.why()) == (messages.DONE, [reasons.UNKNOWN_VISIT])
    assert hospital.beds() == {"5": "P1"}
    hospital.accepted(adt("A12", "07"))
    assert hospital.beds() == {"7": "P1"}


@pytest.mark.parametrize("event", ["A08", "A13", "A12"])
def test_others_without_an_admission_do_too(hospital: Hospital, event: str) -> None:
    hospital.accepted(adt(event))
    assert hospital.why() == [reasons.UNKNOWN_VISIT]
    assert hospital.beds() == {"7": "P1"}


@pytest.mark.parametrize("event", ["A03", "A11"])
def test_an_admission_that_comes_after_its_end_waits(hospital: Hospital, event: str) -> None:
    hospital.accepted(adt(event, sent=at(44)))
    assert hospital.why() == [reasons.NOTHING_TO_END]
    row = hospital.accepted(adt("A01", sent=at(43)))
    assert (row["state"], hospital.why()) == (messages.WAITING, [reasons.OLDER])
    assert hospital.beds() == {}
    again = hospital.accepted(adt("A01", sent=at(44), control_id="same second"))
    assert (again["state"], hospital.why()) == (messages.WAITING, [reasons.VISIT_OVER])


def test_a_visit_may_begin_anew_after_its_end(hospital: Hospital) -> None:
    admit(hospital, sent=at(42))
    hospital.accepted(adt("A03", sent=at(43)))
    admit(hospital, "05", sent=at(44))
    assert hospital.beds() == {"5": "P1"}
    assert hospital.spoken()[-1].startswith("新入院")


def test_a_transfer_after_the_end_waits(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A03"))
    row = hospital.accepted(adt("A02", "05"))
    assert (row["state"], hospital.why()) == (messages.WAITING, [reasons.VISIT_OVER])
    hospital.do(his.replay, row["id"], "e", force=True)
    assert hospital.beds() == {"5": "P1"}


def test_an_old_transfer_that_comes_late_waits(hospital: Hospital) -> None:
    admit(hospital, sent=at(40))
    hospital.accepted(adt("A02", "05", sent=at(42)))
    row = hospital.accepted(adt("A02", "06", sent=at(41)))
    assert (row["state"], hospital.why()) == (messages.WAITING, [reasons.OLDER])
    assert hospital.beds() == {"5": "P1"}


def test_the_same_patient_admitted_twice(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A01", control_id="new id"))
    assert hospital.why() == [reasons.NOTHING_TO_DO]
    assert len(hospital.spoken()) == 1
    hospital.accepted(adt("A01", "05", control_id="new bed"))
    assert hospital.why() == [reasons.SECOND_ADMISSION]
    assert hospital.beds() == {"5": "P1"}
    hospital.accepted(adt("A01", "06", visit="P1-2"))
    assert hospital.why() == [reasons.OTHER_STAY]
    assert hospital.beds() == {"5": "P1", "6": "P1"}


def test_ended_twice(hospital: Hospital) -> None:
    admit(hospital)
    hospital.accepted(adt("A03"))
    hospital.accepted(adt("A03", control_id="again"))
    assert hospital.why() == [reasons.NOTHING_TO_END]
    assert len(hospital.spoken()) == 2


def test_times_are_the_senders_but_never_in_the_future(hospital: Hospital) -> None:
    admit(hospital, sent="20260920080000")
    row = model.patient_in(hospital.store.read(), "3", "7")
    assert row is not None
    assert row["admitted_ms"] == 1_789_862_400_000
    admit(hospital, "05", patient="P2", sent="20991231000000")
    row = model.patient_in(hospital.store.read(), "3", "5")
    assert row is not None
    assert row["admitted_ms"] == hospital.store.clock.now_ms()


def test_the_database_itself_holds_one_patient_per_bed(hospital: Hospital) -> None:
    admit(hospital)
    with (
        pytest.raises(Exception, match="UNIQUE"),
        hospital.store.transaction() as tx,
    ):
        tx.insert("stays", patient="X", visit="X", ward="3", bed="7", kind="", admitted_ms=0)
