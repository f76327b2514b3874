"""The page of interfaces: what it shows is so, and its examples are taken."""

import json
import re
from datetime import datetime
from html import unescape
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from central.hospital import service as hospital
from central.polling import service as polling
from central.store import Store
from gateway.his import examples
from gateway.his.http.document import BASE
from gateway.his.http.schemas import SCHEMAS
from gateway.his.message import READERS, parse
from gateway.his.poller.settings import from_config
from tests.polling.conftest import CHARGES, STAYS, ZONE
from tests.visitor import token_of

PAGE = "/his/interfaces"


def make_key(engineer: FlaskClient, system: str = "HIS") -> Any:
    form = {"csrf_token": token_of(engineer, PAGE), "system": system}
    return engineer.post(f"{PAGE}/keys", data=form)


def key_in(page: str) -> str:
    found = re.search(r"data-key>([^<]+)<", page)
    assert found
    return found[1]


def texts(page: str) -> dict[str, str]:
    """The examples that the page shows, by their place."""
    return {
        id: unescape(text)
        for id, text in re.findall(r'<pre id="(text-[^"]+)"[^>]*>(.*?)</pre>', page, re.S)
    }


def test_a_key_is_shown_once_works_and_can_be_revoked(app: Flask, engineer: FlaskClient) -> None:
    made = make_key(engineer)
    key = key_in(made.text)
    assert key not in engineer.get(PAGE).text
    headers = {"Authorization": f"Bearer {key}"}
    assert app.test_client().get(f"{BASE}/messages/1", headers=headers).status_code == 404
    form = {"csrf_token": token_of(engineer, PAGE)}
    assert engineer.post(f"{PAGE}/keys/1/revoke", data=form).status_code == 302
    assert app.test_client().get(f"{BASE}/messages/1", headers=headers).status_code == 401
    assert "revoked by zhang" in engineer.get(PAGE).text


def test_a_system_without_a_name_is_refused_beside_its_field(engineer: FlaskClient) -> None:
    answer = make_key(engineer, "two words")
    assert answer.status_code == 400
    assert "Enter the system" in unescape(answer.text)
    assert 'value="two words"' in answer.text


def test_every_example_in_json_is_taken(app: Flask, db: Store, engineer: FlaskClient) -> None:
    page = make_key(engineer).text
    key = key_in(page)
    shown = texts(page)
    for kind in SCHEMAS:
        body = shown[f"text-{kind}-1"]
        curl = shown[f"text-{kind}-2"]
        headers = dict(re.findall(r"-H '([^:]+): ([^']+)'", curl))
        assert headers["Authorization"] == f"Bearer {key}"
        assert f"{BASE}/{kind}" in curl.split()[1]
        assert body in curl
        answer = app.test_client().post(f"{BASE}/{kind}", data=body.encode(), headers=headers)
        assert answer.status_code in (200, 202), (kind, answer.text)


def test_every_example_in_hl7_is_taken(db: Store, engineer: FlaskClient) -> None:
    shown = texts(engineer.get(PAGE).text)
    for kind, of in examples.EXAMPLES.items():
        for message in of:
            text = next(
                each
                for id, each in shown.items()
                if id.startswith(f"text-{kind}-") and f"|{message}" in each
            )
            raw = text.replace("\n", "\r").encode()
            parsed = parse(raw)
            assert parsed.refusal is None, f"{message}: {parsed.refusal}"
            (event,) = parsed.events
            assert (event.patient_id, event.visit) == ("P100234", "V20261129-7")
            with db.transaction() as tx:
                answer = hospital.take_message(tx, "10.1.2.3", raw, parsed, ZONE)
                row = tx.one("SELECT * FROM his_messages ORDER BY id DESC LIMIT 1")
            assert row is not None
            assert row["state"] in ("done", "waiting"), message
            assert "mistake" not in row["reason"], message
            assert answer is not None
            assert b"MSA|AA|" in answer


def test_the_state_of_a_database_and_a_held_picture_are_shown_and_believed(
    db: Store, engineer: FlaskClient
) -> None:
    assert "not read yet" in engineer.get(PAGE).text
    with db.transaction() as tx:
        polling.unwell(tx, "VIEW", "charges", "OperationalError: gone")
        source = from_config(
            {"polls": [{"name": "VIEW", "url": "sqlite://", "feeds": [STAYS, CHARGES]}]}
        )[0]
        row = {"PAT_NO": "1", "VISIT_NO": "1", "NAME": "a", "SEX": "1", "WARD": "3", "BED": "1"}
        now = datetime(2026, 11, 29, 10)
        picture = [row | {"VISIT_NO": str(n)} for n in range(3)]
        polling.take_picture(tx, source, source.feeds[0], picture, now, ZONE)
        polling.take_picture(tx, source, source.feeds[0], [], now, ZONE)
    page = engineer.get(PAGE).text
    assert "OperationalError: gone" in page
    assert "3 patients vanished at once" in page
    form = {"csrf_token": token_of(engineer, PAGE), "source": "VIEW", "feed": "stays"}
    assert engineer.post(f"{PAGE}/believe", data=form).status_code == 302
    assert "The next reading is taken as it is." in engineer.get(PAGE).text
    assert engineer.post(f"{PAGE}/believe", data=form | {"feed": "x"}).status_code == 404


def test_addresses_are_those_of_the_configuration(engineer: FlaskClient) -> None:
    page = engineer.get(PAGE).text
    assert "localhost:2575" in page
    assert "10.1.2.0/24" in page
    assert f"http://localhost{BASE}" in page
    json.loads(texts(page)["text-stays-1"])


def test_there_is_an_example_of_each_message_that_is_read() -> None:
    shown = {each for of in examples.EXAMPLES.values() for each in of}
    assert shown == {f"{type}^{event}" for type, events in READERS.items() for event in events}
