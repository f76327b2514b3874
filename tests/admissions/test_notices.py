"""Which notices the nurse station has to confirm at its telephone, and which are taken back."""

import pytest

from central.directory import service as directory
from central.notices import service as notices
from central.telephone import model as ringings
from tests.admissions.conftest import Hospital, adt, at


@pytest.fixture
def phoned(hospital: Hospital) -> Hospital:
    """Both wards have a telephone."""
    for number, ward in (("8003", "3"), ("8005", "5")):
        hospital.do(directory.add_extension, number, f"{ward}病区", ward=ward)
        hospital.do(directory.add_phone, f"00156500{number}", number)
    return hospital


def rung(hospital: Hospital) -> dict[str, str | None]:
    """What rings, by ward: the words."""
    tx = hospital.store.read()
    return {
        row["ref"].partition("/")[0]: notices.words(tx, row["ref"], "zh")
        for row in ringings.unfinished(tx)
    }


def waiting(hospital: Hospital, ward: str = "3") -> list[str]:
    tx = hospital.store.read()
    rows = tx.all("SELECT kind FROM notices WHERE ward = ? AND state = 'open' ORDER BY id", (ward,))
    return [row["kind"].removeprefix("admissions.") for row in rows]


@pytest.mark.parametrize(
    ("kind", "urgent", "said"),
    [
        ("E", True, "新入院:急诊,女,四十六岁,安排在三病区七床,请准备床位。"),
        ("R", False, "新入院:女,四十六岁,安排在三病区七床,请准备床位。"),
    ],
)
def test_an_emergency_is_urgent_and_says_so_first(
    phoned: Hospital, kind: str, urgent: bool, said: str
) -> None:
    phoned.accepted(adt(kind=kind))
    assert rung(phoned) == {"3": said}
    assert phoned.store.read().value("SELECT urgent FROM notices") == urgent


def test_a_cancelled_admission_takes_its_notice_back(phoned: Hospital) -> None:
    phoned.accepted(adt())
    phoned.accepted(adt("A11", sent=at(45)))
    assert rung(phoned) == {}
    assert waiting(phoned) == []
    assert phoned.spoken()[-1] == "七床的入院已取消。"


def test_what_was_confirmed_and_is_cancelled_is_to_be_confirmed_again(phoned: Hospital) -> None:
    phoned.accepted(adt())
    phoned.do(notices.accept, 1, "li")
    phoned.accepted(adt("A11", sent=at(45)))
    assert rung(phoned) == {"3": "七床的入院已取消。"}


def test_who_is_moved_before_his_coming_was_heard_of_comes_to_another_bed(
    phoned: Hospital,
) -> None:
    phoned.accepted(adt())
    phoned.accepted(adt("A02", bed="08", sent=at(45)))
    assert waiting(phoned) == ["new_emergency"]
    words = rung(phoned)["3"]
    assert words is not None
    assert "八床" in words
    phoned.do(notices.accept, 3, "li")
    phoned.accepted(adt("A02", bed="06", sent=at(46)))
    assert rung(phoned) == {"3": "八床的病人转到六床。"}


def test_who_goes_to_another_ward_is_told_in_both(phoned: Hospital) -> None:
    phoned.accepted(adt())
    phoned.accepted(adt("A02", location="5W^^01^总院", sent=at(45)))
    assert (waiting(phoned), waiting(phoned, "5")) == (["moved_out"], ["moved_in"])
    assert rung(phoned)["3"] == "七床的病人转往其他病区。"


def test_a_discharge_taken_back_before_it_was_heard_of_need_not_be_confirmed(
    phoned: Hospital,
) -> None:
    phoned.accepted(adt())
    phoned.do(notices.accept, 1, "li")
    phoned.accepted(adt("A03", sent=at(45)))
    assert waiting(phoned) == ["discharged"]
    phoned.accepted(adt("A13", sent=at(46)))
    assert waiting(phoned) == []
    assert phoned.spoken()[-1] == "七床的出院已撤销,病人留在原床。"


def test_no_notice_is_of_the_class_of_a_nurse_call(phoned: Hospital) -> None:
    phoned.accepted(adt())
    phoned.accepted(adt("A02", bed="08", sent=at(45)))
    rows = phoned.store.read().all(
        "SELECT DISTINCT json_extract(body, '$.class') AS class FROM commands WHERE type = 'speak'"
        " ORDER BY 1"
    )
    assert [row["class"] for row in rows] == ["announcement", "reminder"]
