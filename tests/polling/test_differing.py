"""From two pictures of who lies where to what happened."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gateway.his.poller.differing import Known, compare


def stay(patient: str, bed: str, **more: Any) -> dict[str, Any]:
    return {"patient_id": patient, "location": {"point": "3", "bed": bed}, **more}


def picture(**beds: str) -> dict[str, dict[str, Any]]:
    return {patient: stay(patient, bed) for patient, bed in beds.items()}


def known(**beds: str) -> dict[str, Known]:
    return {patient: Known(body) for patient, body in picture(**beds).items()}


def told(bodies: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(body["what"], body["patient_id"]) for body in bodies]


def test_admission_transfer_and_change_are_derived() -> None:
    now = picture(a="1", b="9", new="2")
    now["a"]["name"] = "王"
    difference = compare(known(a="1", b="2"), now)
    assert told(difference.bodies) == [("transfer", "b"), ("admit", "new"), ("update", "a")]
    assert difference.bodies[0]["prior_location"] == {"point": "3", "bed": "2"}
    assert not compare(difference.known, now).bodies


def test_a_discharge_needs_two_pictures_without_the_patient() -> None:
    first = compare(known(a="1", b="2", c="3"), picture(a="1", b="2"))
    assert first.bodies == []
    assert not compare(first.known, picture(a="1", b="2", c="3")).bodies, "back again"
    second = compare(first.known, picture(a="1", b="2"))
    assert told(second.bodies) == [("discharge", "c")]
    assert second.bodies[0]["location"]["bed"] == "3"


def test_beds_are_left_before_they_are_taken() -> None:
    first = compare(known(a="1", b="2", c="3"), picture(b="2", c="3"))
    second = compare(first.known, picture(b="2", c="3", d="1"))
    assert told(second.bodies) == [("discharge", "a"), ("admit", "d")]


def test_a_picture_that_lost_most_is_held_until_it_is_whole_or_believed() -> None:
    before = known(a="1", b="2", c="3", d="4")
    held = compare(before, {})
    assert (held.held, held.lost, held.bodies, held.known) == (True, 4, [], before)
    assert compare(before, picture(a="1")).held
    assert not compare(before, picture(a="1", b="2")).held
    believed = compare(before, {}, believe=True)
    assert told(believed.bodies) == [("discharge", each) for each in "abcd"]


BEDS = st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("12345678"), max_size=8)


@given(st.lists(BEDS, max_size=6))
def test_what_is_told_adds_up_to_the_pictures(pictures: list[dict[str, str]]) -> None:
    """Whoever follows the messages knows who lies where, but for those missing once."""
    standing: dict[str, Known] = {}
    told_of: dict[str, str] = {}
    for beds in pictures:
        difference = compare(standing, picture(**beds))
        for body in difference.bodies:
            if body["what"] == "discharge":
                assert told_of.pop(body["patient_id"]) == body["location"]["bed"]
            else:
                assert (body["what"] == "admit") == (body["patient_id"] not in told_of)
                told_of[body["patient_id"]] = body["location"]["bed"]
        standing = difference.known
        if not difference.held:
            missing = {each for each, stay in standing.items() if stay.missing}
            assert {k: v for k, v in told_of.items() if k not in missing} == beds
