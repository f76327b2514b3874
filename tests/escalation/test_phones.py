"""Telephones as a step: they ring beside the rest, are answered for, and hold up nobody."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from central.board import service as board
from central.calls import model as calls
from central.calls import service as calls_service
from central.clock import FakeClock
from central.directory import outside, reach
from central.directory import service as directory
from central.errors import FieldError
from central.escalation import forms, model, phones, policy, service, steps
from central.escalation.policy import Available
from central.personal import finding
from central.store import Row, Store
from central.telephone import model as ringings
from central.telephone.service import Rung
from gateway.mqtt import kinds
from gateway.telephone.personal import Hours, Target
from gateway.telephone.telling import Outcome
from tests.calls.ward import Ward, build
from tests.escalation.test_policy import ALL, LAST

DUTY: dict[str, Any] = {"kind": "role", "role": "duty_manager"}
STATION: dict[str, Any] = {"after_s": 0, "target": {"kind": "station"}}


def ring_these(numbers: list[str], after_s: int = 10, **more: Any) -> dict[str, Any]:
    return {"after_s": after_s, "target": {"kind": "phones", "numbers": numbers, **more}}


def rule(*steps: dict[str, Any], type: str = "nurse") -> policy.Policy:
    last = {"after_s": 50, "target": DUTY}
    return {"name": "n", "rules": [{"types": [type], "beds": "all", "steps": [*steps, last]}]}


class Phoned(Ward):
    """Ward 3 with the phone 8003 of its nurse station, and 8101, the head nurse Li's own."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(store, clock)
        self.do(directory.add_extension, "8003", "三病区护士站", ward="3")
        self.do(directory.add_phone, "0015650a1b2c", "8003")
        person = self.do(directory.add_person, "李护士长")
        self.do(lambda tx: tx.execute("UPDATE people SET user = 'li'"))
        self.do(directory.add_extension, "8101", "护士长", person=person)
        self.do(directory.add_phone, "0015650a1b2d", "8101")

    def by(self, *steps: dict[str, Any]) -> None:
        """From now on calls of ward 3 go by these steps."""
        self.do(model.add_version, "3", rule(*steps), "li")

    def ringing(self) -> list[Row]:
        return ringings.unfinished(self.store.read())

    def rings(self) -> list[list[list[str]]]:
        """The groups of all that rings."""
        return [ringings.groups(row) for row in self.ringing()]

    def ends(self, taken_by: str | None = None, **outcomes: Outcome) -> None:
        """What rings first comes to its end as the bridge would tell."""
        row = self.ringing()[0]
        rung = Rung(taken_by, {number[1:]: each for number, each in outcomes.items()})
        kept = {"taken_by": taken_by, "outcomes": dict(rung.outcomes)}
        self.do(lambda tx: ringings.finish(tx, row["id"], kept))
        self.do(self.rules.ringings[row["kind"]].done, row["ref"], rung)

    def says(self, lang: str) -> str | None:
        row = self.ringing()[0]
        return self.rules.ringings[row["kind"]].words(self.store.read(), row["ref"], lang)

    def seen(self, lang: str = "en") -> list[str]:
        """What the board says of the phones."""
        return phones.state(self.store.read(), self.call(), lang)

    def done(self) -> list[Any]:
        """(step, reached) by the history"""
        found = []
        for row in calls.history(self.store.read(), 1):
            detail = json.loads(row["detail"])
            if row["what"] == "step":
                found.append((policy.target_key(detail), detail["reached"]))
        return found


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Iterator[Phoned]:
    build(store)
    operated = Phoned(store, clock)
    yield operated
    assert operated.failures() == []


# --- when and whom ---


def test_the_nurse_stations_phone_rings_by_the_default_policy_without_any_setting(
    ward: Phoned,
) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(14)
    assert ward.rings() == []
    ward.pass_s(1)
    assert ward.rings() == [[["8003"]]]
    assert ward.done() == [("station", 1), ("phones:ward", 1)]
    ward.pass_s(15)  # it rings on, and the ward's loudspeakers come at their time
    assert ward.done()[2:] == [("ward_speaker", 1)]
    assert ward.rings() == [[["8003"]]]


def test_an_emergency_rings_sooner_and_is_so_called_on_the_display(ward: Phoned) -> None:
    ward.operate(kinds.HOLD)
    ward.pass_s(5)
    (row,) = ward.ringing()
    assert row["caller"] == "1床:紧急"
    ward.do(lambda tx: tx.execute("UPDATE wards SET lang = 'en'"))
    assert phones.display(ward.call(), "en") == "Bed 1: emergency"


