"""Every route of the console as everybody: what each may do stands in one table."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask, url_for
from flask.testing import FlaskClient

from central.announcements import service as announcements
from central.calls import service as calls
from central.console import service as people
from central.faults import service as faults
from central.infusions import service as infusions
from central.store import Store
from tests.console.conftest import log_in

AsUser = Callable[[str], FlaskClient]

# Nurse, head nurse, duty manager, engineer, telephone and other administrator, registry clerk,
# technician of an examination room, screen of a ward and of such a room, nobody.
LETTERS = {
    "N": "li",
    "H": "wang",
    "D": "zhao",
    "E": "zhang",
    "T": "qian",
    "R": "sun",
    "A": "admin",
    "X": "chen",
    "S": "screen",
    "O": "room screen",
    "-": "",
}
STAFF, DECIDERS, NURSES, WATCHERS = "NHDA", "HDA", "NHA", "NHDEA"
MAY = {
    "GET proving.ward_book": "HDEA",
    "GET proving.book_pdf": "HDEA",
    "POST box_logs.ask": "EA",
    "GET box_logs.download": "EA",
    "GET box_logs.excerpt": "EA",
    "GET fleet.figures": "",  # without a key
    "GET fleet.index": "HDEA",
    "POST fleet.make_key": "EA",
    "POST fleet.revoke_key": "EA",
    "GET fleet.scrapers": "EA",
    "GET numbers.export": "TA",
    "GET numbers.index": "TA",
    "POST hours.add_days": "TA",
    "GET hours.days": "DTA",
    "GET hours.export": "DTA",
    "GET hours.index": "DTA",
    "GET hours.plan": "TA",
    "POST hours.plan": "TA",
    "POST hours.remove_day": "TA",
    "POST hours.remove_plan": "TA",
    "POST hours.take_in": "TA",
    "GET hospital.locations": "EA",
    "POST hospital.map_location": "EA",
    "GET hospital.message": "EA",
    "GET hospital.messages": "EA",
    "POST hospital.replay": "EA",
    "POST hospital.set_aside": "EA",
    "POST hospital.set_encoding": "EA",
    "POST hospital.unmap_location": "EA",
    "GET announcements.announcements": STAFF,
    "POST announcements.cancel": STAFF,
    "GET announcements.edit": STAFF,
    "POST announcements.edit": STAFF,
    "GET announcements.new": STAFF,
    "POST announcements.new": STAFF,
    "GET announcements.one": STAFF,
    "POST announcements.preview": STAFF,
    "GET announcements.table": STAFF,
    "GET announcements.volume": WATCHERS,
    "POST announcements.volume": WATCHERS,
    "GET announcements.volumes": WATCHERS,
    "GET audit.download": "A",
    "GET audit.page": "A",
    "GET beds.bed": WATCHERS,
    "GET beds.beds": WATCHERS,
    "GET board.alive": WATCHERS + "S",
    "GET board.board": WATCHERS + "S",
    "GET board.choose": WATCHERS,
    "POST board.heard": STAFF + "S",
    "GET board.kiosk": "",  # without a token
    "POST board.repeat": STAFF + "S",
    "GET board.stream": WATCHERS + "S",
    "POST broadcasts.allow": "A",
    "POST broadcasts.forbid": "A",
    "GET broadcasts.index": "DA",
    "GET broadcasts.one": "DA",
    "GET broadcasts.rights": "A",
    "POST broadcasts.set_group": "A",
    "GET call_records.export": "DTA",
    "GET call_records.index": "DTA",
    "GET call_records.one": "DTA",
    "GET call_records.rates": "A",
    "POST call_records.set_rate": "A",
    # An engineer, technical calls only.
    "POST calls.accept": STAFF + "SE",
    "GET calls.call": STAFF + "E",
    "GET calls.calls": STAFF,
    "POST calls.end": STAFF + "E",
    "POST calls.hand_over": STAFF,
    "POST calls.on_the_way": STAFF + "S",
    "POST console.add_user": "A",
    "GET console.all_wards": "HDEA",
    "POST console.disable": "A",
    "POST console.enable": "A",
    "GET console.health": "EA",
    "GET console.home": "TRX" + WATCHERS + "SO",
    "GET console.login": "TRX" + WATCHERS + "-",
    "POST console.login": "",  # without a password
    "POST console.logout": "",  # leads to the log-in
    "POST console.make_screen": "A",
    "GET console.me": "TRX" + WATCHERS,
    "POST console.me": "TRX" + WATCHERS,
    "POST console.password": "A",
    "POST console.revoke": "A",
    "GET console.screens": "A",
    "GET console.search": "TRX" + WATCHERS,
    "GET console.users": "A",
    "GET console.ward_page": "TRX" + WATCHERS,
    "POST directory.new": "TA",
    "GET directory.new": "TA",
    "POST directory.remove": "TA",
    "GET directory.thing": "TA",
    "POST directory.thing": "TA",
    "GET directory.things": "TA",
    "GET escalation.edit": DECIDERS,
    "GET escalation.policies": DECIDERS,
    "GET escalation.export": DECIDERS,
    "POST escalation.restore": DECIDERS,
    "POST escalation.save": DECIDERS,
    "POST escalation.take_in": DECIDERS,
    "GET exams.all_rooms": "EA",
    "POST exams.add_room": "EA",
    "POST exams.book": "XA",
    "POST exams.call_next": "XA",
    "POST exams.change_room": "EA",
    "POST exams.do": "XA",
    "GET exams.index": "XA",
    "POST exams.make_screen": "EA",
    "POST exams.map_code": "EA",
    "GET exams.one_room": "EA",
    "POST exams.remove_room": "EA",
    "POST exams.revoke_screen": "EA",
    "GET exams.room": "XA",
    # Whoever hangs the screen up may see what it shows.
    "GET exams.screen": "XEAO",
    "GET exams.screen_stream": "XEAO",
    "GET exams.stream": "XA",
    "POST exams.unmap_code": "EA",
    "POST faults.acknowledge": WATCHERS,
    "GET faults.export": WATCHERS,
    "GET faults.index": WATCHERS,
    "GET faults.nodes": WATCHERS,
    "GET faults.story": WATCHERS,
    "POST flows.check": "A",
    "GET flows.edit": "A",
    "GET flows.index": "A",
    "GET flows.new": "A",
    "POST flows.new": "A",
    "POST flows.remove": "A",
    "POST flows.save": "A",
    # Published, for editors of such documents.
    "GET flows.schema": "NHDETRAX-",
    "POST flows.telephone": "A",
    "POST flows.version": "A",
    "POST fees.alone": "RA",
    "POST fees.elsewhere": "RA",
    "GET fees.index": DECIDERS + "R",
    "GET fees.item": "A",
    "POST fees.item": "A",
    "GET fees.items": DECIDERS + "R",
    "GET fees.items_table": DECIDERS + "R",
    # A head nurse, patients of her ward only.
    "GET fees.lines": "DRA",
    "GET fees.new_item": "A",
    "POST fees.new_item": "A",
    "GET fees.new_rules": "A",
    "POST fees.new_rules": "A",
    "GET fees.patient": "DRA",
    "POST fees.put": "A",
    "POST fees.remove_item": "A",
    "POST fees.remove_rules": "A",
    "GET fees.rule_set": "A",
    "POST fees.rule_set": "A",
    "GET fees.rules": DECIDERS + "R",
    "GET setup.take_in": "ETA",
    "POST setup.take_in": "ETA",
    "POST setup.put": "ETA",
    "GET setup.empty": "ETA",
    "GET setup.example": "ETA",
    "GET fees.take_in": "A",
    "POST fees.take_in": "A",
    "POST information.add_section": "DTA",
    "GET information.entries": "DTRA",
    "GET information.entry": "DTRA",
    "POST information.entry": "DTRA",
    "GET information.name": "DTA",
    "POST information.name": "DTA",
    "GET information.new": "DTRA",
    "POST information.new": "DTRA",
    "GET information.public": "NHDETRAXSO-",
    "GET information.public_entry": "NHDETRAXSO-",
    "GET information.public_search": "NHDETRAXSO-",
    "GET information.public_section": "NHDETRAXSO-",
    "POST information.put": "DTRA",
    "POST information.remove": "DTRA",
    "POST information.remove_section": "DTA",
    "GET information.sections": "DTRA",
    "GET information.sound": "DTRA",
    "POST information.switch": "DTA",
    "GET information.table": "DTRA",
    "GET information.take_in": "DTRA",
    "POST information.take_in": "DTRA",
    "POST infusions.api_start": NURSES,
    "POST infusions.change": NURSES,
    # A key opens these, and no session.
    "GET his_api.openapi": "NHDETRAX-",
    "POST his_api.send": "",
    "GET his_api.state": "",
    "GET infusions.dressing": NURSES,
    "POST infusions.dressing": NURSES,
    "GET infusions.index": NURSES,
    "GET infusions.levels": NURSES,
    "GET infusions.new": NURSES,
    "POST infusions.new": NURSES,
    "GET infusions.next_bottle": NURSES,
    "POST infusions.next_bottle": NURSES,
    "GET infusions.one": NURSES,
    "POST infusions.order": NURSES,
    "GET infusions.preview": NURSES,
    "POST interfaces.believe": "EA",
    "GET interfaces.index": "EA",
    "POST interfaces.make_key": "EA",
    "POST interfaces.resend": "EA",
    "POST interfaces.revoke_key": "EA",
    "GET notices.index": STAFF,
    "POST notices.accept": STAFF,
    "GET live_calls.index": "TA",
    "GET patients.index": "RA",
    "GET patients.new": "RA",
    "POST patients.new": "RA",
    "GET patients.one": "RA",
    "POST patients.one": "RA",
    "POST patients.card": "RA",
    "POST patients.lost": "RA",
    "POST patients.pin": "RA",
    "POST patients.unlock": "RA",
    # A patient's own: no log-in of the staff opens them.
    "GET portal.fees": "",
    "GET portal.home": "",
    "GET portal.login": "NHDETRAXSO-",
    "POST portal.login": "",
    "POST portal.logout": "",
    "GET portal.queue": "",
    "GET proving.index": "HDEA",
    "POST proving.now": "EA",
    "GET proving.story": "HDEA",
    "GET left_messages.page": "DRA",
    "GET left_messages.sound": "DRA",
    "POST left_messages.done": "DRA",
    "POST left_messages.reopen": "DRA",
    "GET prompts.page": "A",
    "GET prompts.sound": "A",
    "POST prompts.code": "A",
    "POST prompts.confirm": "A",
    "POST prompts.remove": "A",
    "POST prompts.upload": "A",
    "GET recordings.index": "DA",
    "POST recordings.key": "A",
    "POST recordings.keep": "A",
    "POST recordings.add_rule": "A",
    "POST recordings.remove_rule": "A",
    "GET recordings.rules": "A",
    "GET recordings.sound": "DA",
    "GET updates.failure": "EA",
    "GET updates.index": "EA",
    "POST updates.end": "EA",
    "POST updates.resume": "EA",
    "POST updates.start": "EA",
    "POST updates.stop": "EA",
    "GET enrolment.index": "EA",
    "POST enrolment.make": "EA",
    "POST enrolment.replace": "EA",
    "POST enrolment.revoke": "EA",
    "POST enrolment.revoke_claim": "EA",
    "GET softphones.fetch": "",  # without a token
    "GET softphones.login": "TA",
    "POST softphones.password": "TA",
    "POST softphones.reveal": "TA",
    "GET telephone.index": "TA",
    "POST telephone.unlock": "TA",
    "POST virtual_ward.box": WATCHERS,
    "POST virtual_ward.bus": WATCHERS,
    "GET virtual_ward.choose": WATCHERS,
    "POST virtual_ward.operate": WATCHERS,
    "GET virtual_ward.page": WATCHERS,
    "GET virtual_ward.sound": WATCHERS,
    "POST virtual_ward.speed": WATCHERS,
    "GET virtual_ward.state": WATCHERS,
    # What is not one's own is not there.
    "POST voicemail.delete": "NHDETRAX",
    "GET voicemail.page": "NHDETRAX",
    "GET voicemail.sound": "NHDETRAX",
}
# Things that do not exist: who may not is told so before anything is looked up.
ARGUMENTS = {
    "ward": "3", "bed": "1", "name": "ghost", "node": "3-box", "what": "stop", "kind": "phones",
    "ref": "ghost", "device": "ghost", "token": "ghost", "fact": "stays", "patient": "ghost",
    "room": "ghost", "deed": "call",
}  # fmt: skip


@dataclass(frozen=True)
class Route:
    name: str
    method: str
    url: str


@pytest.fixture
def config(config: dict[str, Any], tmp_path: Any) -> dict[str, Any]:
    """As in the demo, whose virtual wards are routes, too; their panels are away."""
    away = {"controls": "http://127.0.0.1:9", "speech": []}
    speech = {"cache": str(tmp_path / "speech"), "url": "http://127.0.0.1:9"}
    return config | {"virtual": {"3": away, "5": away}, "speech": speech}


def routes(app: Flask) -> Iterator[Route]:
    """Every route but those of style sheets and pictures."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            if rule.endpoint.endswith("static"):
                continue
            given = {each: ARGUMENTS.get(each, 99) for each in rule.arguments}
            if rule.endpoint == "board.stream":
                given["ward"] = "3"
            with app.test_request_context():
                url = url_for(rule.endpoint, **given)
            yield Route(f"{method} {rule.endpoint}", method, url)


