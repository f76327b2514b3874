"""The pages of opening hours, and what a menu is told: each by the words that people meet."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.directory import places, removing
from central.directory import service as directory
from central.errors import FieldError
from central.flows.offers import Answer, Asking, offers
from central.hours import importing, model
from central.store import Store
from tests.visitor import token_of

ZONE = ZoneInfo("Asia/Shanghai")
AsUser = Callable[[str], FlaskClient]
TABLE = """日期,类型,名称,补班按
2026/10/1,放假,国庆节,
2026-10-02,放假,国庆节,
2026-10-10,调休上班,国庆节调休,星期五
"""


@pytest.fixture
def post(app: Flask, as_user: AsUser) -> Callable[..., tuple[int, str]]:
    """Sends a form as the telephone administrator and follows it; status and page."""
    client = as_user("qian")

    def send(path: str, **form: str) -> tuple[int, str]:
        form["csrf_token"] = token_of(client, "/hours/days")
        answer = client.post(path, data=form, follow_redirects=True)
        return answer.status_code, answer.text

    return send


def at(clock: FakeClock, text: str) -> None:
    clock.value_ms = int(datetime.fromisoformat(text).replace(tzinfo=ZONE).timestamp() * 1000)


def asked(store: Store, lang: str = "zh", plan: str = "service") -> Answer:
    who = Asking(lang, zone=ZONE)
    return offers()["hours.open"].run(store.read(), who, {"plan": plan})


def test_a_table_of_holidays_counts_for_pages_and_menus(
    db: Store,
    as_user: AsUser,
    clock: FakeClock,
    post: Callable[..., tuple[int, str]],
) -> None:
    at(clock, "2026-09-30 18:00")
    assert asked(db) == Answer("closed", {"opens": "明天八点整"})
    status, page = post("/hours/days/import", table=TABLE)
    assert (status, "3 days are new or changed." in page) == (200, True)
    assert asked(db) == Answer("closed", {"opens": "星期六八点整"})
    at(clock, "2026-10-01 09:00")
    assert asked(db, "en") == Answer("holiday", {"opens": "on Saturday at eight o'clock in the"
                                                " morning"})  # fmt: skip
    page = as_user("zhao").get("/hours").text
    assert "国庆节调休" in page
    assert "Closed now: holiday." in page
    assert "no number yet" in page
    assert "It opens next 2026-10-03 08:00." in page
    assert asked(db, "zh").outcome == "holiday"
    at(clock, "2026-10-03 08:00")
    assert asked(db).outcome == "ok"
    # What was exported is taken back and changes nothing.
    table = as_user("qian").get("/hours/days.csv").text
    assert importing.read(table) == (model.calendar(db.read()), [])


def test_rows_with_a_problem_are_named_and_nothing_is_changed(
    db: Store,
    post: Callable[..., tuple[int, str]],
) -> None:
    wrong = TABLE + "2026-10-32,放假,,\n2026-10-05,也许,,\n2026-10-01,放假,,\n2026-10-11,班,,周八\n"
    status, page = post("/hours/days/import", table=wrong)
    assert status == 400
    for words in (
        "Row 5: A date is written", "Row 6: A day is a holiday or", "Row 7: This date stands",
        "Row 8: Choose a day", "2026-10-32,放假",
    ):  # fmt: skip
        assert words in page
    assert model.days(db.read()) == []
    assert "must name the column" in post("/hours/days/import", table="a,b\n")[1]


def test_the_times_of_a_plan_are_typed_kept_when_wrong_and_audited(
    db: Store,
    as_user: AsUser,
    clock: FakeClock,
    post: Callable[..., tuple[int, str]],
) -> None:
    at(clock, "2026-09-28 12:30")
    page = as_user("qian").get("/hours/plans/service").text
    seen = page.partition('name="seen" value="')[2].partition('"')[0]
    week = {f"day{day}": "08:00-12:00，13:30-17:30" for day in range(5)}
    form = {"seen": seen, "label": "服务台", "on_holidays": "0"} | week
    for typed, words in (
        ("8-12", "8-12 is no time"), ("08:00-12:00, 11:59-13:00", "These times overlap"),
        ("08:00-24:01", "is no time"), ("25:00-26:00", "is no time"),
    ):  # fmt: skip
        status, page = post("/hours/plans/service", **form | {"day0": typed})
        assert status == 400
        assert words in page
        assert f'value="{typed}"' in page
    assert post("/hours/plans/service", **form)[0] == 200
    assert asked(db) == Answer("closed", {"opens": "今天十三点三十分"})
    audited = db.read().one("SELECT who, ref FROM audit WHERE what = 'hours.put'")
    assert audited is not None
    assert tuple(audited) == ("qian", "hours/service")
    # Somebody else has it open as it was before.
    assert post("/hours/plans/service", **form)[0] == 409
    # The service desk's menu goes by it.
    assert "These menus go by it: desk, main." in post("/hours/plans/service/remove")[1]
    night = {"name": "night", "label": "夜间", "on_holidays": "1", "day0": "22:00-06:00"}
    assert post("/hours/plans/new", **night)[0] == 200
    assert "There is such a plan already." in post("/hours/plans/new", **night)[1]
    assert asked(db, plan="night").outcome == "closed"
    assert "The plan is removed." in post("/hours/plans/night/remove")[1]
    with pytest.raises(LookupError):
        asked(db, plan="night")


def test_days_are_entered_from_one_to_another_and_taken_out(
    db: Store,
    clock: FakeClock,
    post: Callable[..., tuple[int, str]],
) -> None:
    at(clock, "2026-09-28 12:30")
    form = {"first": "2026-10-01", "last": "2026-10-07", "kind": "holiday", "label": "国庆节"}
    assert post("/hours/days", **form)[0] == 200
    assert len(model.days(db.read())) == 7
    assert post("/hours/days", **form | {"last": "2026-09-01"})[0] == 400
    assert post("/hours/days/2026-10-07/remove")[0] == 200
    assert post("/hours/days/2026-10-07/remove")[0] == 404
    assert len(model.days(db.read())) == 6


def test_a_place_is_a_number_of_the_house_and_keeps_it(store: Store) -> None:
    with store.transaction() as tx:
        directory.add_extension(tx, "8101", "Desk")
        for name, number in (("desk", "8999"), ("desk", "120"), ("lobby", "8101"),
                             ("emergency", "1x")):  # fmt: skip
            with pytest.raises(FieldError):
                places.put(tx, name, number)
        places.put(tx, "desk", "8101")
        places.put(tx, "emergency", "120")
        with pytest.raises(FieldError, match="still used"):
            removing.remove_extension(tx, "8101", by="admin")
        places.remove(tx, "desk")
        removing.remove_extension(tx, "8101", by="admin")
    told = offers()["directory.number"].run(store.read(), Asking("zh"), {"place": "emergency"})
    assert told.values == {"number": "120"}
