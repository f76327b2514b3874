"""Policy documents: what is refused, with the path and the remedy; and every hole found."""

import copy
import json

import pytest

from central.calls import types
from central.errors import FieldError
from central.escalation import policy
from central.escalation.policy import Available, Hole, rule_for, simulate
from central.words import catalogue, seen

ALL = Available(
    stations=1, speakers=4, neighbour_stations=1, has_neighbour=True,
    roles=frozenset({"nurse", "head_nurse", "duty_manager", "engineer"}),
)  # fmt: skip
LAST = {"after_s": 30, "target": {"kind": "role", "role": "duty_manager"}}


def one_rule(**changes: object) -> policy.Policy:
    rule = {
        "types": ["nurse"],
        "beds": "all",
        "steps": [{"after_s": 0, "target": {"kind": "station"}}, LAST],
    }
    return {"name": "n", "rules": [rule | changes]}


def holes(document: policy.Policy, available: Available = ALL, type: str = "nurse") -> list[Hole]:
    policy.check(document)
    return simulate(document, ["1", "2"], [type], available)


def test_the_default_has_no_hole_where_everybody_is_there() -> None:
    policy.check(policy.default())
    assert simulate(policy.default(), ["1", None], types.TYPES, ALL)[:1] == []


@pytest.mark.parametrize(
    ("change", "path", "message"),
    [
        (lambda d: d.pop("name"), "document", "Something is missing"),
        (lambda d: d["rules"][0]["steps"][1].update(after_s="x"), "rules[0].steps[1].after_s", ""),
        (lambda d: d["rules"][0]["types"].append("x"), "rules[0].types[1]", "Use one of"),
        (lambda d: d["rules"][0].update(beds="none"), "rules[0].beds", 'Write "all"'),
        (lambda d: d["rules"][0].update({"from": "25:00", "to": "1"}), "rules[0].from", "as 22"),
        (lambda d: d["rules"][0].update({"from": "22:00"}), "rules[0]", "both times"),
        (lambda d: d["rules"][0].update({"from": "01:00", "to": "01:00"}), "rules[0].to", "equal"),
        (lambda d: d["rules"][0].update(mute=True), "rules[0]", "does not know"),
        (lambda d: d["rules"][0]["steps"][0]["target"].update(role="nurse"),
         "rules[0].steps[0].target", "kind role"),
        (lambda d: d.update(rules=[]), "rules", "At least"),
    ],
)  # fmt: skip
def test_a_malformed_document_is_refused_by_path_and_remedy(change, path, message) -> None:  # type: ignore[no-untyped-def]
    document = copy.deepcopy(one_rule())
    change(document)
    with pytest.raises(FieldError) as refused:
        policy.parse(json.dumps(document))
    assert refused.value.field == path
    assert message in refused.value.message
    chinese = seen("zh", refused.value.message, **refused.value.values)
    assert chinese != seen("en", refused.value.message, **refused.value.values)


def test_text_that_is_not_json_names_the_line() -> None:
    with pytest.raises(FieldError) as refused:
        policy.parse('{"name":\n oops}')
    assert refused.value.values["line"] == 2


@pytest.mark.parametrize(
    ("changes", "missing", "reason"),
    [
        ({"steps": [{"after_s": 5, "target": {"kind": "station"}}, LAST]}, {}, "first step"),
        ({"steps": [{"after_s": 0, "target": {"kind": "station"}}]}, {}, "last step"),
        ({"steps": [{"after_s": 0, "target": {"kind": "neighbour"}}, LAST]},
         {"has_neighbour": False}, "no neighbouring ward"),
        ({"steps": [{"after_s": 0, "target": {"kind": "neighbour"}}, LAST]},
         {"neighbour_stations": 0}, "neighbouring ward has no"),
        ({}, {"stations": 0}, "no nurse station"),
        ({}, {"roles": frozenset()}, "Nobody holds"),
        ({"steps": [{"after_s": 0, "target": {"kind": "ward_speaker"}}, LAST]},
         {"speakers": 0}, "loudspeaker"),
        ({"steps": [{"after_s": 0, "target": {"kind": "station"}}, LAST, LAST]}, {}, "later than"),
    ],
)  # fmt: skip
def test_each_kind_of_hole_is_found_for_every_bed(changes, missing, reason) -> None:  # type: ignore[no-untyped-def]
    available = Available(**(vars(ALL) | missing))
    found = holes(one_rule(**changes), available)
    assert [hole.bed for hole in found] == ["1", "2"]
    for hole in found:
        assert reason in hole.reason
        assert hole.hours == tuple(range(24))
        assert hole.reason in catalogue("zh")


def test_a_gap_of_minutes_is_found_with_its_hour() -> None:
    document = one_rule(**{"from": "06:00", "to": "22:20"})
    document["rules"].append(one_rule(**{"from": "22:30", "to": "06:00"})["rules"][0])
    (first, _) = holes(document)
    assert (first.reason, first.hours) == (
        "No rule fits: the call would reach nobody. Add its kind, bed and hours to a rule.",
        (22,),
    )


def test_a_rule_for_some_beds_leaves_a_hole_for_the_others() -> None:
    assert [hole.bed for hole in holes(one_rule(beds=["1"]))] == ["2"]


def test_emergencies_may_not_take_longer_than_a_minute() -> None:
    slow = one_rule(types=["emergency"], steps=[
        {"after_s": 0, "target": {"kind": "station"}},
        {"after_s": 61, "target": {"kind": "role", "role": "duty_manager"}},
    ])  # fmt: skip
    assert "emergency" in holes(slow, type="emergency")[0].reason


def test_emergencies_cannot_be_left_out() -> None:
    found = simulate(one_rule(), ["1"], types.TYPES, ALL)
    assert {hole.type for hole in found} == set(types.TYPES) - {"nurse"}


def test_the_first_rule_that_fits_wins_and_nights_span_midnight() -> None:
    night = one_rule(**{"from": "22:00", "to": "06:00"})["rules"][0]
    document = {"name": "n", "rules": [night, one_rule()["rules"][0]]}
    for at, expected in (("21:59", 1), ("22:00", 0), ("00:00", 0), ("05:59", 0), ("06:00", 1)):
        rule = rule_for(document, "1", "nurse", policy.minute(at))
        assert rule is document["rules"][expected]
