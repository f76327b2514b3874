"""From a nurse's entry to the words at the bed, and to a nurse when nobody answers."""

import json
from typing import Any

import pytest

from central.clock import FakeClock
from central.infusions import answers, checks, model, prompts, service
from central.infusions.drip import STAGES
from central.store import Store
from central.wards import model as wards
from central.words import catalogue
from tests.infusions.conftest import BOX, STATION, Ward

MINUTE_MS = 60_000


def stages(schedule: dict[str, Any]) -> list[tuple[str, int]]:
    """(stage, minutes from when it was sent)."""
    return [(each["stage"], round(each["in_ms"] / MINUTE_MS)) for each in schedule["prompts"]]


def bottle(ward: Ward, **changes: Any) -> checks.Bottle:
    given = {"ward": "3", "bed": "5", "volume_ml": 500, "factor": 20, "gtt_per_min": 50}
    found, wrong = checks.bottle(ward.store.read(), given | changes)
    assert found is not None, wrong
    return found


# --- what the bed is told ---


def test_the_bed_gets_the_whole_schedule(ward: Ward) -> None:
    infusion = ward.start()
    (schedule,) = ward.schedules()
    assert schedule["infusion"] == str(infusion)
    assert schedule["revision"] == 1
    assert schedule["as_of_ms"] == ward.clock.now_ms()
    assert schedule["unconfirmed_after_ms"] == 180_000
    assert stages(schedule) == [("check", 160), ("near_end", 180), ("due", 200)]
    assert [each["final"] for each in schedule["prompts"]] == [False, False, True]
    words = schedule["prompts"][1]["words"]
    assert words["lang"] == "zh"
    assert words["text"] == ("您好,您的点滴快输完了。请看一下瓶子,如果需要更换,请按红色按钮。")