@pytest.fixture
def cookies(app: Flask, db: Store) -> dict[str, str]:
    """A session of each, by letter."""
    with db.transaction() as tx:
        tokens = {
            "screen": people.make_screen(tx, "3", "counter", "admin"),
            "room screen": people.make_screen(tx, None, "corridor", "admin", room="ghost"),
        }
    found = {}
    for letter, name in LETTERS.items():
        client = app.test_client()
        if name in tokens:
            client.get(f"/board/kiosk?token={tokens[name]}")
        elif name:
            log_in(client, name)
        cookie = client.get_cookie("wardline")
        found[letter] = cookie.value if cookie else ""
    return found


def knock(app: Flask, cookie: str, route: Route) -> int:
    """The status that an answer amounts to: being led to the log-in is 401."""
    client = app.test_client()
    if cookie:
        client.set_cookie("wardline", cookie)
    with client.open(route.url, method=route.method, json={} if route.method == "POST" else None,
                     headers={"Accept": "application/json"}) as answer:  # fmt: skip
        to_login = answer.headers.get("Location", "").startswith(("/login", "/my/login"))
        return 401 if to_login else answer.status_code


def test_everybody_may_what_the_table_says_and_nothing_else(
    app: Flask, cookies: dict[str, str]
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    found: dict[str, str] = {}
    for route in routes(app):
        # Logging out ends the session it is tried with: last, and each with a copy.
        if route.name == "POST console.logout":
            continue
        found[route.name] = ""
        for letter, cookie in cookies.items():
            status = knock(app, cookie, route)
            assert status < 500 or status in (502, 503), f"{route.name} as {letter}: {status}"
            if status not in (401, 403, 429):
                found[route.name] += letter
    expected = {name: set(may) for name, may in MAY.items() if name != "POST console.logout"}
    assert {name: set(may) for name, may in found.items()} == expected


def test_nothing_is_changed_without_the_forms_token(app: Flask, cookies: dict[str, str]) -> None:
    changing = [route for route in routes(app) if route.method != "GET"]
    # A key opens it and no session, so a page elsewhere cannot make a browser use it.
    changing = [route for route in changing if route.name != "POST his_api.send"]
    assert changing
    for route in changing:
        assert knock(app, cookies["A"], route) == 400, route.name
    client = app.test_client()
    client.set_cookie("wardline", cookies["A"])
    assert client.get("/me").status_code == 200, "not even a log-out"


def test_every_answer_carries_its_guard(app: Flask, cookies: dict[str, str]) -> None:
    client = app.test_client()
    for cookie in (cookies["A"], ""):
        if cookie:
            client.set_cookie("wardline", cookie)
        for path in ("/login", "/users", "/nothing", "/audit.csv", "/board/static/board.js"):
            with client.get(path) as answer:
                policy = answer.headers["Content-Security-Policy"]
                assert "default-src 'self'" in policy
                assert "frame-ancestors 'none'" in policy
                assert "unsafe" not in policy
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_nurse_and_a_screen_reach_nothing_of_another_ward(
    app: Flask, db: Store, cookies: dict[str, str]
) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    with db.transaction() as tx:
        call = calls.open_call(tx, "5", "1", "nurse")
        fault = faults.raise_fault(tx, ward="5", node="5-box", device="bed 1", code="silent")
        said = announcements.schedule(
            tx, ["5"], "请家属离开病房", "announcement", "admin", at_ms=tx.now_ms + 3_600_000
        )
        drip = infusions.start(
            tx, ward="5", bed="1", volume_ml=500, factor=20, gtt_per_min=40, by="admin"
        )
    paths = [
        f"GET /calls/{call}", f"POST /calls/{call}/accept", f"POST /calls/{call}/on-the-way",
        f"POST /calls/{call}/hand-over", f"POST /calls/{call}/end", "GET /calls?ward=5",
        "GET /calls?ward=5&format=csv", "GET /board/5", "GET /board/stream?ward=5",
        "GET /board/5/alive", "POST /board/5/heard", "POST /board/5/repeat", "GET /beds?ward=5",
        "GET /beds/5/1", "GET /ward/5", "GET /nodes/5-box", "GET /faults?ward=5",
        f"POST /faults/{fault}/acknowledge", f"GET /announcements/{said}",
        f"GET /announcements/{said}/edit", f"POST /announcements/{said}/edit",
        f"POST /announcements/{said}/cancel", "GET /announcements/volume/5",
        "POST /announcements/volume/5", f"GET /infusions/{drip}", "GET /infusions?ward=5",
        f"GET /infusions/levels?id={drip}", f"POST /infusions/{drip}/stop",
        f"POST /infusions/{drip}/pause", f"GET /infusions/{drip}/next",
        f"POST /infusions/{drip}/next", "GET /virtual/5", "GET /virtual/5/state",
        "POST /virtual/5/operate", "POST /virtual/5/bus",
        "POST /virtual/5/box",
    ]  # fmt: skip
    for letter in ("N", "S"):
        for path in paths:
            method, url = path.split(" ")
            assert knock(app, cookies[letter], Route(path, method, url)) == 403, (letter, path)
