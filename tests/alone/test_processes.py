"""The ward goes on without its parts, by real processes that are killed and cables that are cut;
and when they are back, what was finished is history and rings nowhere."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from central import commands
from central.calls import service as calls
from gateway.mqtt import kinds, topics
from tests.alone.hospital import BOX, BRIDGE, BROKER, STATION, WARD, WARD_BROKER, Hospital, running
from tests.conftest import wait_for

pytestmark = pytest.mark.long

ALONE_WORDS = "五病区,{}床,呼叫护士。"
BED = {"1": "一", "2": "二", "3": "三"}
# Between what hands did and what a node or central wrote down, as the machine's load has it.
SLACK_MS = 2_500
# A copy from just before the presence may be the one that arrives, dated by its last sending.
COPY_MS = topics.EXPIRY_S[topics.EVENT] * 1000 + 1_500


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    with running(tmp_path) as made:
        yield made


def sounds_alone(hospital: Hospital, bed: str) -> None:
    words = ALONE_WORDS.format(BED[bed])
    wait_for(lambda: words in hospital.said(), f"the station to say {words}")
    assert bed in hospital.alone()
    assert hospital.light(bed) == "blink"


def attend(hospital: Hospital, bed: str) -> int:
    """A nurse is at the bed, and leaves; returns when she came, hospital ms."""
    at_ms = hospital.now_ms()
    hospital.operate(bed, "presence")
    wait_for(lambda: hospital.lamp(bed) == "off", "the lamp to go out")
    wait_for(
        lambda: bed not in [each["bed"] for each in hospital.page()["calls"]],
        "the station to see that somebody came",
    )
    # What its ear has not heard yet would count as said afterwards.
    wait_for(lambda: (bed, "present") in hospital.bed_states, "the recorder to hear of it")
    return at_ms


def all_is_back(hospital: Hospital) -> None:
    """A call goes the whole way, behind everything that waited."""
    hospital.operate("3", "press")
    wait_for(lambda: hospital.open() == ["3"], "the press at central, and nothing else")
    wait_for(lambda: hospital.light("3") == "steady", "the receipt")
    wait_for(lambda: hospital.alone() == [], "the station to leave it to central")
    attend(hospital, "3")
    wait_for(lambda: hospital.open() == [], "the presence at central")


class Sounds:
    """What was said at or about a bed and how its lamp looked, from now on."""

    def __init__(self, hospital: Hospital, bed: str) -> None:
        self._hospital = hospital
        self._bed = bed
        self._before = self._count()
        self._states = len(hospital.bed_states)

    def _count(self) -> int:
        about = f"{BED[self._bed]}床"
        spoken = self._hospital.spoken(STATION) + self._hospital.spoken(BOX)
        return sum(about in each["text"] or self._bed in each["beds"] for each in spoken)

    def nothing(self) -> None:
        states = {
            state for bed, state in self._hospital.bed_states[self._states :] if bed == self._bed
        }
        assert states <= {"idle", "present"}
        assert self._count() == self._before


def ended(hospital: Hospital, bed: str, opened_ms: int, attended_ms: int) -> Any:
    """The last call of a bed, ended at its true times."""
    call = hospital.calls(bed)[-1]
    assert call["state"] == "ended"
    assert abs(call["opened_ms"] - opened_ms) < SLACK_MS + COPY_MS
    assert abs(call["attended_ms"] - attended_ms) < SLACK_MS + COPY_MS
    return call


def press(hospital: Hospital, bed: str) -> int:
    at_ms = hospital.now_ms()
    hospital.operate(bed, "press")
    return at_ms


def copies_expire(hospital: Hospital, came_ms: int) -> None:
    """Let pass what the brokers hold from before the presence."""
    wait_for(lambda: hospital.now_ms() > came_ms + COPY_MS, "the copies to expire")


def told_nobody(hospital: Hospital, call: int) -> None:
    about = hospital.rows(
        "SELECT type FROM commands WHERE json_extract(body, '$.utterance') = ?"
        " OR json_extract(body, '$.call') = ?",
        f"call-{call}",
        str(call),
    )
    assert about == []
    steps = hospital.rows("SELECT what FROM call_history WHERE call = ? ORDER BY id", call)
    assert [row["what"] for row in steps] == ["opened", "attended"]


def test_bridge_gone_finished_and_open_calls(hospital: Hospital) -> None:
    hospital.kill(BRIDGE)
    first_ms, second_ms = press(hospital, "1"), press(hospital, "2")
    by_ms = hospital.now_ms()
    sounds_alone(hospital, "1")
    sounds_alone(hospital, "2")
    came_ms = attend(hospital, "1")
    wait_for(lambda: not hospital.page()["central"], "the station to miss central's beacon")
    quiet = Sounds(hospital, "1")
    hospital.start(BRIDGE)
    # The open one rings on by central, with its true age; ours falls silent.
    wait_for(lambda: hospital.open() == ["2"], "the open call at central")
    wait_for(lambda: hospital.alone() == [], "the station to leave it to central")
    wait_for(lambda: hospital.said(about="五病区二床"), "central's own words")
    (open_call,) = hospital.calls("2")
    assert second_ms - SLACK_MS < open_call["opened_ms"] < by_ms + SLACK_MS
    wait_for(lambda: hospital.calls("1"), "the finished call in the history")
    attend(hospital, "2")
    wait_for(lambda: hospital.open() == [], "both to be over at central")
    ended(hospital, "1", first_ms, came_ms)
    # Even where a copy from before the presence was the one to arrive.
    quiet.nothing()


def test_hospital_broker_gone(hospital: Hospital) -> None:
    hospital.kill(BROKER)
    at_ms = press(hospital, "1")
    sounds_alone(hospital, "1")
    came_ms = attend(hospital, "1")
    quiet = Sounds(hospital, "1")
    count = len(hospital.calls("1"))
    copies_expire(hospital, came_ms)
    hospital.start(BROKER)
    wait_for(lambda: len(hospital.calls("1")) > count, "the finished call in the history")
    told_nobody(hospital, ended(hospital, "1", at_ms, came_ms)["id"])
    all_is_back(hospital)
    quiet.nothing()


def test_accepted_at_central_and_ended_at_the_bed_while_the_cable_is_cut(
    hospital: Hospital,
) -> None:
    accepted_ms, ringing_ms = press(hospital, "1"), press(hospital, "2")
    wait_for(lambda: set(hospital.open()) == {"1", "2"}, "both calls at central")
    wait_for(lambda: hospital.said(about="五病区二床"), "central's words at the station")
    with hospital.store.transaction() as tx:
        calls.accept(tx, hospital.calls("1")[-1]["id"], "nurse5", "board")
    wait_for(lambda: hospital.lamp("1") == "steady", "the lamp of an accepted call")
    hospital.cable.cut()
    came_ms = attend(hospital, "1"), attend(hospital, "2")
    wait_for(lambda: not hospital.page()["central"], "the station to miss central's beacon")
    quiet = Sounds(hospital, "1"), Sounds(hospital, "2")
    # Beside them there may be a call of central's own by now: that the ward is cut off.
    assert {"1", "2"} <= set(hospital.open())
    hospital.cable.mend()
    wait_for(lambda: hospital.open() == [], "both presences at central")
    ended(hospital, "1", accepted_ms, came_ms[0])
    ended(hospital, "2", ringing_ms, came_ms[1])
    all_is_back(hospital)
    for each in quiet:
        each.nothing()


def test_ward_broker_and_bridge_gone_at_once(hospital: Hospital) -> None:
    hospital.kill(BRIDGE)
    hospital.kill(WARD_BROKER)
    at_ms = press(hospital, "1")
    wait_for(lambda: hospital.light("1") == "blink", "the bed's own light")
    wait_for(lambda: not hospital.page()["broker"], "the station to say that it is deaf")
    hospital.start(WARD_BROKER)
    wait_for(lambda: "1" in hospital.alone(), "the call at the station")
    came_ms = attend(hospital, "1")
    quiet = Sounds(hospital, "1")
    count = len(hospital.calls("1"))
    copies_expire(hospital, came_ms)
    hospital.start(BRIDGE)
    wait_for(lambda: len(hospital.calls("1")) > count, "the finished call in the history")
    told_nobody(hospital, ended(hospital, "1", at_ms, came_ms)["id"])
    all_is_back(hospital)
    quiet.nothing()


def test_box_and_station_power_cycled_in_the_middle_of_a_call(hospital: Hospital) -> None:
    hospital.cable.cut()
    at_ms = press(hospital, "2")
    wait_for(lambda: "2" in hospital.alone(), "the call at the station")
    hospital.kill(BOX)
    hospital.kill(STATION)
    # The box stays dead for now: the station alone remembers, and goes on.
    hospital.start(STATION)
    wait_for(lambda: "2" in hospital.alone(), "the call at the restarted station")
    hospital.start(BOX)
    wait_for(lambda: hospital.lamp("2") == "blink", "the lamp of the restarted box")
    came_ms = attend(hospital, "2")
    quiet = Sounds(hospital, "2")
    count = len(hospital.calls("2"))
    copies_expire(hospital, came_ms)
    hospital.cable.mend()
    wait_for(lambda: len(hospital.calls("2")) > count, "the finished call in the history")
    told_nobody(hospital, ended(hospital, "2", at_ms, came_ms)["id"])
    all_is_back(hospital)
    quiet.nothing()


def test_a_drip_reminder_is_spoken_while_the_bridge_is_gone(hospital: Hospital) -> None:
    words = {"lang": "zh", "text": "点滴快输完了。"}
    prompt = {"stage": "due", "in_ms": 4_000, "words": words, "final": True}
    body = {"infusion": "99", "revision": 1, "prompts": [prompt], "unconfirmed_after_ms": 3_000}
    with hospital.store.transaction() as tx:
        number = commands.send(tx, WARD.id, BOX, kinds.REMINDERS, body, bed="2")
    wait_for(
        lambda: hospital.rows("SELECT result FROM commands WHERE id = ?", number)[0]["result"],
        "the box to take the schedule",
    )
    hospital.kill(BRIDGE)
    wait_for(lambda: words["text"] in hospital.said(BOX), "the reminder")
    # Nobody answers it, and central does not hear of that: the station says so.
    wait_for(lambda: "2" in hospital.alone(), "the unanswered drip at the station")
    (call,) = hospital.page()["calls"]
    assert call["wants"] == "drip"
    attend(hospital, "2")
    hospital.start(BRIDGE)
    all_is_back(hospital)
