"""The pages of spoken menus: what is refused keeps what was typed, and the running version."""

import re
from datetime import datetime
from typing import Any

import pytest
from flask.testing import FlaskClient

from central.clock import FakeClock
from central.console.context import Console
from central.flows import document, service
from central.store import Store
from tests.console.conftest import log_in
from tests.flows.test_versions import heard, menu

HOUR_MS = 3_600_000


@pytest.fixture
def admin(app: Any) -> FlaskClient:
    app.config["WTF_CSRF_ENABLED"] = False
    client: FlaskClient = app.test_client()
    assert log_in(client, "admin").status_code == 302
    return client


def save(admin: FlaskClient, text: str, **more: Any) -> Any:
    form = {"text": text, "based_on": 0, "action": "now"} | more
    return admin.post("/flows/fees", data=form)


def test_a_refused_text_stands_in_the_form_with_its_lines(admin: FlaskClient, db: Store) -> None:
    text = menu("fees", "words that I typed").replace("then: b", "then: c")
    answer = save(admin, text)
    assert answer.status_code == 400
    assert "words that I typed" in answer.text
    assert (
        'data-line="5">line 5</a> Step <code>a</code> leads (<code>then</code>) to <code>c</code>'
        in answer.text
    )
    assert service.current(db.read(), db.read().now_ms) == service.shipped()


def test_the_second_of_two_admins_sees_both_and_may_insist(admin: FlaskClient, db: Store) -> None:
    assert save(admin, menu("fees", "hers")).status_code == 302
    answer = save(admin, menu("fees", "mine"))
    assert answer.status_code == 409
    assert "admin saved version 1 meanwhile" in answer.text
    assert re.search(r'class="gone".*hers', answer.text)
    assert re.search(r'class="new".*mine', answer.text)
    assert "en: mine" in answer.text.split("<textarea", 1)[1].split("</textarea>")[0]
    based_on = re.search(r'name="based_on" value="(\d+)"', answer.text)
    assert based_on is not None
    assert save(admin, menu("fees", "mine"), based_on=based_on[1]).status_code == 302
    assert heard(db, "fees") == "mine"


def test_a_version_goes_live_at_a_time_of_the_hospital(
    admin: FlaskClient, db: Store, clock: FakeClock, app: Any
) -> None:
    console: Console = app.extensions["wardline"]
    soon = datetime.fromtimestamp((clock.now_ms() + HOUR_MS) / 1000, console.timezone)
    past = datetime.fromtimestamp((clock.now_ms() - HOUR_MS) / 1000, console.timezone)
    refused = save(admin, menu("fees", "x"), action="plan", at=f"{past:%Y-%m-%dT%H:%M}")
    assert "This time is past" in refused.text
    assert save(admin, menu("fees", "x"), action="plan", at="").status_code == 400
    text = menu("fees", "planned")
    assert save(admin, text, action="plan", at=f"{soon:%Y-%m-%dT%H:%M}").status_code == 302
    assert "Do not go live" in admin.get("/flows/fees").text
    clock.advance(HOUR_MS)
    assert heard(db, "fees") == "planned"


def test_versions_are_taken_back_and_brought_back(admin: FlaskClient, db: Store) -> None:
    save(admin, menu("fees", "first"))
    save(admin, menu("fees", "second"), based_on=1)
    assert "as version 3" in admin.post(
        "/flows/fees/versions/1/back", follow_redirects=True
    ).text  # fmt: skip
    assert heard(db, "fees") == "first"
    answer = admin.post("/flows/fees/versions/2/now", follow_redirects=True)
    assert "roll back to it" in answer.text
    assert admin.post("/flows/fees/versions/9/back").status_code == 404
    assert admin.post("/flows/fees/versions/1/other").status_code == 404


def test_a_new_menu_is_begun_gets_a_number_and_goes(admin: FlaskClient, db: Store) -> None:
    assert "small letters" in admin.post("/flows/new", data={"flow": "Visits"}).text
    assert admin.post("/flows/new", data={"flow": "visits"}).location == "/flows/visits"
    assert "Callers do not hear this menu yet." in admin.get("/flows/visits").text
    admin.post("/flows/visits/versions/1/now")
    assert "Menu: New menu" in admin.get("/directory/services/new").text
    answer = admin.post("/flows/visits/remove", follow_redirects=True)
    assert "The menu visits is removed." in answer.text
    assert admin.get("/flows/visits").status_code == 404


def test_a_version_that_cannot_be_used_is_told_in_the_list(admin: FlaskClient, db: Store) -> None:
    with db.transaction() as tx:
        service.model.add(tx, "fees", "flow: fees\n", "", "admin", tx.now_ms)
    page = admin.get("/flows").text
    assert "Version 1 of the menu fees cannot be used" in page
    assert "<code>title</code> is missing in <code>document</code>." in page


def test_a_telephone_says_what_is_typed_and_only_to_who_called(
    admin: FlaskClient, app: Any
) -> None:
    def do(**fields: str) -> Any:
        return admin.post("/flows/fees/telephone", data=fields).json

    begun = do(do="begin", lang="en", text=menu("fees", "typed just now"))
    assert begun["heard"][0] == {"lang": "en", "text": "typed just now"}
    assert begun["over"]
    wrong = do(do="begin", lang="en", text="flow: fees")
    assert "It cannot be tried yet: line 1" in wrong["heard"][0]["text"]
    begun = do(do="begin", lang="en", text=service.shipped_texts()["fees"])
    assert (begun["secret"], begun["step"]) == (True, "who")
    assert do(do="key", key="1", call=begun["call"])["secret"]
    assert do(do="key", key="1", call="another")["over"]


def test_the_schema_is_published(app: Any) -> None:
    assert app.test_client().get("/flows/schema.json").json == document.schema()
