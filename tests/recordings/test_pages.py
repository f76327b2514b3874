"""Recordings are heard by who may, from any place in them, and each listening is told."""

import math
import wave
from array import array
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, Response, sync_playwright

from central.call_records import service as call_records
from central.clock import FakeClock
from central.recordings import model, service
from central.store import Store
from central.telephone.settings import as_config
from gateway.telephone.exchange import Exchange, Ports
from gateway.telephone.files.recording import BY_EXCHANGE
from tests.browser import ARGUMENTS, WAIT_MS
from tests.call_records.conftest import build, written
from tests.conftest import chromium
from tests.console.conftest import PASSWORD
from tests.console.site import Site
from tests.visitor import token_of

AsUser = Callable[[str], FlaskClient]
SECONDS = 1200


def recording(folder: Path, name: str) -> Path:
    """A sound that rises, so that each place in it is told from others; 8 kHz."""
    path = folder / BY_EXCHANGE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        period = array("h", (round(9000 * math.sin(math.tau * each / 80)) for each in range(8000)))
        file.writeframes(period.tobytes() * SECONDS)
    return path


def exchange(folder: Path) -> dict[str, Any]:
    """The configuration of one that is not there; its recordings are."""
    return as_config(Exchange(Ports(sip=1, ari=1, rtp=1), "none"), folder)


def recorded(store: Store, path: Path) -> int:
    with store.transaction() as tx:
        build(tx)
        rule = service.add_rule(tx, extension="8003", keep_days=30)
        events = written("passed_on")
        call_records.take(tx, events, {})
        bytes = path.stat().st_size
        id = service.found(
            tx, file=path.name, folder=BY_EXCHANGE, rule=rule, channel=events[0].unique,
            started_ms=events[0].at_us // 1000, length_ms=SECONDS * 1000, bytes=bytes,
        )  # fmt: skip
    assert id is not None
    return id


@pytest.fixture
def config(tmp_path: Path, clock: FakeClock) -> dict[str, Any]:
    clock.value_ms = 1_795_902_600_000
    return {
        "database": str(tmp_path / "wardline.db"), "broker": None, "clock": clock,
        "timezone": "Asia/Shanghai", "virtual": None, "exchange": exchange(tmp_path),
        "web": {"host": "127.0.0.1", "port": 0, "secret_file": str(tmp_path / "secret")},
    }  # fmt: skip


@pytest.fixture
def db(app: Flask) -> Store:
    store: Store = app.extensions["wardline"].store
    return store


def listened(store: Store) -> list[tuple[Any, ...]]:
    rows = store.read().all(
        "SELECT who, ref, detail FROM audit WHERE what = 'recording.listen' ORDER BY id"
    )
    return [tuple(row) for row in rows]


def test_a_part_is_sent_when_a_part_is_asked_for_and_each_listening_is_told_once(
    db: Store,
    as_user: AsUser,
    tmp_path: Path,
    clock: FakeClock,
) -> None:
    path = recording(tmp_path, "rule-3-1.wav")
    id = recorded(db, path)
    client = as_user("zhao")
    address = f"/recordings/{id}/sound.wav"
    with client.get(address) as whole:
        assert (whole.status_code, whole.data) == (200, path.read_bytes())
        assert whole.headers["Accept-Ranges"] == "bytes"
    with client.get(address, headers={"Range": "bytes=1000-1999"}) as part:
        assert (part.status_code, part.data) == (206, path.read_bytes()[1000:2000])
    assert client.get(address, headers={"Range": "bytes=99999999-"}).status_code == 416
    told = ("zhao", f"recording/{id}", '{"address": "127.0.0.1"}')
    assert listened(db) == [told]
    clock.advance(service.ONE_LISTENING_MS)
    client.get(address, headers={"Range": "bytes=5000-"}).close()
    assert listened(db) == [told, told]
    as_user("admin").get(address).close()
    assert [who for who, _, _ in listened(db)] == ["zhao", "zhao", "admin"]
    assert as_user("li").get(address).status_code == 403
    assert as_user("zhang").get(address).status_code == 403
    page = client.get("/recordings?extension=8104&lang=en").text
    assert address in page
    assert address not in client.get("/recordings?extension=8999").text
    assert address in client.get("/call-records/1").text


