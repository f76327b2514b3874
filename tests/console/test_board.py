"""What the board shows and may do; screens with a device token."""

import json
import re
from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask.testing import FlaskClient

from central import say
from central.board import service
from central.calls import model as calls_model
from central.calls import service as calls
from central.clock import FakeClock
from central.console import login
from central.console import service as people
from central.console.live import BRIDGE_SILENT_MS, Live
from central.store import HOSPITAL, Store, Tx
from central.wards import model as wards
from gateway.mqtt import kinds
from tests.console.conftest import token_of

AsUser = Callable[[str], FlaskClient]


def post(client: FlaskClient, path: str, body: Any = None) -> Any:
    headers = {"X-CSRFToken": token_of(client, "/board/3"), "Accept": "application/json"}
    return client.post(path, json=body or {}, headers=headers)


def board(app: Flask, db: Store, lang: str = "en") -> dict[str, Any]:
    with app.test_request_context(f"/?lang={lang}"):
        app.preprocess_request()
        return service.board(db.read(), "3", "nurse", lang, ZoneInfo("Asia/Shanghai"))


def test_the_board_is_in_the_readers_words(app: Flask, db: Store) -> None:
    with db.transaction() as tx:
        call = calls.open_call(tx, "3", "2", "toilet")
        calls.accept(tx, call, "li", "board")
    english, chinese = board(app, db)["calls"], board(app, db, "zh")["calls"]
    assert [row["title"] for row in english] == ["Toilet call"]
    assert chinese[0]["title"] != english[0]["title"]
    assert english[0]["accepted_by"] == "Li", "the name that colleagues know"


def test_the_board_is_json_and_names_no_patient(app: Flask, db: Store) -> None:
    with db.transaction() as tx:
        tx.execute("INSERT INTO patients VALUES ('p1', '陈小明', 'M', '1980', 0)")
        tx.execute(
            "INSERT INTO stays (patient, visit, ward, bed, kind, admitted_ms)"
            " VALUES ('p1', 'v1', '3', '2', 'I', 0)"
        )
        calls.open_call(tx, "3", "2", "nurse")
    assert "陈小明" not in json.dumps(board(app, db), ensure_ascii=False)


def test_the_board_carries_the_volumes_of_the_day(app: Flask, db: Store) -> None:
    bands = [{"from_min": 1320, "to_min": 360, "volume": 30}]
    with db.transaction() as tx:
        settings = json.dumps({"bands": bands, "emergency_floor": 80})
        tx.execute("UPDATE wards SET settings = ? WHERE id = '3'", (settings,))
    shown = board(app, db)
    assert shown["bands"] == bands
    assert shown["emergency_floor"] == 80
    assert shown["offset_min"] == 480


def test_the_last_message_is_said_again_once(as_user: AsUser, db: Store) -> None:
    client = as_user("li")
    assert post(client, "/board/3/repeat").get_json()["said"] is False
    with db.transaction() as tx:
        say.to_station(
            tx, "3", "u1", "faults.silent", klass=kinds.CALLING, repeat_every_ms=5000,
            ward="3", bed="4",
        )  # fmt: skip
        before = tx.one("SELECT * FROM commands ORDER BY id DESC LIMIT 1")
    assert post(client, "/board/3/repeat").get_json()["said"] is True
    after = db.read().one("SELECT * FROM commands ORDER BY id DESC LIMIT 1")
    assert before is not None
    assert after is not None
    assert after["node"] == "3-station"
    old, new = json.loads(before["body"]), json.loads(after["body"])
    assert new["words"] == old["words"]
    assert new["repeat_every_ms"] is None
    assert new["utterance"] != old["utterance"]


def test_a_board_that_sounded_a_call_starts_its_first_clock(as_user: AsUser, db: Store) -> None:
    with db.transaction() as tx:
        mine = calls.open_call(tx, "3", "2", "nurse")
        other = calls.open_call(tx, "5", "2", "nurse")
    assert post(as_user("li"), "/board/3/heard", {"calls": [mine, other, 99]}).status_code == 200
    heard = {row["id"]: row["heard_ms"] for row in db.read().all("SELECT * FROM calls")}
    assert heard[mine] is not None
    assert heard[other] is None, "not on this board"


@pytest.mark.parametrize("body", [{"calls": "1"}, {"calls": ["1"]}, {"calls": [None]}])
def test_heard_refuses_what_is_no_list_of_calls(as_user: AsUser, body: Any) -> None:
    assert post(as_user("li"), "/board/3/heard", body).status_code == 400


# --- screens ---


@pytest.fixture
def screen(app: Flask, db: Store) -> tuple[FlaskClient, str]:
    """A screen of ward 3 that was opened by its token."""
    with db.transaction() as tx:
        token = people.make_screen(tx, "3", "counter", "admin")
    client = app.test_client()
    assert client.get(f"/board/kiosk?token={token}").location == "/board/3"
    return client, token


