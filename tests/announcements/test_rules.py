"""What may be announced, when a daily one comes next, which volumes are allowed."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.announcements import rules
from central.announcements.rules import Daily
from central.errors import FieldError

SHANGHAI = "Asia/Shanghai"


def ms(text: str, zone: str = SHANGHAI) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp() * 1000)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "。。。", "!?"])
def test_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(FieldError) as refused:
        rules.checked_text(text)
    assert refused.value.field == "text"


def test_a_text_is_one_line_of_at_most_500_characters() -> None:
    assert rules.checked_text(" 探视\r\n时间\x00到了 ") == "探视 时间 到了"
    assert rules.checked_text("床" * 500) == "床" * 500
    with pytest.raises(FieldError) as refused:
        rules.checked_text("床" * 501)
    assert refused.value.field == "text"
    assert refused.value.values == {"most": 500, "n": 501}


@pytest.mark.parametrize(
    ("text", "lang"), [("探视结束", "zh"), ("ICU 探视", "zh"), ("Visits end", "en"), ("12", None)]
)
def test_the_language_is_seen_from_the_letters(text: str, lang: str | None) -> None:
    assert rules.lang_of(text) == lang


@pytest.mark.parametrize(
    ("now", "days", "due"),
    [
        ("2026-11-24 07:59", (1,), "2026-11-24 08:00"),
        ("2026-11-24 08:00", (1,), "2026-12-01 08:00"),
        ("2026-11-24 08:00", range(7), "2026-11-25 08:00"),
        ("2026-11-24 23:59", (0, 5), "2026-11-28 08:00"),
        ("2026-12-31 12:00", range(7), "2027-01-01 08:00"),
    ],
)
def test_a_daily_one_comes_next(now: str, days: Any, due: str) -> None:
    assert rules.next_ms(Daily(480, tuple(days), SHANGHAI), ms(now)) == ms(due)


@given(
    after_ms=st.integers(ms("2020-01-01 00:00"), ms("2040-01-01 00:00")),
    minute=st.integers(0, 1439),
    days=st.sets(st.integers(0, 6), min_size=1),
    zone=st.sampled_from([SHANGHAI, "Europe/London", "America/New_York", "UTC"]),
)
def test_the_next_time_is_later_within_eight_days_and_on_a_chosen_day(
    after_ms: int, minute: int, days: set[int], zone: str
) -> None:
    due_ms = rules.next_ms(Daily(minute, tuple(days), zone), after_ms)
    assert after_ms < due_ms <= after_ms + 8 * 24 * 3600 * 1000
    local = datetime.fromtimestamp(due_ms / 1000, ZoneInfo(zone))
    assert local.weekday() in days
    # Where the clock jumps over the time, it comes an hour away.
    assert (local.hour * 60 + local.minute - minute) % 1440 in (0, 60, 1380)


def test_daylight_saving_keeps_the_wall_clock() -> None:
    daily = Daily(480, tuple(range(7)), "Europe/London")
    due_ms = rules.next_ms(daily, ms("2026-03-28 09:00", "Europe/London"))
    assert due_ms == ms("2026-03-29 08:00", "Europe/London")
    assert due_ms - ms("2026-03-28 08:00", "Europe/London") == 23 * 3600 * 1000


NIGHT = {"from_min": 1320, "to_min": 360, "volume": 30}
NOON = {"from_min": 720, "to_min": 840, "volume": 50}


def test_volume_settings_are_those_of_the_config_message() -> None:
    assert rules.checked_volume(70, [NIGHT, NOON], 60) == {
        "day_volume": 70,
        "bands": [NIGHT, NOON],
        "emergency_floor": 60,
    }


@pytest.mark.parametrize(
    ("day", "bands", "floor", "field"),
    [
        (101, [], 70, "day_volume"),
        (-1, [], 70, "day_volume"),
        (70, [], 49, "emergency_floor"),
        (70, [], 101, "emergency_floor"),
        (70, [NOON | {"volume": 101}], 70, "band_0"),
        (70, [NOON | {"to_min": 720}], 70, "band_0"),
        (70, [NOON | {"to_min": 1440}], 70, "band_0"),
        (70, [NIGHT, {"from_min": 300, "to_min": 400, "volume": 1}], 70, "band_1"),
        (70, [NIGHT, NIGHT], 70, "band_1"),
        (70, [{"from_min": n, "to_min": n + 1, "volume": 1} for n in range(7)], 70, "bands"),
    ],
)
def test_a_wrong_volume_names_its_field(
    day: int, bands: list[dict[str, int]], floor: int, field: str
) -> None:
    with pytest.raises(FieldError) as refused:
        rules.checked_volume(day, bands, floor)
    assert refused.value.field == field