def test_what_is_deleted_is_heard_no_more_and_the_call_says_so(
    db: Store,
    as_user: AsUser,
    tmp_path: Path,
) -> None:
    path = recording(tmp_path, "rule-3-1.wav")
    id = recorded(db, path)
    row = model.one(db.read(), id)
    assert row is not None
    with db.transaction() as tx:
        service.deleted(tx, row)
    client = as_user("zhao")
    assert client.get(f"/recordings/{id}/sound.wav").status_code == 404
    assert "its days were over" in client.get("/call-records/1?lang=en").text
    assert listened(db) == []


def test_rules_are_made_changed_and_taken_away(db: Store, as_user: AsUser) -> None:
    with db.transaction() as tx:
        build(tx)
    client = as_user("admin")
    token = {"csrf_token": token_of(client, "/recordings/rules")}
    for wrong, words in (
        ({"keep_days": "30"}, "Say which calls"),
        ({"keep_days": "30", "extension": "8999"}, "There is no extension 8999"),
        ({"keep_days": "0", "extension": "8003"}, "This must be 1 to 3650"),
        ({"keep_days": "x", "direction": "inward"}, "This must be 1 to 3650"),
        ({"keep_days": "30", "direction": "sideways"}, "Choose a direction"),
        ({"keep_days": "30", "rights": "nobody"}, "There is no such permission class"),
    ):
        answer = client.post("/recordings/rules?lang=en", data=token | wrong)
        assert answer.status_code == 400
        assert words in answer.text
    good = {"keep_days": "30", "extension": "8003", "direction": "inward"}
    assert client.post("/recordings/rules", data=token | good).status_code == 302
    (rule,) = model.rules(db.read())
    (told,) = model.wanted(db.read())
    assert (told.id, told.extension, told.direction) == (rule["id"], "8003", "inward")
    keep = f"/recordings/rules/{rule['id']}/keep"
    assert client.post(keep, data=token | {"keep_days": "7"}).status_code == 302
    assert client.post(keep, data=token | {"keep_days": "-7"}).status_code == 400
    assert model.rules(db.read())[0]["keep_days"] == 7
    assert not model.by_key(db.read())
    client.post("/recordings/key", data=token | {"on": "1"})
    assert model.by_key(db.read())
    assert "Bar the key" in client.get("/recordings/rules").text
    client.post(f"/recordings/rules/{rule['id']}/remove", data=token)
    assert model.wanted(db.read()) == ()
    assert client.post("/recordings/rules/1/remove", data=token).status_code == 400
    assert client.post("/recordings/rules/99/remove", data=token).status_code == 404


@pytest.fixture
def page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        opened = running.new_page()
        opened.set_default_timeout(WAIT_MS)
        yield opened
        running.close()


def test_a_browser_plays_from_any_place(tmp_path: Path, broker: int, page: Page) -> None:
    path = recording(tmp_path, "rule-3-1.wav")
    site = Site(tmp_path, broker, exchange=exchange(tmp_path))
    try:
        recorded(site.store, path)
        page.goto(f"http://127.0.0.1:{site.port}/login?lang=en")
        page.fill("#name", "admin")
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url("**/health")
        page.goto(f"http://127.0.0.1:{site.port}/call-records/1")
        answers: list[Response] = []
        page.on("response", lambda each: answers.append(each) if "sound" in each.url else None)
        # Silent, so that the browser needs no click first.
        duration = page.eval_on_selector(
            "audio",
            """async (audio) => {
                const told = (what) => new Promise((done, failed) => {
                    audio.addEventListener(what, done, {once: true});
                    audio.addEventListener("error", failed, {once: true});
                });
                audio.muted = true;
                const playing = told("playing");
                await audio.play();
                await playing;
                return audio.duration;
            }""",
        )
        assert duration == pytest.approx(SECONDS, abs=0.1)
        reached = page.eval_on_selector(
            "audio",
            """async (audio, to) => {
                const sought = new Promise((done) => audio.addEventListener("seeked", done));
                // So that it stands still until we have looked where it is.
                audio.pause();
                audio.currentTime = to;
                await sought;
                const from = audio.currentTime;
                const further = new Promise((done) => audio.addEventListener("timeupdate", () => {
                    if (audio.currentTime > from) done();
                }));
                await audio.play();
                await further;
                return from;
            }""",
            SECONDS - 20,
        )
        assert reached == pytest.approx(SECONDS - 20, abs=0.5)
        begins = {each.headers.get("content-range", "").split("-")[0] for each in answers}
        assert {each.status for each in answers} == {206}
        assert len(begins) > 1, "the place that was sought was asked for by itself"
        assert [who for who, _, _ in listened(site.store)] == ["admin"]
    finally:
        site.close()
