"""The form of a policy without a browser: what buttons do, what is read, what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from central.calls import types
from central.errors import FieldError
from central.escalation import forms, plan, policy
from central.escalation.policy import Available
from central.words import catalogue
from tests.escalation.test_policy import ALL

ORDERS = ("rule-add", "rule-copy", "rule-remove", "rule-up", "rule-down", "step-add",
          "step-remove", "step-up", "step-down", "nonsense")  # fmt: skip


def default() -> forms.Typed:
    return forms.shown(policy.default())


def targets(form: forms.Typed, rule: int) -> list[str]:
    return [step["target"] for step in form["rules"][rule]["steps"]]


def times_s(form: forms.Typed, rule: int) -> list[int]:
    return [step["after_s"] for step in forms.document(form)["rules"][rule]["steps"]]


def test_a_document_comes_back_from_its_form() -> None:
    assert forms.document(default()) == policy.default()


def test_whole_minutes_are_shown_as_minutes() -> None:
    steps = default()["rules"][1]["steps"]
    assert [(step["after"], step["unit"]) for step in steps] == [
        ("0", "s"), ("30", "s"), ("1", "min"), ("90", "s"), ("3", "min"),
    ]  # fmt: skip


def test_moving_a_step_changes_who_is_told_and_leaves_the_times_in_order() -> None:
    form, focus = forms.change(default(), "step-up 1 3")
    assert targets(form, 1)[2:4] == ["role:head_nurse", "neighbour"]
    assert times_s(form, 1) == times_s(default(), 1)
    assert focus == "r1s2-up"
    back, focus = forms.change(form, "step-down 1 2")
    assert back == default()
    assert focus == "r1s3-down"


def test_at_the_end_of_its_way_the_other_button_has_the_focus() -> None:
    assert forms.change(default(), "step-up 0 1")[1] == "r0s0-down"
    assert forms.change(default(), "rule-down 3")[1] == "r4-up"


def test_a_new_step_comes_a_minute_after_the_last() -> None:
    form, focus = forms.change(default(), "step-add 0")
    assert times_s(form, 0)[-2:] == [60, 120]
    assert focus == "r0s5-after"
    less, focus = forms.change(form, "step-remove 0 5")
    assert less == default()
    assert focus == "r0s4-remove"


def test_a_copied_rule_stands_before_its_original_for_other_hours() -> None:
    form, focus = forms.change(default(), "rule-copy 1")
    assert form["rules"][1] == form["rules"][2] == default()["rules"][1]
    assert focus == "r1-from"
    form["rules"][1]["from"] = "22:00"
    assert form["rules"][2]["from"] == ""


def test_a_new_rule_comes_first_and_asks_for_its_calls() -> None:
    form, focus = forms.change(default(), "rule-add")
    assert len(form["rules"]) == 6
    assert focus == "r0-types-0"
    with pytest.raises(FieldError) as refused:
        forms.document(form)
    assert (refused.value.field, refused.value.message in catalogue("zh")) == ("rules[0].types", 1)


@given(st.lists(st.tuples(st.sampled_from(ORDERS), st.lists(st.integers(0, 7), max_size=3))))
def test_no_row_of_buttons_leaves_a_form_that_cannot_be_shown(orders: Any) -> None:
    form = default()
    for name, numbers in orders:
        form, focus = forms.change(form, " ".join([name, *map(str, numbers)]))
        assert isinstance(focus, str)
        assert len(form["rules"]) <= forms.MAX_RULES
        for rule in form["rules"]:
            assert rule.keys() == default()["rules"][0].keys()
            assert len(rule["steps"]) <= forms.MAX_STEPS


@pytest.mark.parametrize("order", ["", "step-up", "step-up x y", "rule-remove 99", "step-add -1"])
def test_an_order_without_sense_changes_nothing(order: str) -> None:
    assert forms.change(default(), order) == (default(), "")


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"types": []}, "rules[0].types"),
        ({"all_beds": False}, "rules[0].beds"),
        ({"repeat_s": "often"}, "rules[0].repeat_s"),
        ({"steps": [{"after": "soon", "unit": "s", "target": "station"}]},
         "rules[0].steps[0].after_s"),
        ({"steps": [{"after": "-1", "unit": "s", "target": "station"}]},
         "rules[0].steps[0].after_s"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_by_its_place(rule: dict[str, Any], path: str) -> None:
    form = default()
    form["rules"][0] |= rule
    with pytest.raises(FieldError) as refused:
        forms.document(form)
    assert refused.value.field == path
    assert refused.value.message in catalogue("zh")


def test_what_was_typed_is_kept_as_it_was_typed() -> None:
    form = forms.typed(
        MultiDict(
            [("name", "<b>"), ("rules", "1"), ("r0-steps", "1"), ("r0s0-after", "soon"),
             ("r0s0-target", "role:king"), ("r0-types", "nurse"), ("r0-beds", "99"),
             ("r0-all_beds", "no"), ("r0-from", "25:00")]
        )
    )  # fmt: skip
    rule = form["rules"][0]
    assert (form["name"], rule["from"], rule["beds"], rule["all_beds"]) == (
        "<b>", "25:00", ["99"], False,
    )  # fmt: skip
    empty = dict.fromkeys(("unit", "numbers", "order"), "")
    assert rule["steps"] == [{"after": "soon", "target": "role:king"} | empty]


def test_numbers_from_nowhere_make_no_endless_form() -> None:
    form = forms.typed(MultiDict([("rules", "99999999"), ("r0-steps", "-5"), ("r1-steps", "x")]))
    assert len(form["rules"]) == forms.MAX_RULES
    assert all(rule["steps"] == [] for rule in form["rules"])


# --- laid out for reading ---

HOURS = st.sampled_from(["00:00", "06:00", "06:30", "13:59", "22:00", "23:59"])
RULES = st.builds(
    lambda types, beds, hours, steps: {"types": types, "beds": beds, "steps": steps} | hours,
    st.lists(st.sampled_from(list(types.TYPES)), min_size=1, unique=True),
    st.one_of(st.just("all"), st.lists(st.sampled_from(["1", "2"]), min_size=1, unique=True)),
    st.one_of(
        st.just({}),
        st.tuples(HOURS, HOURS)
        .filter(lambda each: each[0] != each[1])
        .map(lambda each: {"from": each[0], "to": each[1]}),
    ),
    st.lists(
        st.builds(
            lambda after_s, target: {"after_s": after_s, "target": target},
            st.integers(0, 90),
            st.sampled_from(
                [{"kind": "station"}, {"kind": "neighbour"}, {"kind": "role", "role": "engineer"}]
            ),
        ),
        min_size=1,
        max_size=3,
    ),
)


@given(st.lists(RULES, min_size=1, max_size=4), st.booleans())
def test_the_courses_cover_each_minute_once_and_show_the_holes_of_the_trial(
    rules: list[policy.Rule], everybody: bool
) -> None:
    document = {"name": "n", "rules": rules}
    can = ALL if everybody else Available(stations=1)
    courses = plan.courses(document, ["1", "2"], can)
    for type in types.TYPES:
        for bed in [None] if type in types.TECHNICAL else ["1", "2"]:
            mine = [each for each in courses if each.type == type and bed in each.beds]
            holes = {hole.reason for hole in policy.simulate(document, [bed], [type], can)}
            assert {text for each in mine for _step, text, _values in each.holes} == holes
            for minute in (0, 359, 360, 389, 390, 839, 1319, 1320, 1439):
                [now] = [each for each in mine if plan.at_moment(each, minute)]
                rule = policy.rule_for(document, bed, type, minute)
                assert (None if now.rule is None else rules[now.rule]) == rule


def test_a_night_is_one_span() -> None:
    night = {"from": "22:00", "to": "06:00"} | policy.default()["rules"][1]
    document = {"name": "n", "rules": [night]}
    courses = [each for each in plan.courses(document, ["1"], ALL) if each.type == "nurse"]
    assert [(each.rule, each.spans) for each in courses] == [
        (None, ((360, 1320),)), (0, ((1320, 360),)),
    ]  # fmt: skip