@pytest.mark.parametrize("ward_id", ["3", "5"])
def test_the_default_has_no_hole_with_a_phone_and_without(ward: Phoned, ward_id: str) -> None:
    tx = ward.store.read()
    assert service.simulate(tx, ward_id, model.active(tx, ward_id)) == []
    with_phone = [key for key in _keys(model.active(tx, ward_id)) if key == "phones:ward"]
    assert len(with_phone) == (4 if ward_id == "3" else 0)


def _keys(document: policy.Policy) -> list[str]:
    return [policy.target_key(s["target"]) for r in document["rules"] for s in r["steps"]]


def test_several_ring_together_or_one_after_the_other(ward: Phoned) -> None:
    ward.by(
        STATION, ring_these(["8003", "8101"]), ring_these(["8101", "8003"], 20, order="in_turn")
    )
    ward.operate(kinds.PRESS)
    ward.pass_s(20)
    assert ward.rings() == [[["8003", "8101"]], [["8101"], ["8003"]]]


def test_the_phone_of_a_role_is_that_of_its_people(ward: Phoned) -> None:
    ward.by(STATION, {"after_s": 10, "target": {"kind": "phones", "of": "head_nurse"}})
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    assert ward.rings() == [[["8101"]]]


def test_who_is_found_elsewhere_by_the_hour_is_rung_there_too(ward: Phoned) -> None:
    now = datetime.fromtimestamp(ward.clock.now_ms() / 1000)
    minute = now.hour * 60 + now.minute
    here = Hours((minute - 30) % 1440, (minute + 30) % 1440)
    other = Hours((minute + 60) % 1440, (minute + 90) % 1440)
    ward.do(directory.add_extension, "8104", "夜班")
    ward.do(directory.add_phone, "0015650a1b2f", "8104")
    ward.do(directory.add_extension, "8200", "李护士长的号码")  # without a phone of its own
    ward.do(finding.find, "8200", [Target("8104", here), Target("8101", other)])
    ward.by(STATION, ring_these(["8003", "8200"], order="in_turn"))
    can = service.available(ward.store.read(), "3")
    assert can.missing({"kind": "phones", "numbers": ["8200"]}) is None
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    assert ward.rings() == [[["8003"], ["8104"]]]


def test_without_any_phone_the_next_step_comes_at_once_and_the_history_says_why(
    ward: Phoned,
) -> None:
    ward.by(STATION, {"after_s": 10, "target": {"kind": "phones", "of": "ward"}})
    ward.do(directory.remove_phone, "0015650a1b2c")
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    assert ward.done() == [("station", 1), ("phones:ward", 0), ("duty_manager", 1)]
    assert ward.ringing() == []


# --- what is said ---


def test_what_is_said_is_true_when_it_is_said(ward: Phoned) -> None:
    ward.by(STATION, ring_these(["8003"], 5))
    ward.operate(kinds.PRESS)
    ward.pass_s(9)
    assert ward.says("zh") == "三病区一床呼叫护士。"
    ward.pass_s(75)
    assert ward.says("zh") == "三病区一床呼叫护士。已等待一分二十秒。"
    english = ward.says("en")
    assert english is not None
    assert english.endswith("Waiting for one minute twenty seconds.")


def test_nobody_needs_to_hear_it_once_it_is_accepted(ward: Phoned) -> None:
    ward.by(STATION, ring_these(["8003"]))
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    (row,) = ward.ringing()
    ward.do(calls_service.accept, 1, "zhang", "board")
    words = ward.rules.ringings["call"].words(ward.store.read(), row["ref"], "zh")
    assert words is None


# --- what comes of it ---


def test_who_presses_1_accepts_as_at_the_board(ward: Phoned) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(15)
    ward.ends("8003", n8003=Outcome.TAKEN)
    assert (ward.call()["state"], ward.call()["accepted_by"]) == ("accepted", "三病区护士站")
    assert ward.sent(kinds.CALL)[-1]["phase"] == kinds.ACCEPTED
    assert ward.sent(kinds.STOP, "3-station") == [{"utterance": "call-1"}]
    last = calls.history(ward.store.read(), 1)[-1]
    assert (last["what"], last["via"]) == ("accepted", "phone 8003")
    ward.pass_s(100)
    assert ward.done() == [("station", 1), ("phones:ward", 1)]


def test_a_phone_with_a_person_accepts_in_her_name(ward: Phoned) -> None:
    ward.by(STATION, ring_these(["8101"]))
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    ward.ends("8101", n8101=Outcome.TAKEN)
    assert ward.call()["accepted_by"] == "li"