def test_every_change_makes_a_new_schedule(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(100)
    ward.do(service.set_rate, infusion, 100, "nurse3")
    assert stages(ward.schedules()[-1]) == [("check", 30), ("near_end", 40), ("due", 50)]
    ward.do(service.pause, infusion, "nurse3")
    assert ward.schedules()[-1]["prompts"] == []
    ward.wait(10)
    ward.do(service.resume, infusion, "nurse3")
    assert stages(ward.schedules()[-1]) == [("check", 30), ("near_end", 40), ("due", 50)]
    ward.do(service.rebaseline, infusion, "nurse3", remaining_ml=500)
    assert stages(ward.schedules()[-1]) == [("check", 80), ("near_end", 90), ("due", 100)]
    ward.do(service.rebaseline, infusion, "nurse3", gtt_per_min=50)
    assert stages(ward.schedules()[-1])[-1] == ("due", 200)
    ward.do(service.stop, infusion, "nurse3", "patient's wish")
    assert ward.schedules()[-1]["prompts"] == []
    assert [each["revision"] for each in ward.schedules()] == [1, 2, 3, 4, 5, 6, 7]
    assert ward.history(infusion) == [
        "started", "rate", "paused", "resumed", "rebaselined", "rebaselined", "stopped",
    ]  # fmt: skip


def test_a_pause_stops_the_level(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(100)
    ward.do(service.pause, infusion, "nurse3")
    ward.wait(60)
    (row,) = model.running(ward.store.read(), "3")
    assert (row["state"], row["remaining_ml"], row["ends_ms"]) == ("paused", 250, None)


def test_the_running_list_tells_level_and_end(ward: Ward) -> None:
    began_ms = ward.clock.now_ms()
    ward.start()
    ward.wait(50)
    (row,) = model.running(ward.store.read(), "3")
    assert row["remaining_ml"] == 375
    assert row["ends_ms"] == began_ms + 200 * MINUTE_MS
    assert (row["next_stage"], row["next_ms"]) == ("check", began_ms + 160 * MINUTE_MS)
    assert model.running(ward.store.read(), "5") == []


@pytest.mark.parametrize(
    ("changes", "ending"),
    [({}, ""), ({"last_bottle": True}, "_last"), ({"of_bottles": 3}, "_next")],
)
def test_each_kind_of_bottle_has_its_own_words(
    ward: Ward, changes: dict[str, Any], ending: str
) -> None:
    ward.start(**changes)
    said = [each["words"]["text"] for each in ward.schedules()[-1]["prompts"]]
    words = catalogue("zh")
    wanted = ("check", f"near_end{ending}", f"due{ending}")
    assert said == [words[f"infusions.{each}"] for each in wanted]


def test_the_last_bottle_speaks_of_removal() -> None:
    assert "拔针" in catalogue("zh")["infusions.near_end_last"]
    assert "needle" in catalogue("en")["infusions.near_end_last"]


def test_words_ask_to_look_and_never_say_finished() -> None:
    for lang in ("zh", "en"):
        said = {k: v for k, v in catalogue(lang).items() if k.startswith("infusions.")}
        for stage in STAGES[:3]:
            for ending in ("", "_last", "_next") if stage != "check" else ("",):
                text = said[f"infusions.{stage}{ending}"]
                assert ("瓶子" if lang == "zh" else "look at") in text
        for text in said.values():
            assert not any(bad in text for bad in ("finished", "empty", "已输完", "输完了药"))
    assert {k for k in catalogue("zh") if k.startswith("infusions.")} == {
        k for k in catalogue("en") if k.startswith("infusions.")
    }


def test_an_english_ward_is_spoken_to_in_english(ward: Ward) -> None:
    with ward.store.transaction() as tx:
        tx.execute("UPDATE wards SET lang = 'en'")
    ward.start()
    words = ward.schedules()[-1]["prompts"][1]["words"]
    assert words["lang"] == "en"
    assert words["text"].startswith("Hello. Your drip is nearly through. Please look at the bottle")


def test_the_nurses_label_is_never_sent(ward: Ward) -> None:
    ward.start(label="青霉素")
    everything = ward.store.read().all("SELECT body FROM commands")
    assert everything
    assert not any("青霉素" in row["body"] for row in everything)


def test_the_next_bottle_starts_only_on_the_nurses_word(ward: Ward) -> None:
    first = ward.start(of_bottles=2)
    ward.wait(300)
    assert [row["id"] for row in model.running(ward.store.read(), "3")] == [first]
    second = ward.do(service.next_bottle, first, bottle(ward, last_bottle=True), "nurse3")
    assert ward.row(first)["state"] == "done"
    assert ward.row(second)["bottle_no"] == 2
    assert ward.row(second)["previous"] == first
    assert ward.schedules(first)[-1]["prompts"] == []
    assert stages(ward.schedules(second)[-1])[-1] == ("due", 200)


# --- what the bed reports ---


def test_a_press_after_a_prompt_confirms_and_calls(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(180)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="near_end")
    assert ward.row(infusion)["prompted"] == "near_end"
    ward.wait(0.5)
    ward.report("press", infusion=str(infusion), revision=1, stage="near_end")
    assert ward.row(infusion)["prompted"] is None
    assert ward.history(infusion)[-2:] == ["prompted", "confirmed"]
    (call,) = ward.calls()
    about = json.loads(call["about"])
    assert (call["bed"], about["infusion"], about["confirmed"]) == ("5", infusion, True)
    assert ward.calls("nurse") == [], "one press is one call"
    assert ward.row(infusion)["state"] == "running", "a press is a call, not a proof"


def test_a_press_about_an_older_schedule_is_never_lost(ward: Ward) -> None:
    infusion = ward.start()
    ward.do(service.set_rate, infusion, 60, "nurse3")
    ward.report("press", infusion=str(infusion), revision=1, stage="check")
    assert len(ward.calls()) == 1


@pytest.mark.parametrize("number", ["999", "x", "", "9" * 40, None, 3.5, "²"])
def test_a_press_about_an_unknown_drip_is_a_nurse_call(ward: Ward, number: Any) -> None:
    ward.report("press", infusion=number, revision=1, stage="due")
    assert len(ward.calls("nurse")) == 1


def test_a_press_at_another_bed_than_the_drips_is_a_nurse_call(ward: Ward) -> None:
    infusion = ward.start()
    ward.report("press", bed="1", infusion=str(infusion), revision=1, stage="due")
    (call,) = ward.calls("nurse")
    assert call["bed"] == "1"
    assert ward.calls() == []


def test_unconfirmed_brings_the_nurse_with_sharper_words(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(200)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="due")
    ward.wait(3)
    ward.report("unconfirmed", infusion=str(infusion), revision=1, stage="due")
    (call,) = ward.calls()
    about = json.loads(call["about"])
    assert about["confirmed"] is False
    assert any("病人没有确认" in said for said in ward.said_at_station())
    assert about["words"] == "infusions.station_unconfirmed"
    ward.wait(30)
    assert len(ward.calls()) == 1
    assert ward.history(infusion).count("unconfirmed") == 1


def test_unconfirmed_of_an_unknown_drip_still_brings_the_nurse(ward: Ward) -> None:
    ward.report("unconfirmed", infusion="77", revision=1, stage="due")
    assert len(ward.calls()) == 1


def test_presence_after_a_prompt_counts_as_looked_at(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(200)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="due")
    ward.wait(1)
    ward.report("presence")
    assert ward.row(infusion)["prompted"] is None
    assert ward.history(infusion)[-1] == "looked_at"
    ward.report("unconfirmed", infusion=str(infusion), revision=1, stage="due")
    ward.wait(10)
    assert ward.calls() == []


def test_what_was_said_is_not_said_again_after_a_change(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(160)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="check")
    ward.do(service.set_rate, infusion, 49, "nurse3")
    assert [stage for stage, _ in stages(ward.schedules()[-1])] == ["near_end", "due"]


def test_a_correction_far_back_says_it_again_even_after_a_further_change(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(160)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="check")
    ward.do(service.rebaseline, infusion, "nurse3", remaining_ml=400)
    assert stages(ward.schedules()[-1])[0] == ("check", 120)
    ward.wait(115)
    ward.do(service.set_rate, infusion, 51, "nurse3")
    assert stages(ward.schedules()[-1])[0] == ("check", 5)


def test_a_report_that_crosses_a_small_change_counts(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(160)
    ward.do(service.set_rate, infusion, 51, "nurse3")
    ward.report("prompted", infusion=str(infusion), revision=1, stage="check")
    last = ward.schedules()[-1]
    assert [stage for stage, _ in stages(last)] == ["near_end", "due"]
    assert last["revision"] == 3


def test_a_report_that_crosses_a_large_correction_does_not(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(160)
    ward.do(service.rebaseline, infusion, "nurse3", remaining_ml=450)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="check")
    assert stages(ward.schedules()[-1])[0][0] == "check"
    assert ward.row(infusion)["prompted"] is None


# --- when the bed is silent ---


def test_a_bed_that_does_not_speak_sends_the_nurse(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(160.4)
    assert ward.said_at_station() == []
    ward.wait(0.2)
    (said,) = ward.said_at_station()
    assert said.startswith("三病区 五床,点滴该查看了")
    assert ward.calls() == []
    ward.wait(60)
    (call,) = ward.calls()
    assert json.loads(call["about"])["words"] == "infusions.station_not_spoken"
    assert ward.history(infusion) == ["started", "not_spoken", "not_spoken", "not_spoken"]


def test_a_bed_that_spoke_sends_nobody(ward: Ward) -> None:
    infusion = ward.start()
    for minutes, stage in ((160, "check"), (20, "near_end")):
        ward.wait(minutes)
        ward.report("prompted", infusion=str(infusion), revision=1, stage=stage)
    ward.wait(10)
    assert ward.said_at_station() == []


def test_no_station_box_means_a_call(ward: Ward) -> None:
    with ward.store.transaction() as tx:
        tx.execute("DELETE FROM nodes WHERE id = ?", (STATION,))
    ward.start()
    ward.wait(161)
    assert len(ward.calls()) == 1


def test_a_bed_without_a_unit_is_watched_by_the_station(ward: Ward) -> None:
    ward.start(bed="9")
    assert ward.schedules() == []
    ward.wait(161)
    assert "九床" in ward.said_at_station()[0]


def test_a_box_that_dies_after_its_last_prompt_sends_the_nurse(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(200)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="due")
    ward.wait(3.4)
    assert ward.calls() == []
    ward.wait(0.2)
    (call,) = ward.calls()
    assert json.loads(call["about"])["words"] == "infusions.station_unconfirmed"


def test_hospital_time_that_runs_fast_leaves_the_bed_real_time(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    began_ms = ward.clock.now_ms()
    rate = 600
    monkeypatch.setattr(
        FakeClock, "real_ms", lambda self: began_ms + (self.value_ms - began_ms) // rate
    )
    ward.start()
    real_grace_min = answers.GRACE_REAL_MS * rate / MINUTE_MS
    ward.wait(160 + real_grace_min - 1)
    assert not any("没有播报" in said for said in ward.said_at_station())
    assert "not_spoken" not in ward.history(1)
    ward.wait(2)
    assert "not_spoken" in ward.history(1)


def test_a_forgotten_pause_is_said_at_the_station_and_then_is_a_call(ward: Ward) -> None:
    infusion = ward.start()
    ward.do(service.pause, infusion, "nurse3")
    ward.wait(14)
    assert ward.said_at_station() == []
    ward.wait(2)
    (said,) = ward.said_at_station()
    assert "仍在暂停" in said
    assert ward.calls() == []
    ward.wait(15)
    (call,) = ward.calls()
    assert json.loads(call["about"])["words"] == "infusions.station_paused"


@pytest.mark.parametrize("end", [service.resume, service.stop])
def test_a_pause_that_is_over_reminds_nobody(ward: Ward, end: Any) -> None:
    infusion = ward.start()
    ward.do(service.pause, infusion, "nurse3")
    ward.wait(10)
    ward.do(end, infusion, "nurse3")
    ward.wait(30)
    assert ward.said_at_station() == []
    assert ward.calls() == []


# --- boxes and central come and go ---


def test_a_newborn_box_is_told_again_counting_from_now(ward: Ward) -> None:
    infusion = ward.start()
    ward.start(bed="9")
    ward.wait(100)
    ward.do(prompts.resend, BOX)
    first, again = ward.schedules()
    assert stages(again) == [("check", 60), ("near_end", 80), ("due", 100)]
    assert (again["infusion"], again["revision"]) == (str(infusion), first["revision"])
    waiting = ward.store.read().value(
        "SELECT count(*) FROM commands WHERE type = 'reminders' AND result IS NULL"
    )
    assert waiting == 1, "the old schedule must not reach the box any more"


def test_a_restart_works_everything_out_anew(store: Store, ward: Ward) -> None:
    ward.start()
    with store.transaction() as tx:
        tx.execute("DELETE FROM timers")
        tx.execute("DELETE FROM commands")
    ward.clock.advance(190 * MINUTE_MS)
    ward.do(service.recover)
    assert stages(ward.schedules()[-1]) == [("near_end", -10), ("due", 10)]
    ward.wait(1)
    assert len(ward.said_at_station()) == 1


def test_a_patient_takes_the_drip_along_or_leaves_it(ward: Ward) -> None:
    infusion = ward.start()
    assert ward.do(service.move, "3", "5", "3", "2", "adt") == 1
    cleared, moved = ward.schedules()[-2:]
    assert cleared["prompts"] == []
    assert len(moved["prompts"]) == 3
    assert ward.row(infusion)["bed"] == "2"
    assert ward.do(service.stop_at_bed, "3", "2", "adt", "discharged") == 1
    assert model.running(ward.store.read()) == []


def test_moving_to_another_box_silences_the_old_one(ward: Ward) -> None:
    with ward.store.transaction() as tx:
        wards.add_node(tx, "3-far", "3", "bedside")
        wards.add_bed(tx, "3", "12", "3-far")
    ward.start()
    ward.do(service.move, "3", "5", "3", "12", "adt")
    waiting = ward.store.read().all(
        "SELECT node, json_array_length(body, '$.prompts') AS n FROM commands"
        " WHERE type = 'reminders' AND result IS NULL ORDER BY id"
    )
    assert [tuple(row) for row in waiting] == [(BOX, 0), ("3-far", 3)]


def test_a_bed_that_waits_for_its_answer_is_not_silenced_by_a_birth(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(200)
    ward.report("prompted", infusion=str(infusion), revision=1, stage="due")
    before = len(ward.schedules())
    ward.do(prompts.resend, BOX)
    assert len(ward.schedules()) == before
    ward.report("presence")
    ward.do(prompts.resend, BOX)
    assert ward.schedules()[-1]["prompts"] == []


def test_repeating_the_last_prompt_does_not_put_off_the_nurse(ward: Ward) -> None:
    infusion = ward.start()
    ward.wait(200)
    for _ in range(4):
        ward.report("prompted", infusion=str(infusion), revision=1, stage="due")
        ward.wait(1)
    assert len(ward.calls()) == 1


# --- dressings ---


def test_a_dressing_is_reminded_of_and_comes_again(ward: Ward) -> None:
    dressing = ward.do(
        service.remind_dressing, ward="3", bed="5", in_min=60, every_min=1440, by="nurse3"
    )
    (schedule,) = ward.schedules()
    assert stages(schedule) == [("dressing", 60)]
    assert schedule["prompts"][0]["final"] is True
    assert "换药" in schedule["prompts"][0]["words"]["text"]
    ward.wait(60)
    ward.report("prompted", infusion=str(dressing), revision=1, stage="dressing")
    ward.report("press", infusion=str(dressing), revision=1, stage="dressing")
    (call,) = ward.calls()
    assert json.loads(call["about"])["words"] == "infusions.station_dressing"
    ward.do(service.finish, dressing, "nurse3")
    (again,) = model.running(ward.store.read(), "3")
    assert again["id"] != dressing
    assert again["ends_ms"] == ward.clock.now_ms() + 1440 * MINUTE_MS


def test_a_dressing_nobody_confirms_brings_the_nurse(ward: Ward) -> None:
    dressing = ward.do(service.remind_dressing, ward="3", bed="5", in_min=5, by="nurse3")
    ward.wait(5)
    ward.report("prompted", infusion=str(dressing), revision=1, stage="dressing")
    ward.report("unconfirmed", infusion=str(dressing), revision=1, stage="dressing")
    (call,) = ward.calls()
    assert json.loads(call["about"])["words"] == "infusions.station_dressing_unconfirmed"
