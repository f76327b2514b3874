"""The whole core: from a button to lights, words and messages, and back."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.mqtt import kinds, topics
from tests.ward_node.support import BEDS, CONFIG, PHRASES, MemoryJournal, Rig, words
from ward_node.core.node import STATION
from ward_node.core.outbox import RESEND_MS


def _up() -> Rig:
    rig = Rig()
    rig.connect()
    rig.beacon(1_790_000_000_000 + rig.now_ms)
    rig.tick()
    return rig


def _prompt(stage: str, in_ms: int, final: bool) -> dict[str, Any]:
    return {"stage": stage, "in_ms": in_ms, "words": words("点滴"), "final": final}


def _remind(rig: Rig, in_ms: int = 1_000, *, revision: int = 1, final: bool = True) -> None:
    _remind_of(rig, [_prompt("due", in_ms, final)], revision)


def _remind_of(rig: Rig, prompts: list[dict[str, Any]], revision: int = 1) -> None:
    body = {
        "infusion": "5",
        "revision": revision,
        "prompts": prompts,
        "unconfirmed_after_ms": 60_000,
    }
    assert rig.result(rig.command(kinds.REMINDERS, body, bed="2")) == "done"


# --- calls ---


def test_a_press_is_stored_before_it_is_published() -> None:
    rig = _up()
    seen: list[bytes] = []
    publish = rig.node.publish
    rig.node.publish = lambda kind, message: (  # type: ignore[method-assign]
        seen.append(rig.journal.content),
        publish(kind, message),
    )
    rig.input("1", kinds.PRESS)
    assert b'"type": "press"' in seen[0]
    assert [each["type"] for each in rig.events()] == ["press"]
    assert "bed 3-1 press seq=1 box=3-box" in rig.notes


def test_lights_follow_the_call() -> None:
    rig = _up()
    assert set(rig.lamps.values()) | set(rig.reassurance.values()) == {"off"}
    rig.input("1", kinds.PRESS)
    assert (rig.lamps["1"], rig.reassurance["1"]) == ("blink", "blink")
    rig.receipt_all()
    assert (rig.lamps["1"], rig.reassurance["1"]) == ("blink", "steady")
    body = {"call": "7", "phase": "accepted", "priority": "medium", "words": words("来")}
    command = rig.command(kinds.CALL, body, bed="1")
    assert rig.lamps["1"] == "steady"
    assert rig.result(command) == "done"
    assert rig.spoken[-1].beds == ("1",)
    rig.input("1", kinds.PRESENCE)
    assert (rig.lamps["1"], rig.reassurance["1"]) == ("off", "off")
    assert rig.sounding is None
    assert rig.of(topics.BEDS)[-1]["beds"]["1"]["state"] == "present"


def test_an_unreceipted_event_is_sent_again_and_at_once_after_a_reconnect() -> None:
    rig = _up()
    rig.input("1", kinds.PRESS)
    assert len(rig.of(topics.EVENT)) == 1
    rig.tick(RESEND_MS)
    assert len(rig.of(topics.EVENT)) == 2
    rig.disconnect()
    rig.input("2", kinds.CORD)
    rig.tick(RESEND_MS)
    assert len(rig.of(topics.EVENT)) == 2
    rig.connect()
    assert [each["seq"] for each in rig.of(topics.EVENT)[2:]] == [1, 2]
    assert rig.of(topics.EVENT)[-1]["age_ms"] == RESEND_MS
    rig.receipt_all()
    rig.tick(RESEND_MS * 3)
    assert len(rig.of(topics.EVENT)) == 4


def test_what_central_said_before_it_knew_of_the_presence_is_not_believed() -> None:
    rig = _up()
    rig.input("1", kinds.PRESS)
    rig.receipt_all()
    rig.input("1", kinds.PRESENCE)
    rig.lamps.clear()
    press = {"ward": "3", "bed": "1", "node": "3-box", "boot": 1, "seq": 1}
    late = {"call": "7", "phase": "delayed", "words": words("请稍候"), "press": press}
    assert rig.result(rig.command(kinds.CALL, late, bed="1")) == "declined"
    assert rig.result(rig.speak("call-7", press=press)) == "declined"
    assert (rig.lamps, rig.sounding) == ({}, None)
    rig.input("1", kinds.PRESS)
    fresh = late | {"call": "8", "press": press | {"seq": 3}}
    assert rig.result(rig.command(kinds.CALL, fresh, bed="1")) == "done"
    assert rig.sounding is not None


def test_what_central_refuses_leaves_the_outbox_and_is_noted() -> None:
    rig = Rig()
    rig.connect()
    rig.input("1", kinds.PRESS)
    (press,) = rig.node.outbox.waiting()
    rig.message(topics.RECEIPT, {"ids": [press.id], "refused": True})
    assert len(rig.node.outbox) == 0
    assert any("refused" in note and press.id in note for note in rig.notes)


def test_a_press_survives_the_node() -> None:
    rig = _up()
    rig.input("12+1", kinds.CORD)
    again = Rig(journal=MemoryJournal(rig.journal.content), boot=2, now_ms=rig.now_ms + 9_000)
    again.connect()
    event = again.events()[0]
    assert (event["id"], event["boot"], event["age_ms"]) == ("3-box:1:1", 1, 9_000)
    assert (again.lamps["12+1"], again.reassurance["12+1"]) == ("fast", "blink")
    again.receipt("3-box:1:1")
    assert again.reassurance["12+1"] == "steady"


def test_counters_of_the_bus_are_kept_with_the_event_and_not_sent() -> None:
    rig = _up()
    rig.input("1", kinds.PRESS, unit=1, counters={"presses": 3})
    assert rig.events()[0]["about"] == {"unit": 1}
    again = Rig(journal=MemoryJournal(rig.journal.content), boot=2)
    assert again.node.outbox.marks == {"1": {"presses": 3}}


# --- reminders ---


def test_a_reminder_is_spoken_without_central_and_a_press_answers_it() -> None:
    rig = _up()
    _remind(rig)
    rig.disconnect()
    rig.tick(1_000)
    assert rig.sounding is not None
    assert (rig.sounding.klass, rig.sounding.beds) == ("reminder", ("2",))
    assert rig.state("2") == "prompted"
    rig.begin()
    rig.tick(2_000)
    rig.hear()
    rig.input("2", kinds.PRESS)
    assert rig.state("2") == "calling"
    rig.connect()
    about = {"infusion": "5", "revision": 1, "stage": "due"}
    assert [(each["type"], each["about"]) for each in rig.events()] == [
        ("prompted", about),
        ("press", about),
    ]
    rig.run(120_000)
    assert rig.events("unconfirmed") == []


def test_a_press_during_the_words_silences_them_and_counts_as_heard() -> None:
    rig = _up()
    _remind(rig)
    rig.tick(1_000)
    rig.input("2", kinds.PRESS)
    assert rig.sounding is None
    assert [each["type"] for each in rig.events()] == ["prompted", "press"]


def test_a_press_before_the_words_does_not_answer_them() -> None:
    rig = _up()
    rig.speak("e", kinds.EMERGENCY)
    _remind(rig)
    rig.tick(1_000)
    rig.input("2", kinds.PRESS)
    assert rig.events()[0]["about"] == {}
    rig.hear()
    assert rig.sounding is not None
    assert rig.sounding.klass == "reminder"


@pytest.mark.parametrize("kind", [kinds.PRESS, kinds.PRESENCE])
def test_who_answers_one_reminder_has_not_heard_the_next(kind: str) -> None:
    rig = _up()
    _remind_of(rig, [_prompt("near_end", 1_000, False), _prompt("due", 10_000, True)])
    rig.tick(1_000)
    rig.begin()
    rig.hear()
    rig.speak("e", kinds.EMERGENCY)
    rig.tick(9_000)  # the last reminder waits behind the emergency
    rig.input("2", kind)
    rig.hear()
    assert rig.sounding is not None
    assert rig.sounding.utterance == "reminder-5"
    rig.begin()
    rig.hear()
    assert [each["about"]["stage"] for each in rig.events("prompted")] == ["near_end", "due"]
    rig.tick(50, drip_ms=60_000)
    assert [each["about"]["stage"] for each in rig.events("unconfirmed")] == ["due"]


def test_nobody_pressing_is_told_once_by_the_drip_clock() -> None:
    rig = _up()
    _remind(rig)
    rig.tick(1_000)
    rig.begin()
    rig.hear()
    rig.receipt_all()
    rig.tick(50, drip_ms=59_000)
    assert rig.events("unconfirmed") == []
    rig.tick(50, drip_ms=1_000)
    rig.tick(50, drip_ms=60_000)
    about = {"infusion": "5", "revision": 1, "stage": "due"}
    assert [(each["bed"], each["about"]) for each in rig.events("unconfirmed")] == [("2", about)]


def test_the_final_reminder_is_said_again_until_answered() -> None:
    rig = _up()
    _remind(rig)
    for _ in range(2):
        rig.tick(61_000, drip_ms=1_000)
        assert rig.hear().klass == "reminder"
    rig.input("2", kinds.PRESENCE)
    rig.tick(61_000, drip_ms=0)
    assert rig.sounding is None
    assert len(rig.events("prompted")) == 1


def test_a_reminder_nobody_could_hear_is_not_reported_as_spoken() -> None:
    rig = _up()
    _remind(rig, final=False)
    rig.tick(1_000)
    rig.hear("the loudspeaker is broken")
    assert rig.events("prompted") == []
    assert rig.state("2") == "idle"
    assert [each["about"]["code"] for each in rig.events("fault")] == ["speaker-failed"]
    rig.speak("x")
    rig.hear()
    assert [each["about"]["device"] for each in rig.events("recovered")] == ["speaker"]


def test_a_newer_schedule_takes_back_the_question() -> None:
    rig = _up()
    _remind(rig)
    rig.tick(1_000)
    assert rig.state("2") == "prompted"
    _remind(rig, 3_600_000, revision=2)
    assert rig.state("2") == "idle"
    assert rig.sounding is None
    older = {"infusion": "5", "revision": 1, "prompts": []}
    assert rig.result(rig.command(kinds.REMINDERS, older, bed="2")) == "declined"


def test_an_ended_drip_is_not_said_again() -> None:
    rig = _up()
    _remind(rig)
    rig.tick(1_000)
    rig.hear()  # it waits to be said again
    body = {"infusion": "5", "revision": 1, "prompts": []}
    rig.command(kinds.REMINDERS, body, bed="2")
    rig.tick(200_000)
    assert rig.sounding is None
    assert rig.state("2") == "idle"
    assert rig.events("unconfirmed") == []


def test_a_reminder_that_still_waits_is_taken_back_by_a_newer_schedule() -> None:
    rig = _up()
    rig.speak("e", kinds.EMERGENCY)
    _remind(rig)
    rig.tick(1_000)
    _remind(rig, 3_600_000, revision=2)
    rig.hear()
    assert rig.sounding is None


def test_a_schedule_is_remembered_over_a_restart() -> None:
    rig = _up()
    _remind(rig, 10_000)
    again = Rig(memory=rig.memory, now_ms=rig.now_ms + 9_000, boot=2)
    again.tick(900)
    assert again.sounding is None
    again.tick(200)
    assert again.sounding is not None
    assert again.sounding.words == words("点滴")


def test_a_reminder_cut_off_by_the_power_is_said_again_and_one_that_was_heard_is_not() -> None:
    rig = _up()
    _remind(rig)
    rig.tick(1_000)
    assert rig.sounding is not None
    again = Rig(memory=rig.memory, now_ms=rig.now_ms, boot=2)
    again.tick()
    assert again.sounding is not None
    again.begin()
    again.hear()
    third = Rig(memory=again.memory, now_ms=again.now_ms, boot=3)
    third.tick()
    assert third.sounding is None


def test_a_schedule_that_waited_in_the_broker_is_corrected_when_it_says_from_when_it_is() -> None:
    rig = _up()
    prompt = {"stage": "due", "in_ms": 10_000, "words": words("点滴"), "final": True}
    as_of_ms = 1_790_000_000_000 + rig.now_ms - 8_000
    body = {"infusion": "5", "revision": 1, "prompts": [prompt], "as_of_ms": as_of_ms}
    rig.command(kinds.REMINDERS, body, bed="2")
    rig.tick(2_100)
    assert rig.sounding is not None


def test_a_memory_of_another_version_or_of_other_beds_stops_nothing() -> None:
    rig = _up()
    _remind(rig)
    rig.memory["config"] = {"version": 0}
    assert Rig(memory=rig.memory, boot=2).node.phrases == {}
    again = Rig(memory={"drips": {"schedules": 7}}, boot=2)
    again.tick()
    assert any("left out" in note for note in again.notes)
    del rig.memory["config"]
    other = Rig(memory=rig.memory, beds=("1",), boot=2)
    other.tick(2_000)
    assert other.sounding is None


# --- commands ---


def test_a_command_is_done_once_and_answered_as_often_as_asked() -> None:
    rig = _up()
    command = rig.speak("a")
    rig.speak("a", id=command)
    assert rig.ack(command) is None  # it is being spoken
    rig.hear()
    assert rig.result(command) == "done"
    answers = len(rig.of(topics.ACK))
    rig.speak("a", id=command)
    assert len(rig.of(topics.ACK)) == answers + 1
    rig.tick()
    assert len(rig.spoken) == 1


def test_stop_silences_and_the_unspoken_command_says_so() -> None:
    rig = _up()
    first = rig.speak("a", repeat_every_ms=5_000)
    second = rig.speak("b")
    assert rig.result(rig.command(kinds.STOP, {"utterance": "b"})) == "done"
    assert rig.result(second) == "declined"
    rig.hear()
    assert rig.result(first) == "done"
    rig.command(kinds.STOP, {"utterance": "a"})
    rig.tick(9_000)
    assert len(rig.spoken) == 1


def test_expired_foreign_and_malformed_messages_are_refused_and_counted() -> None:
    rig = _up()
    expired = rig.speak("a", expires_at_ms=1_790_000_000_000)
    assert rig.result(expired) == "expired"
    elsewhere = rig.command(kinds.CALL, {"call": "7", "phase": "ended"}, bed="99")
    assert rig.result(elsewhere) == "refused"
    unknown = rig.command("dance", {})
    assert rig.result(unknown) == "refused"
    rig.message(topics.COMMAND, {"id": "w", "type": "stop"}, ward="5")
    assert "ward 5" in str(rig.node.last_reject)
    rig.message(topics.RECEIPT, b"\xff")
    rig.message(topics.CONFIG, CONFIG | {"version": 2})
    assert "version 2" in str(rig.node.last_reject)
    rig.message(topics.HEARTBEAT, {"boot": 1})
    rig.tick(2_000)
    beat = rig.of(topics.HEARTBEAT)[-1]
    assert beat["quarantined"] == 7
    assert beat["last_reject"] == rig.node.last_reject
    rig.input("1", kinds.PRESS)
    assert len(rig.events("press")) == 1


def test_before_the_first_beacon_commands_are_taken() -> None:
    rig = Rig()
    rig.connect()
    rig.speak("a", expires_at_ms=1)
    assert rig.sounding is not None


def test_words_that_waited_past_their_time_are_not_spoken() -> None:
    rig = _up()
    rig.speak("e", kinds.EMERGENCY)
    soon_ms = 1_790_000_000_000 + rig.now_ms + 5_000
    late = rig.speak("a", kinds.ANNOUNCEMENT, expires_at_ms=soon_ms)
    rig.tick(6_000)
    rig.hear()
    assert rig.sounding is None
    assert rig.result(late) == "expired"


def test_selftest_is_answered_when_it_is_done() -> None:
    rig = _up()
    command = rig.command(kinds.SELFTEST, {})
    assert (rig.selftests, rig.ack(command)) == ([command], None)
    rig.take(rig.node.selftest_done(command, "bed 1: lamp", rig.now_ms, rig.drip_ms))
    assert rig.result(command) == "refused"


def test_a_log_is_told_in_portions_and_answered_behind_the_last() -> None:
    rig = _up()
    command = rig.command(kinds.LOG, {"lines": 2, "grave": True})
    (wanted,) = rig.excerpts
    assert (wanted.command, wanted.lines, wanted.grave) == (command, 2, True)
    assert rig.ack(command) is None
    rig.published.clear()
    pages = [["one"], ["two"]]
    rig.take(rig.node.logged(command, pages, rig.now_ms, rig.drip_ms))
    assert [kind for kind, _ in rig.published] == ["log", "log", "ack"]
    told = [message for _, message in rig.published[:2]]
    assert [(each["part"], each["parts"], each["lines"]) for each in told] == [
        (0, 2, ["one"]), (1, 2, ["two"]),
    ]  # fmt: skip
    assert {each["command"] for each in told} == {command}
    assert rig.result(command) == "done"


def test_a_box_that_keeps_no_log_says_so() -> None:
    rig = Rig(has_log=False)
    rig.connect()
    command = rig.command(kinds.LOG, {"lines": 2})
    assert rig.excerpts == []
    assert rig.result(command) == "declined"


def test_a_station_speaks_what_it_is_told() -> None:
    rig = Rig(role=STATION, beds=())
    rig.connect()
    rig.tick()
    assert rig.of(topics.STATE)[0]["role"] == "station"
    rig.message(topics.CONFIG, CONFIG | {"beds": [], "day_volume": 5, "emergency_floor": 60})
    rig.speak("call-7", kinds.EMERGENCY, chime="high", repeat_every_ms=10_000)
    assert rig.sounding is not None
    assert (rig.sounding.volume, rig.sounding.chime, rig.sounding.beds) == (60, "high", ())
    rig.hear()
    rig.tick(10_000)
    assert len(rig.spoken) == 2


def test_audio_of_schedules_and_phrases_is_fetched_ahead() -> None:
    rig = _up()
    audio = {"sha256": "a" * 64, "url": "http://x/a.wav", "duration_ms": 1}
    voiced = words("好") | {"audio": audio}
    rig.message(topics.CONFIG, CONFIG | {"phrases": {"p": voiced, "q": words("没有")}})
    assert rig.fetched == [voiced]


# --- supervision ---


def _found(rig: Rig, code: str, detail: str | None, for_ms: int = 0) -> None:
    rig.take(rig.node.found("speaker", code, detail, for_ms, rig.now_ms, rig.drip_ms))


def test_what_a_box_finds_of_itself_is_told_once_and_taken_back_after_a_restart() -> None:
    rig = _up()
    for _ in range(3):
        _found(rig, "speaker-silent", "nothing heard", 4_000)
    (fault,) = rig.events("fault")
    assert fault["about"] == {
        "device": "speaker", "code": "speaker-silent", "detail": "nothing heard", "for_ms": 4_000,
    }  # fmt: skip
    rig.receipt_all()
    again = Rig(memory=rig.memory, boot=2)
    again.connect()
    _found(again, "speaker-silent", None)
    _found(again, "speaker-silent", None)
    (over,) = again.events("recovered")
    assert over["about"] == {"device": "speaker", "code": "speaker-silent"}
    assert again.memory["faults"] == []


def test_words_that_an_unplugged_loudspeaker_cannot_say_are_no_second_fault() -> None:
    rig = _up()
    _found(rig, "speaker-gone", "no such device")
    rig.command(kinds.SPEAK, {"utterance": "u", "class": "call", "words": words("好")})
    rig.hear("no such device")
    assert [each["about"]["code"] for each in rig.events("fault")] == ["speaker-gone"]


def test_the_heartbeat_tells_what_the_box_measures_and_when_it_last_sounded() -> None:
    rig = Rig(condition=lambda: {"wall_ms": None, "speaker_test": "untestable"})
    rig.connect()
    beat = rig.of(topics.HEARTBEAT)[-1]
    assert (beat["wall_ms"], beat["speaker_test"]) == (None, "untestable")
    assert beat["speaker_driven_ago_ms"] is None
    rig.command(kinds.SPEAK, {"utterance": "u", "class": "call", "words": words("好")})
    rig.hear()
    rig.tick(2_000)
    assert rig.of(topics.HEARTBEAT)[-1]["speaker_driven_ago_ms"] == 2_000


def test_birth_beds_and_heartbeat() -> None:
    rig = Rig()
    rig.tick()
    assert rig.published == []
    rig.connect()
    assert [kind for kind, _ in rig.published] == [topics.STATE, topics.HEARTBEAT, topics.BEDS]
    assert rig.of(topics.STATE)[0]["versions"] == [1]
    for _ in range(10):
        rig.tick(1_000)
    assert len(rig.of(topics.HEARTBEAT)) in (6, 7)  # one more when it turns alone
    assert rig.node.end(kinds.LOST) == {"state": "lost", "session": 1}


def test_alone_without_receipts_the_bed_speaks_for_itself() -> None:
    rig = _up()
    rig.message(topics.CONFIG, CONFIG)
    rig.input("1", kinds.PRESS)
    rig.tick(1_900)
    assert not rig.node.alone
    assert rig.sounding is None
    rig.tick(200)
    assert rig.of(topics.HEARTBEAT)[-1]["alone"] is True
    heard = rig.hear()
    assert (heard.words, heard.beds) == (PHRASES["node.alone_registered"], ("1",))
    rig.tick(5_000)
    assert rig.sounding is None  # once for each press
    rig.receipt_all()
    rig.beacon(1_790_000_000_000 + rig.now_ms)
    rig.tick()
    assert rig.of(topics.HEARTBEAT)[-1]["alone"] is False


def test_alone_without_beacons() -> None:
    rig = _up()
    rig.tick(5_900)
    assert not rig.node.alone
    rig.tick(100)
    assert rig.node.alone


def test_a_full_disk_is_a_fault_and_presses_still_go_out() -> None:
    rig = _up()
    rig.journal.refuses = True
    rig.input("1", kinds.PRESS)
    assert [each["type"] for each in rig.events()] == ["press", "fault"]
    rig.journal.refuses = False
    rig.tick(5_000)
    assert [each["about"]["device"] for each in rig.events("recovered")] == ["outbox"]
    assert b"press" in rig.journal.content


def test_a_box_without_a_voice_never_claims_that_words_were_heard() -> None:
    rig = Rig(has_voice=False)
    rig.connect()
    rig.beacon(1_790_000_000_000 + rig.now_ms)
    rig.tick()
    spoken = rig.speak("x")
    rig.hear()
    assert rig.result(spoken) == "declined"
    chime = rig.speak("y", words=None)
    rig.hear()
    assert rig.result(chime) == "done"
    _remind(rig)
    rig.tick(1_000)
    rig.tick(3_000)  # a long tone
    rig.hear()
    assert rig.events(kinds.PROMPTED) == []
    rig.tick(60_000)
    assert [each["bed"] for each in rig.events(kinds.UNCONFIRMED)] == ["2"]  # the nurse is told
    assert rig.events(kinds.FAULT) == []
    rig.input("2", kinds.PRESS)
    assert rig.events(kinds.PRESS)[0]["about"] == {}


def test_an_hour_of_the_night_is_quiet_but_for_emergencies() -> None:
    rig = _up()
    night = {"from_min": 0, "to_min": 1439, "volume": 20}
    rig.message(topics.CONFIG, CONFIG | {"bands": [night]})
    rig.speak("a")
    assert rig.hear().volume == 20
    rig.speak("e", kinds.EMERGENCY)
    assert rig.hear().volume == 70


class NodeMachine(RuleBasedStateMachine):
    """Crashes, lost links, lost receipts, presses and commands in any order: every press that
    was made is published until receipted, each id stands for one event, lights are true."""

    def __init__(self) -> None:
        super().__init__()
        self.rig = Rig()
        self.boot = 1
        self.made: list[tuple[str, str]] = []
        self.held_by_central: dict[str, tuple[str, str]] = {}
        self.read = 0

    def _central_reads(self, receipts: bool) -> None:
        events = self.rig.of(topics.EVENT)
        for event in events[self.read :]:
            what = (event["bed"], event["type"])
            assert self.held_by_central.setdefault(event["id"], what) == what
        ids = [event["id"] for event in events[self.read :]]
        self.read = len(events)
        if receipts and ids:
            self.rig.receipt(*ids)

    @rule(
        bed=st.sampled_from(BEDS),
        kind=st.sampled_from(
            [kinds.PRESS, kinds.HOLD, kinds.CORD, kinds.PRESENCE, kinds.PRESENCE_END]
        ),
    )
    def happens(self, bed: str, kind: str) -> None:
        self.rig.input(bed, kind)
        self.made.append((bed, kind))

    @rule(ms=st.integers(10, 5_000))
    def time_passes(self, ms: int) -> None:
        self.rig.tick(ms)

    @rule()
    def link_comes(self) -> None:
        if not self.rig.node.is_connected:
            self.rig.connect()

    @rule()
    def link_goes(self) -> None:
        self.rig.disconnect()

    @rule(receipts=st.booleans())
    def central_takes(self, receipts: bool) -> None:
        self._central_reads(receipts)

    @rule(torn=st.integers(0, 20), same_machine=st.booleans())
    def crashes(self, torn: int, same_machine: bool) -> None:
        """Killed, perhaps in the middle of writing a line that nobody was told of."""
        self._central_reads(False)
        self.boot += 1
        content = self.rig.journal.content + b'0123abcd {"e": {"id": "3-bo'[:torn]
        self.rig = Rig(
            journal=MemoryJournal(content),
            memory=self.rig.memory,
            boot=self.boot,
            now_ms=self.rig.now_ms + 1_000 if same_machine else 1_000,
            epoch=self.rig.node._epoch if same_machine else f"run-{self.boot}",
        )
        self.read = 0

    @rule(
        call=st.sampled_from("78"), phase=st.sampled_from(kinds.PHASES), bed=st.sampled_from(BEDS)
    )
    def central_commands(self, call: str, phase: str, bed: str) -> None:
        body: dict[str, Any] = {"call": call + bed, "phase": phase, "words": words(phase)}
        self.rig.command(kinds.CALL, body, bed=bed)

    @rule(in_ms=st.integers(-1_000, 5_000), revision=st.integers(0, 3), final=st.booleans())
    def central_plans(self, in_ms: int, revision: int, final: bool) -> None:
        prompt = {"stage": "due", "in_ms": in_ms, "words": words("点滴"), "final": final}
        body = {
            "infusion": "5",
            "revision": revision,
            "prompts": [prompt],
            "unconfirmed_after_ms": 9_000,
        }
        self.rig.command(kinds.REMINDERS, body, bed="2")

    @precondition(lambda self: self.rig.sounding is not None)
    @rule(failure=st.none() | st.just("broken"))
    def sound_ends(self, failure: str | None) -> None:
        self.rig.hear(failure)

    @rule(payload=st.binary(max_size=30), kind=st.sampled_from(topics.KINDS))
    def rubbish_comes(self, payload: bytes, kind: str) -> None:
        self.rig.message(kind, payload or b"{")

    @invariant()
    def lights_are_true(self) -> None:
        waiting = {entry.message["bed"] for entry in self.rig.node.outbox.waiting()}
        for name, bed in self.rig.node.beds.items():
            if name in self.rig.reassurance:
                assert self.rig.reassurance[name] == bed.reassurance
                assert self.rig.lamps[name] == bed.lamp
            if bed.unreceipted:
                assert name in waiting

    def teardown(self) -> None:
        self.rig.connect()
        self._central_reads(True)
        assert len(self.rig.node.outbox) == 0
        told = [each for each in self.held_by_central.values() if each in set(self.made)]
        assert sorted(told) == sorted(self.made), "an input was lost or doubled"


TestNodeMachine = NodeMachine.TestCase
TestNodeMachine.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