@pytest.mark.parametrize(
    "outcome", [each for each in Outcome if each not in (Outcome.TAKEN, Outcome.UNWANTED)]
)
def test_passed_on_or_nobody_the_next_step_comes_at_once(ward: Phoned, outcome: Outcome) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(15)
    ward.ends(n8003=outcome)
    assert ward.done()[2:] == [("ward_speaker", 1)]
    (words,) = ward.seen()
    assert "8003" in words
    assert ward.seen("zh") != ward.seen("en")
    assert ward.story().count("rang") == 1
    ward.pass_s(44)
    assert ward.done()[3:] == []  # the neighbour at its time, not sooner for it
    ward.pass_s(1)
    assert ward.done()[3:] == [("neighbour", 1)]


def test_a_step_that_has_come_meanwhile_does_not_come_again(ward: Phoned) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(30)
    before = ward.done()
    ward.ends(n8003=Outcome.NO_ANSWER)
    assert ward.done() == before


@pytest.mark.parametrize("how", ["board", "presence", "hand-over"])
def test_phones_fall_silent_when_somebody_else_sees_to_it(ward: Phoned, how: str) -> None:
    ward.by(STATION, ring_these(["8003"]), ring_these(["8101"], 20))
    ward.operate(kinds.PRESS)
    ward.pass_s(20)
    assert len(ward.ringing()) == 2
    if how == "board":
        ward.do(calls_service.accept, 1, "zhang", "board")
    elif how == "presence":
        ward.operate(kinds.PRESENCE)
    else:
        ward.do(calls_service.hand_over, 1, "5", "zhang")
    assert ward.ringing() == []
    assert ward.seen() == []


def test_a_call_that_comes_back_rings_again(ward: Phoned) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(15)
    ward.ends("8003", n8003=Outcome.TAKEN)
    ward.pass_s(180)
    assert ward.story().count("came_back") == 1
    ward.pass_s(15)
    assert ward.rings() == [[["8003"]]]


def test_phones_ring_again_while_nobody_at_all_answers(ward: Phoned) -> None:
    ward.by(STATION, ring_these(["8003"]))
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    ward.ends(n8003=Outcome.NO_ANSWER)
    ward.pass_s(110)
    assert ward.call()["exhausted_ms"] is not None
    assert ward.rings() == []
    ward.pass_s(30)
    assert ward.rings() == [[["8003"]]]
    ward.pass_s(300)  # it rings on, and is not begun anew meanwhile
    assert ward.rings() == [[["8003"]]]
    asked = ward.store.read().value("SELECT count(*) FROM ringings WHERE ref = '1/1'")
    assert asked == 2


def test_what_is_decided_too_late_changes_nothing(ward: Phoned) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(15)
    (row,) = ward.ringing()
    ward.operate(kinds.PRESENCE)
    rung = Rung("8003", {"8003": Outcome.TAKEN})
    ward.do(ward.rules.ringings["call"].done, row["ref"], rung)
    assert ward.call()["state"] == "ended"
    assert ward.story()[-1] == "attended"


# --- what is seen ---


def test_the_board_says_which_phone_rings_and_who_did_not_answer(ward: Phoned) -> None:
    ward.by(STATION, ring_these(["8003", "8101"]))
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    shown = board.board(ward.store.read(), "3", "nurse", "en", UTC)["calls"][0]
    assert shown["phones"] == ["ringing phone 8003, 8101"]
    assert shown["told"] == "telephones 8003, 8101"
    ward.ends(n8003=Outcome.NO_ANSWER, n8101=Outcome.BUSY)
    assert ward.seen() == ["phone 8003 did not answer", "phone 8101 was busy"]
    assert ward.seen("zh") == ["电话 8003 无人接听", "电话 8101 占线"]


def test_the_bed_hears_that_it_takes_longer_when_more_than_a_phone_is_told(ward: Phoned) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(29)
    assert [told["words"]["text"] for told in ward.sent(kinds.CALL)] == ["已通知护士,请稍候。"]
    ward.pass_s(1)
    assert ward.sent(kinds.CALL)[-1]["words"]["text"] == "还在呼叫护士,请再稍等。"


def test_the_stations_own_phone_is_not_late_yet_and_another_is(ward: Phoned) -> None:
    ward.operate(kinds.PRESS)
    ward.pass_s(20)
    assert steps.late(ward.store.read(), 0, 10) == []
    ward.pass_s(10)
    assert len(steps.late(ward.store.read(), 0, 10)) == 1
    ward.operate(kinds.PRESENCE)
    ward.by(STATION, ring_these(["8101"]))
    ward.operate(kinds.PRESS)
    ward.pass_s(10)
    assert len(steps.late(ward.store.read(), 0, 10)) == 2


# --- policies ---


def test_past_calls_are_played_with_phones(ward: Phoned, clock: FakeClock) -> None:
    since_ms = clock.now_ms()
    ward.operate(kinds.PRESS)
    ward.pass_s(20)
    ward.operate(kinds.PRESENCE)
    tx = ward.store.read()
    answer = service.replay(tx, "3", model.active(tx, "3"), since_ms)
    assert answer.by_target == {"station": 1, "phones:ward": 1}


