"""What the core has to do with updates: whom one would disturb, and what central is told."""

import pytest

from gateway.mqtt import topics
from tests.ward_node.support import Rig
from ward_node.contract import kinds
from ward_node.core.node import STATION
from ward_node.core.station import REPEAT_MS


@pytest.fixture
def rig() -> Rig:
    made = Rig(updatable=True)
    made.connect()
    made.beacon()
    return made


def test_whoever_calls_or_is_spoken_to_holds_the_box(rig: Rig) -> None:
    assert rig.node.busy() == []
    rig.input("1", kinds.PRESS)
    assert rig.node.busy() == ["calling at bed 1", "a call without receipt"]
    rig.receipt_all()
    assert rig.node.busy() == ["calling at bed 1"]
    rig.input("1", kinds.PRESENCE)
    assert rig.node.busy() == [], "who sees to a patient rings nobody"
    rig.speak("u", repeat_every_ms=5_000)
    assert rig.node.busy() == ["speaking: call"]
    rig.hear()
    assert rig.node.busy() == ["words that are repeated or wait"]
    rig.command(kinds.STOP, {"utterance": "u"})
    assert rig.node.busy() == []
    rig.prove("2")
    assert rig.node.busy() == ["a bed is being proved"]


def test_a_station_that_acts_by_itself_is_held() -> None:
    rig = Rig(role=STATION, beds=(), name="3-station")
    rig.connect()
    event = {"id": "3-box:1:1", "node": "3-box", "ward": "3", "boot": 1, "seq": 1, "age_ms": 0}
    rig.message(topics.EVENT, event | {"type": kinds.PRESS, "bed": "2"}, node="3-box")
    rig.run(REPEAT_MS)
    assert "the station calls by itself" in rig.node.busy()


def test_an_update_is_handed_on_once_and_answered_as_often_as_asked(rig: Rig) -> None:
    command = rig.command(kinds.UPDATE, {"version": "1.1"})
    rig.command(kinds.UPDATE, {"version": "1.1"}, id=command)
    (wanted,) = rig.updates
    assert (wanted.version, wanted.again) == ("1.1", False)
    assert wanted.not_after_ms > rig.now_ms
    rig.take(rig.node.update_answered(command, kinds.DONE, None, rig.now_ms, rig.drip_ms))
    assert rig.result(command) == kinds.DONE


def test_what_runs_already_is_done_and_a_box_that_cannot_says_so(rig: Rig) -> None:
    assert rig.result(rig.command(kinds.UPDATE, {"version": "1.0"})) == kinds.DONE
    fixed = Rig()
    fixed.connect()
    assert fixed.result(fixed.command(kinds.UPDATE, {"version": "1.1"})) == kinds.REFUSED
    assert rig.updates == fixed.updates == []


def test_central_hears_of_a_trial_and_of_its_end(rig: Rig) -> None:
    assert rig.of(topics.STATE)[-1]["trial"] is True
    rig.take(rig.node.release_kept(rig.now_ms, rig.drip_ms))
    birth = rig.of(topics.STATE)[-1]
    assert (birth["firmware"], birth["trial"]) == ("1.0", False)
    rig.take(rig.node.update_failed("1.1", "no lamp", "said", rig.now_ms, rig.drip_ms))
    (event,) = rig.events(kinds.UPDATE_FAILED)
    assert event["about"] == {"version": "1.1", "why": "no lamp", "log": "said"}
