"""Announcements as rows: said now, when due, daily, missed, changed, cancelled, heard."""

import json
from typing import Any

import pytest

from central import commands, timers
from central.announcements import model, saying, service
from central.announcements.rules import Daily
from central.bridge import intake
from central.capabilities import Rules
from central.clock import FakeClock
from central.errors import FieldError
from central.store import Row, Store
from central.wards import model as wards
from central.wards import service as fleet
from gateway.mqtt import checked, kinds, topics

MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
EVERY_DAY = tuple(range(7))


@pytest.fixture
def rules() -> Rules:
    gathered = Rules()
    gathered.add(service)  # type: ignore[arg-type]
    return gathered


def announce(
    store: Store, *wards: str, text: str = "探视时间结束", klass: str = "announcement"
) -> int:
    with store.transaction() as tx:
        return service.announce_now(tx, wards, text, klass, "li")


def schedule(store: Store, klass: str = "announcement", **when: Any) -> int:
    with store.transaction() as tx:
        return service.schedule(tx, ["3"], "请家属离开病房", klass, "li", **when)


def fire(store: Store, rules: Rules) -> None:
    with store.transaction() as tx:
        intake.fire_due(tx, rules)


def answer(
    store: Store, rules: Rules, command: Row, result: str, reason: str | None = None
) -> None:
    with store.transaction() as tx:
        message = {"id": str(command["id"]), "result": result, "reason": reason}
        intake.take_ack(tx, rules, command["node"], message)


def spoken(store: Store) -> list[Row]:
    return store.read().all("SELECT * FROM commands ORDER BY id")


def state(store: Store, announcement: int) -> str:
    row = model.one(store.read(), announcement)
    assert row is not None
    return str(row["state"])


def timed(store: Store) -> list[int]:
    return [row[0] for row in store.read().all("SELECT due_ms FROM timers WHERE fired_ms IS NULL")]


def test_every_box_of_the_wards_is_asked_at_once(hospital: Store) -> None:
    announce(hospital, "3", "5")
    sent = {row["node"]: json.loads(row["body"]) for row in spoken(hospital)}
    assert set(sent) == {"3-box", "3-station", "5-box"}
    assert sent["3-box"]["beds"] == ["1", "2"]
    assert "beds" not in sent["3-station"]
    assert {body["class"] for body in sent.values()} == {kinds.ANNOUNCEMENT}
    assert sent["5-box"]["words"] == {"lang": "zh", "text": "探视时间结束"}


@pytest.mark.parametrize("klass", ["announcement", "emergency"])
def test_the_commands_are_valid_messages(hospital: Store, klass: str) -> None:
    announce(hospital, "3", klass=klass)
    for row in spoken(hospital):
        message = {
            "id": str(row["id"]),
            "type": row["type"],
            "expires_at_ms": row["expires_real_ms"],
            "body": json.loads(row["body"]),
        }
        checked.encode(topics.COMMAND, message)


def test_english_words_are_read_in_english_in_a_chinese_ward(hospital: Store) -> None:
    announce(hospital, "5", text="Visiting hours are over.")
    announce(hospital, "5", text="12")
    langs = [json.loads(row["body"])["words"]["lang"] for row in spoken(hospital)]
    assert langs == ["en", "zh"]


def test_a_ward_named_twice_hears_once(hospital: Store) -> None:
    announce(hospital, "5", "5")
    assert len(spoken(hospital)) == 1