KNOWN = {"numbers": {"8003": True, "8999": False}, "phones": frozenset({"ward"})}


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ({"numbers": ["8003", "8004"]}, "There is no extension"),
        ({"numbers": ["8999"]}, "No phone rings for"),
        ({"of": "head_nurse"}, "Nobody who is"),
        ({"numbers": ["8003"]}, None),
        ({"of": "ward"}, None),
    ],
)
def test_a_number_that_rings_nowhere_is_a_hole(target: dict[str, Any], reason: str | None) -> None:
    available = Available(**(vars(ALL) | KNOWN))
    document = rule(STATION, {"after_s": 10, "target": {"kind": "phones", **target}})
    policy.check(document)
    found = policy.simulate(document, ["1"], ["nurse"], available)
    assert [reason in each.reason for each in found if reason] == ([True] if reason else [])
    assert bool(found) == bool(reason)


def test_a_ward_without_a_phone_has_a_hole_where_a_policy_asks_for_one() -> None:
    document = rule(STATION, {"after_s": 10, "target": {"kind": "phones", "of": "ward"}})
    (hole,) = policy.simulate(document, ["1"], ["nurse"], ALL)
    assert "nurse station has no phone" in hole.reason


def test_a_phone_is_never_the_first_step() -> None:
    document = rule(ring_these(["8003"], 0))
    available = Available(**(vars(ALL) | KNOWN))
    (hole,) = policy.simulate(document, ["1"], ["nurse"], available)
    assert "never waits" in hole.reason


@pytest.mark.parametrize(
    "target",
    [
        {"kind": "phones"},
        {"kind": "phones", "numbers": ["8003"], "of": "ward"},
        {"kind": "phones", "numbers": ["80;3"]},
        {"kind": "phones", "numbers": ["8"]},
        {"kind": "phones", "numbers": []},
        {"kind": "phones", "numbers": [8003]},
        {"kind": "phones", "numbers": ["8003"], "order": "loud"},
        {"kind": "phones", "of": "king"},
        {"kind": "station", "numbers": ["8003"]},
        {"kind": "station", "order": "together"},
        {"kind": "phones", "of": "ward", "role": "nurse"},
    ],
)
def test_a_malformed_target_is_refused_at_its_step(target: dict[str, Any]) -> None:
    with pytest.raises(FieldError) as refused:
        policy.check(rule(STATION, {"after_s": 10, "target": target}))
    assert refused.value.field.startswith("rules[0].steps[1]")


@pytest.mark.parametrize(
    "target",
    [
        {"kind": "phones", "of": "ward"},
        {"kind": "phones", "of": "head_nurse", "order": "in_turn"},
        {"kind": "phones", "numbers": ["8003", "8101"]},
        {"kind": "phones", "numbers": ["8003"], "order": "in_turn"},
    ],
)
def test_phones_come_back_from_the_form(target: dict[str, Any]) -> None:
    document = rule(STATION, {"after_s": 10, "target": target})
    assert forms.document(forms.shown(document)) == document


def test_numbers_are_read_however_they_are_typed_and_stay_with_their_step() -> None:
    form = forms.shown(rule(STATION, ring_these(["8003"])))
    form["rules"][0]["steps"][1]["numbers"] = "8003、8101，8003 ;8104"
    moved, _ = forms.change(form, "step-up 0 1")
    first = forms.document(moved)["rules"][0]["steps"][0]
    assert first == {**ring_these(["8003", "8101", "8104"]), "after_s": 0}


def test_what_is_no_number_is_refused() -> None:
    form = forms.shown(rule(STATION, ring_these(["8003"]), LAST))
    form["rules"][0]["steps"][1]["numbers"] = "8003&PJSIP/x"
    with pytest.raises(FieldError):
        policy.check(forms.document(form))


@pytest.mark.parametrize("has_phone", [True, False])
def test_find_me_outside_is_left_out_and_the_simulation_says_so(
    ward: Phoned, has_phone: bool
) -> None:
    ward.do(outside.add_trunk, "world", "192.0.2.7")
    ward.do(outside.add_route, "city", "world", ["9NXXXXXXX"], strip=1)
    ward.do(outside.allow, "internal", ["city"])
    ward.do(finding.find, "8101", [Target("962221111")])
    if not has_phone:
        ward.do(lambda tx: tx.execute("DELETE FROM extension_phones WHERE number = '8101'"))
    tx = ward.store.read()
    assert reach.found(tx, "8101") == ["8101"]
    step = {"kind": "phones", "numbers": ["8101"]}
    missing = service.available(tx, "3").missing(step)
    assert missing == (None if has_phone else (policy.ONLY_OUTSIDE, {"number": "8101"}))
