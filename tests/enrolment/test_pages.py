"""The engineer's page, and the command line."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from central.clock import SystemClock
from central.enrolment import brokers, model
from central.enrolment.settings import from_config
from central.store import Store
from gateway.mqtt import claim
from provisioning import cli, nodes
from provisioning.endpoint import prepare
from tests.console.conftest import token_of

AsUser = Callable[[str], FlaskClient]
ADDRESS = "https://10.0.0.5:8884/"


@pytest.fixture
def config(config: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """With an authority."""
    made = config | {
        "provisioning": {"folder": str(tmp_path / "p"), "port": 8884, "address": ADDRESS}
    }
    settings = from_config(made)
    assert settings is not None
    prepare.authority(settings, SystemClock())
    return made


def post(client: FlaskClient, path: str, **form: str) -> Any:
    return client.post(path, data={"csrf_token": token_of(client, "/enrolment"), **form})


def test_an_engineer_makes_a_claim_that_is_shown_once(as_user: AsUser, db: Store) -> None:
    client = as_user("zhang")
    page = post(client, "/enrolment/claims", ward="3", role="bedside", beds="91, 92", lasts="24")
    found = re.search(r"data-claim>([0-9A-Z-]+)<", page.text)
    assert found is not None
    assert claim.read(found[1])[0] == ""
    assert f"{ADDRESS}#{found[1]}" in page.text
    assert "data:image/svg" in page.text
    again = client.get("/enrolment").text
    assert found[1] not in again
    (row,) = model.claims(db.read())
    assert row["made_by"] == "zhang"
    assert f'data-claim="{row["id"]}"' in again
    gone = post(client, f"/enrolment/claims/{row['id']}/revoke")
    assert gone.status_code == 302
    assert model.claims(db.read())[0]["revoked_by"] == "zhang"


def test_what_is_wrong_is_said_at_its_field(as_user: AsUser) -> None:
    client = as_user("zhang")
    page = post(client, "/enrolment/claims?lang=en", ward="3", role="station", beds="1")
    assert page.status_code == 400
    assert "A station has no beds" in page.text


def test_without_an_authority_the_page_says_so(
    as_user: AsUser, config: dict[str, Any], tmp_path: Path
) -> None:  # fmt: skip
    client = as_user("zhang")
    (tmp_path / "p" / "authority" / "root.pem").unlink()
    assert "cannot be enrolled yet" in client.get("/enrolment?lang=en").text
    assert post(client, "/enrolment/claims", ward="3", role="station").status_code == 409


def test_the_command_line_does_the_same(
    db: Store, config: dict[str, Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    path = tmp_path / "central.json"
    settings = {key: value for key, value in config.items() if key != "clock"}
    settings |= {"broker": {}, "mllp": {}, "speech": {}}
    path.write_text(json.dumps(settings))

    def run(*words: str) -> tuple[int, str]:
        out = io.StringIO()
        given = cli.parse(["node", *words, "--config", str(path)])
        return nodes.main(given, out), out.getvalue()

    code, said = run("add", "--ward", "3", "--role", "bedside", "--beds", "91,92")
    assert code == 0
    found = re.search(r"wardline-enrol '(\S+)'", said)
    assert found is not None
    assert claim.read(found[1])[0] == ADDRESS
    assert run("add", "--ward", "99", "--role", "station")[0] == 1
    assert run("revoke", "3-nobody")[0] == 1
    told = capsys.readouterr().err
    assert "--ward: There is no such ward" in told
    assert "3-nobody has no certificate" in told


def test_a_ward_s_broker_has_a_claim_and_another_for_who_takes_its_place(
    as_user: AsUser, db: Store, config: dict[str, Any]
) -> None:  # fmt: skip
    client = as_user("zhang")
    form = {"ward": "3", "role": "broker", "host": "10.0.3.2", "lasts": "24"}
    refused = post(client, "/enrolment/claims?lang=en", **form)
    assert "provisioning.hospital" in refused.text
    config["provisioning"]["hospital"] = {"port": 8883}
    assert "an address such as 10.0.3.2" in (
        post(client, "/enrolment/claims?lang=en", **(form | {"host": ""})).text
    )
    page = post(client, "/enrolment/claims", **form)
    assert "wardline-enrol --broker" in page.text
    (row,) = model.claims(db.read())
    with db.transaction() as tx:
        brokers.came(tx, row)
    page = post(client, "/enrolment/boxes/ward-3/replace")
    assert "wardline-enrol --broker" in page.text
    assert json.loads(model.claims(db.read())[0]["config"]) == {"host": "10.0.3.2", "port": 8883}
