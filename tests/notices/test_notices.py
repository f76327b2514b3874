"""A nurse station confirms what it is told; until then its telephone rings again."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from central import timers
from central.clock import FakeClock
from central.directory import service as directory
from central.notices import model, rules, service
from central.store import Row, Store
from central.telephone import model as ringings
from central.telephone.service import Rung
from central.wards import model as wards
from gateway.mqtt import kinds
from gateway.telephone.telling import Outcome
from tests.calls.ward import Ward, build

PHONE = "0015650a1b2c"


class Notified(Ward):
    """Ward 3, whose nurse station has the phone 8003."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        super().__init__(store, clock)
        self.rules.add(service)
        self.do(directory.add_extension, "8003", "三病区护士站", ward="3")
        self.do(directory.add_phone, PHONE, "8003")

    def tell(self, words: str, *, urgent: bool = False, about: str = "stay/1", **more: Any) -> int:
        text = {"zh": words, "en": words}
        found: int = self.do(service.tell, "3", about, "k", text, urgent=urgent, **more)
        return found

    def ringing(self) -> list[Row]:
        return ringings.unfinished(self.store.read())

    def says(self, lang: str = "zh") -> str | None:
        (row,) = self.ringing()
        return service.words(self.store.read(), row["ref"], lang)

    def ends(self, outcome: Outcome) -> None:
        """What rings comes to its end, as the bridge would tell."""
        (row,) = self.ringing()
        taken = "8003" if outcome is Outcome.TAKEN else None
        self.do(lambda tx: ringings.finish(tx, row["id"], {}))
        self.do(self.rules.ringings["notice"].done, row["ref"], Rung(taken, {"8003": outcome}))

    def states(self) -> list[str]:
        return [row["state"] for row in self.store.read().all("SELECT state FROM notices")]

    def next_s(self) -> int:
        """When it rings again."""
        due_ms = timers.pending_ms(self.store.read(), service.RING, "3")
        assert due_ms is not None
        return (due_ms - self.clock.now_ms()) // 1000

    def spoken(self) -> list[tuple[str, str]]:
        return [
            (each["class"], each["words"]["text"]) for each in self.sent(kinds.SPEAK, "3-station")
        ]


@pytest.fixture
def ward(store: Store, clock: FakeClock) -> Iterator[Notified]:
    build(store)
    operated = Notified(store, clock)
    yield operated
    assert operated.failures() == []


def test_it_is_said_aloud_and_rings_until_somebody_presses_1(ward: Notified) -> None:
    ward.tell("来了")
    assert ward.spoken() == [("announcement", "来了")]
    assert ward.says() == "来了"
    ward.ends(Outcome.TAKEN)
    assert ward.states() == ["accepted"]
    row = model.one(ward.store.read(), 1)
    assert row is not None
    assert row["by"] == "三病区护士站"
    assert {"utterance": "notice-1"} in ward.sent(kinds.STOP, "3-station")
    last = ward.store.read().one("SELECT * FROM audit ORDER BY id DESC LIMIT 1")
    assert last is not None
    assert (last["what"], last["ref"]) == ("notice.accept", "notice/1")
    ward.pass_s(3600)
    assert ward.ringing() == []


def test_without_a_telephone_it_is_said_and_nobody_is_waited_for(ward: Notified) -> None:
    ward.do(directory.remove_phone, PHONE)
    ward.tell("来了", urgent=True)
    assert ward.states() == ["said"]
    ward.pass_s(3600)
    assert len(ward.spoken()) == 1
    assert ward.faults() == []


@pytest.mark.parametrize(("urgent", "first_s"), [(True, 30), (False, 120)])
def test_it_rings_again_after_a_pause_that_grows(
    ward: Notified, urgent: bool, first_s: int
) -> None:
    ward.tell("来了", urgent=urgent)
    for ring in range(rules.MOST_RINGS - 1):
        ward.ends(Outcome.NO_ANSWER)
        assert ward.next_s() == first_s * 2**ring
        ward.pass_s(ward.next_s())
    # What is urgent is said aloud with each ringing, the rest only once.
    assert len(ward.spoken()) == (rules.MOST_RINGS if urgent else 1)


