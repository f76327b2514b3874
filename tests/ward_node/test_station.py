"""The nurse station when its ward is alone: what it sounds, shows, and leaves to central."""

from typing import Any

import pytest

from gateway.mqtt import kinds, topics
from tests.ward_node.support import Rig, words
from ward_node.core.node import STATION
from ward_node.core.station import REPEAT_MS, UNATTENDED_MS
from ward_node.core.watchman import ALONE_MS

PHRASES = {
    "node.station_bed/1": words("三病区,一床,"),
    "node.station_bed/2": words("三病区,二床,"),
    "node.station_call": words("呼叫护士。"),
    "node.station_emergency": words("紧急呼叫。"),
    "node.station_drip": words("点滴需要查看。"),
}
CONFIG = {"version": 1, "revision": 1, "lang": "zh", "beds": [], "phrases": PHRASES}


class Ward:
    """A station, and one box of its ward as the broker carries its words."""

    def __init__(self, **more: Any) -> None:
        self.station = Rig(role=STATION, beds=(), name="3-station", **more)
        self.seq = 0
        self.boot = 1
        self.station.connect()
        if not self.station.node.phrases:
            self.station.message(topics.CONFIG, CONFIG)
        self.beacon()

    def beacon(self) -> None:
        self.station.beacon(1_790_000_000_000 + self.station.now_ms)

    def event(self, type: str, bed: str = "1", age_ms: int = 0, **more: Any) -> dict[str, Any]:
        self.seq += 1
        return {
            "id": kinds.event_id("3-box", self.boot, self.seq), "node": "3-box", "ward": "3",
            "boot": self.boot, "seq": self.seq, "type": type, "bed": bed, "about": {},
            "age_ms": age_ms,
        } | more  # fmt: skip

    def hear(self, message: dict[str, Any]) -> None:
        self.station.message(topics.EVENT, message, node="3-box")

    def happens(self, type: str, bed: str = "1", **more: Any) -> dict[str, Any]:
        message = self.event(type, bed, **more)
        self.hear(message)
        return message

    def receipt(self, *messages: dict[str, Any]) -> None:
        ids = {"ids": [each["id"] for each in messages]}
        self.station.message(topics.RECEIPT, ids, node="3-box")

    def beds(self, state: str, bed: str = "1", boot: int = 1, **more: Any) -> None:
        told = {"state": state, "receipted": True, "for_ms": 0} | more
        self.station.message(topics.BEDS, {"boot": boot, "beds": {bed: told}}, node="3-box")

    def run(self, ms: int, *, central: bool = True) -> None:
        """Let time pass; central's beacon comes every 2 s while it is there."""
        for _ in range(ms // 1_000):
            self.station.run(1_000)
            if central:
                self.beacon()

    def said(self) -> list[str]:
        return [each.words["text"] for each in self.station.spoken]

    def shown(self, *, alone: bool = True) -> list[tuple[str, str]]:
        return [
            (each["bed"], each["wants"])
            for each in self.station.shown["calls"]
            if each["alone"] == alone
        ]


@pytest.fixture
def ward() -> Ward:
    return Ward()


def test_without_a_receipt_it_sounds_shows_and_repeats_until_somebody_comes(ward: Ward) -> None:
    ward.happens(kinds.PRESS)
    ward.station.tick(ALONE_MS - 100)
    assert (ward.said(), ward.shown()) == ([], [])
    ward.station.tick(100)
    assert ward.said() == ["三病区,一床,呼叫护士。"]
    (spoken,) = ward.station.spoken
    assert (spoken.chime, spoken.klass, spoken.beds) == ("medium", kinds.CALLING, ())
    assert [each["text"] for each in spoken.words["parts"]] == ["三病区,一床,", "呼叫护士。"]
    assert (ward.shown(), ward.station.lamps[None]) == ([("1", "call")], "blink")
    ward.run(2 * REPEAT_MS + 5_000)
    assert len(ward.said()) == 3
    ward.happens(kinds.PRESENCE)
    assert (ward.shown(), ward.station.lamps[None], ward.station.sounding) == ([], "off", None)
    ward.run(3 * REPEAT_MS)
    assert len(ward.said()) == 3
    assert ward.station.of(topics.HEARTBEAT)[-1]["alone"] is False


@pytest.mark.parametrize(
    ("type", "wants", "lamp"),
    [
        (kinds.PRESS, "call", "blink"),
        (kinds.HOLD, "emergency", "fast"),
        (kinds.CORD, "toilet", "fast"),
        (kinds.UNPLUGGED, "unplugged", "blink"),
        (kinds.UNCONFIRMED, "drip", "blink"),
    ],
)
def test_every_kind_of_call(ward: Ward, type: str, wants: str, lamp: str) -> None:
    ward.happens(type)
    ward.station.tick(ALONE_MS)
    assert (ward.shown(), ward.station.lamps[None]) == ([("1", wants)], lamp)
    assert len(ward.said()) == 1


def test_a_receipt_in_time_leaves_all_to_central(ward: Ward) -> None:
    press = ward.happens(kinds.PRESS)
    ward.station.tick(ALONE_MS - 100)
    ward.receipt(press)
    ward.run(30_000)
    assert ward.said() == []
    assert ward.shown(alone=False) == [("1", "call")]


def test_a_late_receipt_ends_the_sounding(ward: Ward) -> None:
    press = ward.happens(kinds.PRESS)
    ward.station.tick(ALONE_MS)
    assert ward.station.sounding is not None
    ward.receipt(press)
    assert ward.station.sounding is None
    assert (ward.shown(), ward.shown(alone=False)) == ([], [("1", "call")])


def test_an_emergency_is_first_and_breaks_in(ward: Ward) -> None:
    ward.happens(kinds.PRESS, "2")
    ward.station.tick(ALONE_MS)
    ward.happens(kinds.HOLD, "1")
    ward.station.tick(ALONE_MS)
    assert ward.said()[-1] == "三病区,一床,紧急呼叫。"
    assert ward.shown() == [("1", "emergency"), ("2", "call")]


def test_a_repeat_that_comes_after_the_presence_rings_nobody(ward: Ward) -> None:
    press = ward.event(kinds.PRESS)
    ward.happens(kinds.PRESENCE)
    ward.hear(press)
    over = ward.event(kinds.PRESS, "2", over={"boot": 1, "seq": 9, "age_ms": 5})
    ward.hear(over)
    ward.station.tick(ALONE_MS)
    assert (ward.said(), ward.station.shown["calls"]) == ([], [])


def test_a_press_after_the_presence_is_a_new_call(ward: Ward) -> None:
    ward.happens(kinds.PRESENCE)
    ward.happens(kinds.PRESS)
    ward.station.tick(ALONE_MS)
    assert ward.shown() == [("1", "call")]


def test_it_goes_on_over_its_own_restart(ward: Ward) -> None:
    press = ward.happens(kinds.PRESS)
    ward.happens(kinds.PRESS, "2")
    ward.happens(kinds.PRESENCE, "2")
    ward.station.tick(5_000)
    again = Ward(memory=ward.station.memory, boot=2, now_ms=ward.station.now_ms + 4_000)
    again.station.tick()
    assert again.said() == ["三病区,一床,呼叫护士。"]
    (call,) = again.station.shown["calls"]
    assert again.station.now_ms - call["since_ms"] == 5_000 + 4_000 + 50
    # It still knows who came, should central's words about the other bed be late.
    late = {"ward": "3", "bed": "2", "node": "3-box", "boot": 1, "seq": 2}
    assert again.station.result(again.station.speak("call-1", press=late)) == "declined"
    again.receipt(press)
    assert again.shown() == []


def test_after_a_power_cycle_the_age_is_at_least_what_it_knows(ward: Ward) -> None:
    ward.happens(kinds.PRESS)
    ward.station.tick(5_000)
    again = Ward(memory=ward.station.memory, boot=2, now_ms=700, epoch="run-2")
    again.station.tick()
    (call,) = again.station.shown["calls"]
    assert (call["at_least"], call["since_ms"]) == (True, 700)


def test_a_box_that_called_before_the_station_listened_is_seen_by_its_picture(ward: Ward) -> None:
    ward.beds("emergency", receipted=False, for_ms=60_000)
    ward.station.tick(ALONE_MS)
    assert ward.shown() == [("1", "emergency")]
    assert ward.said() == ["三病区,一床,紧急呼叫。"]
    ward.beds("present")
    assert ward.station.shown["calls"] == []


def test_a_call_that_central_held_when_it_went_away_is_taken_over(ward: Ward) -> None:
    ward.receipt(ward.happens(kinds.HOLD))
    ward.beds("emergency")
    ward.run(10_000)
    assert ward.said() == []
    ward.run(8_000, central=False)
    assert (ward.said()[-1], ward.shown()) == ("三病区,一床,紧急呼叫。", [("1", "emergency")])
    ward.beacon()
    assert (ward.shown(), ward.station.sounding) == ([], None)


def test_it_does_not_speak_where_centrals_own_words_go_on(ward: Ward) -> None:
    press = ward.happens(kinds.PRESS)
    ward.receipt(press)
    about = {"ward": "3", "bed": "1", "node": "3-box", "boot": 1, "seq": press["seq"]}
    ward.station.speak("call-7", press=about, repeat_every_ms=10_000)
    ward.run(30_000, central=False)
    assert set(ward.said()) == {"call-7"}
    assert ward.shown() == [("1", "call")]
    # Nobody is there to stop it but the nurse at the bed.
    ward.happens(kinds.PRESENCE)
    count = len(ward.said())
    ward.run(30_000, central=False)
    assert len(ward.said()) == count


def test_a_presence_stops_central_only_about_its_bed_and_its_ward(ward: Ward) -> None:
    about = {"ward": "3", "bed": "1", "node": "3-box", "boot": 1, "seq": 1}
    others = {
        "bed": about | {"bed": "2"},
        "ward": about | {"ward": "5"},
        "later": about | {"seq": 9},
    }
    for name, press in others.items():
        ward.station.speak(name, press=press, repeat_every_ms=1_000)
    ward.station.speak("same", press=about, repeat_every_ms=1_000)
    ward.station.speak("of central", press={"ward": "3", "bed": "1"}, repeat_every_ms=1_000)
    ward.seq = 1
    ward.happens(kinds.PRESENCE)
    ward.station.spoken.clear()
    ward.run(40_000)
    assert set(ward.said()) == set(others)


def test_words_about_a_call_that_is_over_are_declined(ward: Ward) -> None:
    press = ward.happens(kinds.PRESS)
    ward.happens(kinds.PRESENCE)
    about = {"ward": "3", "bed": "1", "node": "3-box", "boot": 1, "seq": press["seq"]}
    assert ward.station.result(ward.station.speak("call-7", press=about)) == "declined"
    assert ward.said() == []


def test_a_call_accepted_before_the_cut_is_silent_for_three_minutes_and_then_not(
    ward: Ward,
) -> None:
    ward.receipt(ward.happens(kinds.PRESS))
    ward.beds("calling", accepted=True)
    ward.run(UNATTENDED_MS - 10_000, central=False)
    assert (ward.said(), ward.shown()) == ([], [("1", "call")])
    assert ward.station.shown["calls"][0]["accepted"] is True
    ward.run(20_000, central=False)
    assert ward.said() != []


def test_a_call_that_central_ended_otherwise_is_over_here_too(ward: Ward) -> None:
    ward.receipt(ward.happens(kinds.PRESS))
    ward.beds("calling")
    ward.beds("idle")
    ward.run(20_000, central=False)
    assert ward.said() == []


def test_a_box_that_was_reborn_and_has_forgotten_ends_no_call(ward: Ward) -> None:
    ward.receipt(ward.happens(kinds.PRESS))
    ward.beds("calling")
    ward.beds("emergency", "2")
    for bed in "12":
        ward.beds("idle", bed, boot=2)
    ward.run(8_000, central=False)
    assert ward.shown() == [("2", "emergency"), ("1", "call")]
    ward.boot, ward.seq = 2, 0
    for bed in "12":
        ward.happens(kinds.PRESENCE, bed)
    assert ward.station.shown["calls"] == []


def test_an_unreceipted_call_is_not_ended_by_a_picture(ward: Ward) -> None:
    ward.beds("calling", receipted=False)
    ward.happens(kinds.PRESS)
    ward.beds("idle")
    ward.station.tick(ALONE_MS)
    assert ward.shown() == [("1", "call")]


def test_a_station_that_never_heard_from_central_says_the_number() -> None:
    station = Rig(role=STATION, beds=(), name="3-station")
    station.connect()
    box = Ward()
    station.message(topics.EVENT, box.event(kinds.PRESS, "12+1"), node="3-box")
    station.tick(ALONE_MS)
    assert [each.words["text"] for each in station.spoken] == ["12+1"]


def test_what_is_not_for_it_and_nonsense_changes_nothing(ward: Ward) -> None:
    for payload in (b"{", b"[]", b'{"id": 1}'):
        ward.station.message(topics.EVENT, payload, node="3-box")
        ward.station.message(topics.BEDS, payload, node="3-box")
    assert ward.station.node.quarantined == 6
    ward.station.message(topics.EVENT, ward.event(kinds.PRESS), ward="5", node="5-box")
    ward.station.message(topics.EVENT, ward.event(kinds.FAULT, "1") | {"node": "3-station"})
    ward.happens(kinds.FAULT)
    ward.station.tick(ALONE_MS)
    assert ward.shown() == []
