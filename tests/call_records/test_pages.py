"""The page of call records: who may, what it counts, what is taken away, and that it is told."""

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central.call_records import asking, chart, service, web
from central.call_records.asking import Wanted
from central.clock import FakeClock
from central.store import Store
from tests.call_records.conftest import NAMES, build, moved, written
from tests.call_records.test_records import call_outside
from tests.visitor import token_of

AsUser = Callable[[str], FlaskClient]
DAY_US = 24 * 3_600_000_000


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(1_795_902_600_000)  # 2026-11-29 at 05:50 in Shanghai


@pytest.fixture
def db(app: Flask) -> Store:
    store: Store = app.extensions["wardline"].store
    with store.transaction() as tx:
        build(tx)
        service.set_rate(tx, "city", unit_s=60, fen=22, from_ms=0)
        service.take(tx, [*written(*NAMES), *call_outside(61)], {})
        yesterday = [moved(each, -DAY_US, "-y") for each in written("busy", "service")]
        service.take(tx, yesterday, {})
    return store


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def test_the_list_counts_what_it_shows(db: Store, as_user: AsUser) -> None:
    client = as_user("zhao")
    page = client.get("/call-records?lang=en").text
    calls = len(NAMES) + 3
    assert f"<dt>Phone calls</dt><dd>{calls}</dd>" in page
    assert "<dt>Cost</dt><dd>¥0.44</dd>" in page
    assert page.count('href="/call-records/') == calls
    assert "8003 <span" in page
    chinese = client.get("/call-records?lang=zh").text
    assert "护士站" in chinese
    assert "市话" in chinese


@pytest.mark.parametrize(
    ("asked", "calls"),
    [
        ("extension=8104", 3), ("direction=outward", 1), ("route=city", 1), ("result=busy", 2),
        ("rights=internal", 0), ("rights=local&direction=service", 2), ("from=2026-11-29", 9),
        ("to=2026-11-28", 2), ("from=2026-11-28&to=2026-11-28&result=busy", 1),
    ],
)  # fmt: skip
def test_filters(db: Store, as_user: AsUser, asked: str, calls: int) -> None:
    assert len(table(as_user("zhao").get(f"/call-records.csv?{asked}").text)) == calls


def test_sorted_and_in_pages(
    db: Store,
    as_user: AsUser,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(web, "PAGE", 4)
    client, seen = as_user("zhao"), []
    for page in range(3):
        text = client.get(f"/call-records?sort=talk&down=0&page={page}").text
        seen += [each.split('"')[0] for each in text.split('href="/call-records/')[1:]]
    rows = db.read().all("SELECT id FROM call_records ORDER BY talk_ms, id")
    assert [int(each) for each in seen] == [row["id"] for row in rows]
    assert client.get("/call-records?sort=;DROP&page=-7").status_code == 200


def test_what_cannot_be_asked_is_told_beside_what_was_asked(
    db: Store,
    as_user: AsUser,
) -> None:
    client = as_user("zhao")
    for wrong in ("from=yesterday", "from=2026-11-29&to=2026-11-28", "from=0001-01-01"):
        answer = client.get(f"/call-records?{wrong}&lang=en")
        assert answer.status_code == 400
        assert "call-records" in answer.text
    assert "Dates are written as" in client.get("/call-records?from=x&lang=en").text


def test_a_thousand_years_without_a_call_are_no_thousand_years_of_bars(
    db: Store, as_user: AsUser, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[int] = []
    bars = chart.bars

    def counted(values: Sequence[tuple[str, int]]) -> chart.Bars:
        drawn.append(len(values))
        return bars(values)

    monkeypatch.setattr(chart, "bars", counted)
    as_user("zhao").get("/call-records?from=2000-01-01&to=2999-12-30&extension=999")
    assert sorted(drawn) == [24, web.MOST_DAYS + 1, web.MOST_DAYS + 1]


def test_what_is_taken_away_is_harmless_in_a_spreadsheet(
    db: Store,
    as_user: AsUser,
) -> None:
    with db.transaction() as tx:
        tx.execute("UPDATE call_records SET called = '=cmd()' WHERE id = 1")
    lines = table(as_user("zhao").get("/call-records.csv?lang=en").text)
    assert "'=cmd()" in {line["Called"] for line in lines}
    assert {line["Cost in fen"] for line in lines} == {"0", "44"}


def test_who_looked_is_written_down(db: Store, as_user: AsUser) -> None:
    client = as_user("zhao")
    client.get("/call-records?extension=8003")
    client.get("/call-records/1")
    client.get("/call-records.csv")
    done = db.read().all("SELECT what, ref, detail FROM audit WHERE who = 'zhao' ORDER BY id")
    assert [tuple(row) for row in done[1:]] == [
        ("call_record.list", "", '{"extension": "8003"}'),
        ("call_record.read", "call_record/1", "{}"),
        ("call_record.export", "", "{}"),
    ]


def test_a_price_is_typed_in_yuan(db: Store, as_user: AsUser) -> None:
    client = as_user("admin")
    form = {"csrf_token": token_of(client, "/call-records/rates"), "route": "mobile"}
    form |= {"unit_s": "6", "from": "2026-12-01"}
    for wrong in ("", "abc", "0.001", "-1", "1e9", "NaN"):
        answer = client.post("/call-records/rates?lang=en", data=form | {"price": wrong})
        assert answer.status_code == 400
        assert "A price is written as" in answer.text
    assert client.post("/call-records/rates", data=form | {"price": "0.06"}).status_code == 302
    row = db.read().one("SELECT * FROM call_rates WHERE route = 'mobile'")
    assert row is not None
    assert (row["unit_s"], row["fen"], row["from_ms"]) == (6, 6, 1_796_054_400_000)
    assert "¥0.06 for each 6 s" in client.get("/call-records/rates?lang=en").text


def test_statistics(db: Store) -> None:
    tx = db.read()
    every = Wanted(0, 2_000_000_000_000)
    assert asking.sums(tx, every).calls == len(NAMES) + 3
    assert sum(n for _, n, _ in asking.counted(tx, every, "direction")) == len(NAMES) + 3
    top = asking.top_extensions(tx, every)
    assert top[0][0] == "8101"
    assert "" not in {number for number, _, _ in top}
    by_day: dict[Any, Any] = asking.over_time(tx, every, lambda ms: ms // 86_400_000)
    assert [calls for calls, _ in by_day.values()] == [2, len(NAMES) + 1]


@pytest.mark.parametrize("values", [[], [0, 0], [3], [1] * 40, [0, 99_999]])
def test_bars_stay_in_their_picture(values: list[int]) -> None:
    drawn = chart.bars([(str(each), each) for each in values])
    assert len(drawn.bars) == len(values)
    for bar in drawn.bars:
        assert chart.LEFT <= bar.x <= bar.x + bar.width <= chart.WIDTH
        assert chart.TOP <= bar.y <= bar.y + bar.height <= chart.HEIGHT
    assert [value for _, value in drawn.lines] == sorted({value for _, value in drawn.lines})


def test_the_pages_folder_is_whole() -> None:
    folder = Path(chart.__file__).parent / "templates" / "call_records"
    assert {each.name for each in folder.iterdir()} >= {"index.html", "one.html", "rates.html"}