def test_in_vain_to_the_end_it_is_a_fault_until_somebody_accepts_it(ward: Notified) -> None:
    ward.tell("来了")
    ward.tell("又来了", about="stay/2")
    while ward.ringing():
        ward.ends(Outcome.BUSY)
        if timers.pending_ms(ward.store.read(), service.RING, "3") is not None:
            ward.pass_s(ward.next_s())
    assert ward.states() == ["unheard", "unheard"]
    assert ward.faults() == [("notices 3", "notice-unheard")]
    ward.do(service.accept, 1, "li")
    assert ward.faults() == [("notices 3", "notice-unheard")]
    ward.do(service.accept, 2, "li")
    assert ward.faults() == []
    ward.pass_s(3600)
    assert ward.ringing() == []


def test_all_that_is_open_is_told_at_once_the_urgent_first(ward: Notified) -> None:
    ward.tell("甲。", about="stay/1")
    ward.ends(Outcome.NO_ANSWER)
    for number, words in enumerate(("乙。", "丙。", "丁。"), 2):
        ward.tell(words, about=f"stay/{number}")
    ward.tell("急。", urgent=True, about="stay/9")
    assert ward.says() == "乙。"  # what came meanwhile waits until this is over
    ward.ends(Outcome.TAKEN)
    assert ward.says() == "急。丙。丁。"
    ward.ends(Outcome.TAKEN)
    assert ward.next_s() > 0
    assert ward.states() == ["open", "accepted", "accepted", "accepted", "accepted"]


def test_more_than_anybody_remembers_stands_on_the_screen(ward: Notified) -> None:
    ward.tell("甲。")
    for number in range(2, 7):
        ward.tell(f"{number}。", about=f"stay/{number}")
    ward.ends(Outcome.TAKEN)
    assert ward.says() == "2。3。4。另有两条通知,请看屏幕。"
    assert ward.says("en") == "2。 3。 4。 And two more on the screen."


def test_what_is_no_longer_so_is_taken_back_and_the_phone_falls_silent(ward: Notified) -> None:
    ward.tell("来了", urgent=True)
    assert [row["id"] for row in ward.do(service.withdraw, "3", "stay/1")] == [1]
    assert ward.ringing() == []
    assert ward.states() == ["withdrawn"]
    ward.pass_s(3600)
    assert ward.ringing() == []
    assert ward.do(service.withdraw, "3", "stay/1") == []


def test_of_two_the_other_one_rings_on(ward: Notified) -> None:
    ward.tell("甲。")
    ward.tell("乙。", about="stay/2")
    ward.do(service.withdraw, "3", "stay/1")
    assert ward.says() == "乙。"


def test_accepted_on_the_page_the_phone_falls_silent(ward: Notified) -> None:
    ward.tell("来了")
    ward.do(service.accept, 1, "li")
    assert ward.ringing() == []
    ward.do(service.accept, 1, "wu")
    row = model.one(ward.store.read(), 1)
    assert row is not None
    assert row["by"] == "li"


def test_where_the_loudspeakers_are_silent_only_what_is_urgent_rings(ward: Notified) -> None:
    minute = _minute(ward)
    band = {"from_min": (minute - 60) % 1440, "to_min": (minute + 30) % 1440, "volume": 0}
    ward.do(lambda tx: _settings(tx, [band]))
    ward.tell("甲。")
    assert ward.ringing() == []
    ward.tell("急。", urgent=True, about="stay/2")
    assert ward.says() == "急。"
    ward.ends(Outcome.TAKEN)
    assert 29 * 60 <= ward.next_s() <= 30 * 60
    ward.pass_s(30 * 60)
    assert ward.says() == "甲。"


def _minute(ward: Notified) -> int:
    local = datetime.fromtimestamp(ward.clock.now_ms() / 1000)
    return local.hour * 60 + local.minute


def _settings(tx: Any, bands: list[dict[str, int]]) -> None:
    tx.execute("UPDATE wards SET settings = ? WHERE id = '3'", (json.dumps({"bands": bands}),))
    assert wards.settings(tx, "3")["bands"] == bands


@pytest.mark.parametrize(
    ("minute", "left"), [(1319, 0), (1320, 480), (0, 360), (359, 1), (360, 0), (700, 0)]
)
def test_quiet_hours_over_midnight(minute: int, left: int) -> None:
    night = {"from_min": 1320, "to_min": 360, "volume": 0}
    noon = {"from_min": 690, "to_min": 720, "volume": 30}
    assert rules.quiet_min([noon, night], minute) == left