@pytest.mark.parametrize(
    ("wards", "text", "klass", "field"),
    [
        ([], "hello", "announcement", "wards"),
        (["3", "9"], "hello", "announcement", "wards"),
        (["3"], "", "announcement", "text"),
        (["3"], "x" * 501, "announcement", "text"),
        (["3"], "hello", "call", "class"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_said(
    hospital: Store, wards: list[str], text: str, klass: str, field: str
) -> None:
    with pytest.raises(FieldError) as refused, hospital.transaction() as tx:
        service.announce_now(tx, wards, text, klass, "li")
    assert refused.value.field == field
    assert spoken(hospital) == []
    assert model.past(hospital.read()) == []


def test_a_ward_without_a_box_is_refused_by_name(hospital: Store) -> None:
    with hospital.transaction() as tx:
        wards.add_ward(tx, "7", "7病区", "Ward 7")
    with pytest.raises(FieldError) as refused:
        announce(hospital, "3", "7")
    assert refused.value.values == {"ward": "7"}


def test_it_is_known_which_boxes_spoke(hospital: Store, rules: Rules) -> None:
    announcement = announce(hospital, "3", "5")
    run = model.runs(hospital.read(), announcement)[0]["run"]
    box, station, other = spoken(hospital)
    answer(hospital, rules, box, "done")
    answer(hospital, rules, other, "refused", "no loudspeaker")
    assert model.heard(hospital.read(), run) == [
        {"ward": "3", "asked": 2, "spoke": 1, "waiting": 1},
        {"ward": "5", "asked": 1, "spoke": 0, "waiting": 0},
    ]
    answer(hospital, rules, station, "done")
    assert model.heard(hospital.read(), run)[0]["spoke"] == 2
    assert model.asked(hospital.read(), run)[2]["reason"] == "no loudspeaker"
    assert state(hospital, announcement) == model.SENT


def test_it_failed_when_no_box_spoke(hospital: Store, rules: Rules, clock: FakeClock) -> None:
    announcement = announce(hospital, "3")
    box, _station = spoken(hospital)
    answer(hospital, rules, box, "refused", "no loudspeaker")
    assert state(hospital, announcement) == model.SENT
    clock.advance(saying.SAY_WITHIN_MS)
    with hospital.transaction() as tx:
        intake.expire_commands(tx, rules)
    assert state(hospital, announcement) == model.FAILED
    assert model.past(hospital.read())[0]["state"] == model.FAILED


def test_answers_to_other_commands_are_no_business_of_announcements(
    hospital: Store, rules: Rules
) -> None:
    with hospital.transaction() as tx:
        commands.send(tx, "3", "3-box", kinds.SELFTEST, {})
    answer(hospital, rules, spoken(hospital)[0], "refused")
    assert model.past(hospital.read()) == []


def test_a_timed_one_is_said_when_due_and_not_before(
    hospital: Store, rules: Rules, clock: FakeClock
) -> None:
    announcement = schedule(hospital, at_ms=clock.now_ms() + MINUTE_MS)
    clock.advance(MINUTE_MS - 1)
    fire(hospital, rules)
    assert spoken(hospital) == []
    clock.advance(1)
    fire(hospital, rules)
    fire(hospital, rules)
    assert len(spoken(hospital)) == 2
    assert state(hospital, announcement) == model.SENT


@pytest.mark.parametrize("ahead_ms", [-1, 0, 367 * DAY_MS])
def test_a_time_past_or_far_away_is_refused(
    hospital: Store, clock: FakeClock, ahead_ms: int
) -> None:
    with pytest.raises(FieldError) as refused:
        schedule(hospital, at_ms=clock.now_ms() + ahead_ms)
    assert refused.value.field == "at"
    assert timed(hospital) == []


@pytest.mark.parametrize(
    ("late_ms", "klass", "result"),
    [
        (10 * MINUTE_MS, "announcement", model.SENT),
        (10 * MINUTE_MS + 1, "announcement", model.MISSED),
        (10 * MINUTE_MS + 1, "emergency", model.SENT),
    ],
)
def test_lateness_after_an_outage(
    hospital: Store, rules: Rules, clock: FakeClock, late_ms: int, klass: str, result: str
) -> None:
    announcement = schedule(hospital, klass, at_ms=clock.now_ms() + 1)
    clock.advance(1 + late_ms)
    fire(hospital, rules)
    assert state(hospital, announcement) == result
    assert bool(spoken(hospital)) == (result == model.SENT)
    run = model.past(hospital.read())[0]
    assert (run["state"], run["late_ms"]) == (result, late_ms)


def test_a_daily_one_comes_again_and_what_an_outage_skipped_does_not(
    hospital: Store, rules: Rules, clock: FakeClock
) -> None:
    announcement = schedule(hospital, daily=Daily(480, EVERY_DAY, "Asia/Shanghai"))
    (first_ms,) = timed(hospital)
    clock.advance(first_ms - clock.now_ms())
    fire(hospital, rules)
    assert len(spoken(hospital)) == 2
    assert timed(hospital) == [first_ms + DAY_MS]
    clock.advance(4 * DAY_MS + MINUTE_MS)
    fire(hospital, rules)
    assert len(spoken(hospital)) == 2
    assert [run["state"] for run in model.runs(hospital.read(), announcement)] == [
        model.MISSED,
        model.SENT,
    ]
    assert timed(hospital) == [first_ms + 5 * DAY_MS]
    assert state(hospital, announcement) == model.SCHEDULED


def test_a_daily_one_that_failed_once_still_comes_again(
    hospital: Store, rules: Rules, clock: FakeClock
) -> None:
    announcement = schedule(hospital, daily=Daily(480, EVERY_DAY, "Asia/Shanghai"))
    clock.advance(timed(hospital)[0] - clock.now_ms())
    fire(hospital, rules)
    for command in spoken(hospital):
        answer(hospital, rules, command, "refused")
    assert model.past(hospital.read())[0]["state"] == model.FAILED
    assert state(hospital, announcement) == model.SCHEDULED
    assert len(timed(hospital)) == 1


def test_a_changed_one_is_said_as_changed_and_once(
    hospital: Store, rules: Rules, clock: FakeClock
) -> None:
    announcement = schedule(hospital, at_ms=clock.now_ms() + MINUTE_MS)
    later_ms = clock.now_ms() + 2 * MINUTE_MS
    with hospital.transaction() as tx:
        service.edit(tx, announcement, ["5"], "新的话", "emergency", "li", at_ms=later_ms)
    clock.advance(MINUTE_MS)
    fire(hospital, rules)
    assert spoken(hospital) == []
    clock.advance(MINUTE_MS)
    fire(hospital, rules)
    (command,) = spoken(hospital)
    body = json.loads(command["body"])
    assert (command["node"], body["words"]["text"], body["class"]) == (
        "5-box",
        "新的话",
        "emergency",
    )


def test_a_daily_one_can_become_a_single_one(hospital: Store, clock: FakeClock) -> None:
    announcement = schedule(hospital, daily=Daily(480, EVERY_DAY, "Asia/Shanghai"))
    with hospital.transaction() as tx:
        service.edit(
            tx, announcement, ["3"], "一次", "announcement", "li", at_ms=clock.now_ms() + 5
        )
    row = model.one(hospital.read(), announcement)
    assert row is not None
    assert (row["minute"], model.days_of(row)) == (None, [])
    assert timed(hospital) == [clock.now_ms() + 5]


def test_a_cancelled_one_is_not_said(hospital: Store, rules: Rules, clock: FakeClock) -> None:
    announcement = schedule(hospital, at_ms=clock.now_ms() + MINUTE_MS)
    with hospital.transaction() as tx:
        service.cancel(tx, announcement, "li")
    clock.advance(MINUTE_MS)
    fire(hospital, rules)
    assert spoken(hospital) == []
    assert state(hospital, announcement) == model.CANCELLED
    assert timed(hospital) == []


def test_what_is_over_cannot_be_changed(hospital: Store, clock: FakeClock) -> None:
    announcement = announce(hospital, "3")
    with pytest.raises(FieldError), hospital.transaction() as tx:
        service.cancel(tx, announcement, "li")
    with pytest.raises(FieldError), hospital.transaction() as tx:
        service.edit(tx, announcement, ["3"], "x", "announcement", "li", at_ms=clock.now_ms() + 9)
    with pytest.raises(FieldError), hospital.transaction() as tx:
        service.cancel(tx, 999, "li")
    assert state(hospital, announcement) == model.SENT


def test_a_stale_timer_says_nothing(hospital: Store, rules: Rules, clock: FakeClock) -> None:
    announcement = schedule(hospital, at_ms=clock.now_ms() + MINUTE_MS)
    with hospital.transaction() as tx:
        timers.arm(tx, clock.now_ms(), saying.DUE, announcement, {"at_ms": clock.now_ms()})
    fire(hospital, rules)
    assert spoken(hospital) == []


def test_volume_reaches_the_nodes_config_and_keeps_other_settings(hospital: Store) -> None:
    told: set[tuple[str, str]] = set()
    hospital.on_commit = told.update
    band = {"from_min": 1320, "to_min": 360, "volume": 30}
    with hospital.transaction() as tx:
        tx.execute("""UPDATE wards SET settings = '{"other": 1}' WHERE id = '3'""")
        service.set_volume(tx, "3", 75, [band], 60, "li")
    assert ("3", "config") in told
    tx = hospital.read()
    assert wards.settings(tx, "3")["other"] == 1
    node = wards.node(tx, "3-box")
    assert node is not None
    config = fleet.config_for(tx, node)
    assert (config["day_volume"], config["bands"], config["emergency_floor"]) == (75, [band], 60)
    checked.encode(topics.CONFIG, config)
    assert wards.settings(tx, "5") == {}


def test_what_people_do_is_in_the_audit(hospital: Store, clock: FakeClock) -> None:
    announce(hospital, "3")
    announcement = schedule(hospital, at_ms=clock.now_ms() + 5)
    with hospital.transaction() as tx:
        service.edit(tx, announcement, ["3"], "b", "announcement", "wu", at_ms=clock.now_ms() + 6)
        service.cancel(tx, announcement, "zhao")
        service.set_volume(tx, "3", 70, [], 70, "sun")
    done = [(row["who"], row["what"]) for row in hospital.read().all("SELECT * FROM audit")]
    assert done == [
        ("li", "announcement.now"),
        ("li", "announcement.schedule"),
        ("wu", "announcement.edit"),
        ("zhao", "announcement.cancel"),
        ("sun", "ward.volume"),
    ]