def test_a_screen_shows_its_board_and_nothing_else(
    screen: tuple[FlaskClient, str], app: Flask
) -> None:
    client, _ = screen
    page = client.get("/board/3")
    assert page.status_code == 200
    assert 'data-kiosk="yes"' in page.text
    assert "/infusions/new" not in page.text
    assert client.get("/").location == "/board/3"
    refused = ("/board/5", "/beds?ward=3", "/search?q=1", "/wards", "/me", "/calls", "/users")
    assert {path: client.get(path).status_code for path in refused} == dict.fromkeys(refused, 403)
    assert client.get("/board/stream?ward=5").status_code == 403


def test_a_screen_accepts_calls_of_its_ward_only(
    screen: tuple[FlaskClient, str], app: Flask, db: Store
) -> None:
    client, _ = screen
    with db.transaction() as tx:
        mine = calls.open_call(tx, "3", "2", "nurse")
        other = calls.open_call(tx, "5", "2", "nurse")
    assert post(client, f"/calls/{mine}/accept").status_code == 200
    assert post(client, f"/calls/{other}/accept").status_code == 403
    states = {row["id"]: row["state"] for row in db.read().all("SELECT * FROM calls")}
    assert states == {mine: calls_model.ACCEPTED, other: calls_model.OPEN}
    assert board(app, db)["calls"][0]["accepted_by"] == "counter"


def test_a_revoked_screen_goes_dark_at_once(
    screen: tuple[FlaskClient, str], as_user: AsUser, app: Flask
) -> None:
    client, token = screen
    admin = as_user("admin")
    admin.post("/screens/1/revoke", data={"csrf_token": token_of(admin, "/screens")})
    assert client.get("/board/3").status_code == 302
    answer = app.test_client().get(f"/board/kiosk?token={token}&lang=en")
    assert answer.status_code == 403
    assert "revoked" in answer.text
    with app.test_request_context():
        assert not login.still(login.Ticket("screen:1"))


def test_the_address_of_a_screen_is_shown_once_and_kept_as_a_hash(
    as_user: AsUser, app: Flask, db: Store
) -> None:
    admin = as_user("admin")
    form = {"ward": "3", "label": "counter", "csrf_token": token_of(admin, "/screens")}
    page = admin.post("/screens", data=form).text
    token = re.findall(r"token=([\w-]{20,})<", page)[0]
    assert token not in admin.get("/screens").text
    kept = dict(db.read().one("SELECT * FROM device_tokens"))  # type: ignore[arg-type]
    assert token not in str(kept)
    assert app.test_client().get(f"/board/kiosk?token={token}").location == "/board/3"
    assert app.test_client().get("/board/kiosk?token=").status_code == 403


# --- the live link, without a broker ---


@pytest.fixture
def live(store: Store) -> Any:
    made = Live(store, None)
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_ward(tx, "5", "五病区", "Ward 5")
    yield made
    made.close()


def test_all_who_watch_a_ward_share_one_reading_per_change(live: Live) -> None:
    readings: list[str] = []

    def read_board(tx: Tx) -> int:
        readings.append("3")
        return len(readings)

    assert [live.board("3", ("nurse", "zh"), read_board) for _ in range(3)] == ["1", "1", "1"]
    live.look_again({("5", "board")})
    assert live.board("3", ("nurse", "zh"), read_board) == "1", "nothing changed in ward 3"
    live.look_again({("3", "board")})
    assert live.board("3", ("nurse", "zh"), read_board) == "2"
    live.look_again({(HOSPITAL, "board")})
    assert live.board("3", ("nurse", "zh"), read_board) == "3"
    assert live.board("3", ("nurse", "en"), read_board) == "4", "another language is another board"


def test_heartbeats_and_commands_wake_no_board(live: Live) -> None:
    before = live.version("3")
    live.look_again({("3", "nodes"), ("3", "commands"), ("3", "timers")})
    assert live.version("3") == before


def test_a_commit_of_this_process_wakes_its_boards(live: Live, store: Store) -> None:
    before = live.version("3")
    with store.transaction() as tx:
        tx.changed("3", "board")
    assert live.wait("3", before, 0) != before


def test_the_beat_tells_whether_the_bridge_lives_and_can_store(
    live: Live, clock: FakeClock
) -> None:
    assert live.beat()["bridge"] is False, "never heard of it"
    live.beacon({"trouble": None})
    assert live.beat()["bridge"] is True
    clock.advance(BRIDGE_SILENT_MS + 1)
    assert live.beat()["bridge"] is False
    live.beacon({"trouble": "disk full"})
    assert live.beat()["trouble"] == "disk full"


def test_without_the_bridge_boards_are_read_anew_but_not_for_each_stream(
    live: Live, clock: FakeClock
) -> None:
    clock.advance(10_000)
    before = live.version("3")
    for _ in range(20):
        live.beat()
    assert live.version("3") == before + 1
