"""A ward's broker comes to its place by a claim: what it is given, and what it is not."""

import dataclasses
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from central.enrolment import brokers, model, service
from central.errors import FieldError
from provisioning import ward_broker
from provisioning.authority import requests
from tests.enrolment.test_endpoint import Centre
from ward_node.cpython.enrolment import asking
from ward_node.cpython.enrolment.core import EnrolmentRefusedError
from ward_node.cpython.enrolment.kept import CERTIFICATE, KEY, Kept
from ward_node.cpython.enrolment.renewing import Renewal, RenewalFailedError

HOST = "10.0.3.2"
FILES = {CERTIFICATE: "ward-3", "events.pem": "ward-3-events", "server.pem": "ward-3-broker"}


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    centre = Centre(tmp_path)
    yield centre
    centre.close()


def claim(centre: Centre, **more: Any) -> tuple[str, str]:
    given = {"ward": "3", "host": HOST, "by": "zhang"} | more
    with centre.store.transaction() as tx:
        made = brokers.make(tx, centre.settings.digest_key(), **given)
    assert made.is_broker
    return made.secret, centre.settings.fingerprint()


def certificate(kept: Kept, file: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate(kept.read(file))


def own(kept: Kept, file: str = CERTIFICATE) -> tuple[str, str]:
    return str(kept.identity / file), str(kept.identity / KEY)


def ended(centre: Centre, ward: str | None) -> set[str]:
    return set(service.access(centre.store.read(), ward)["ended"].values())


def test_one_key_three_certificates_and_the_ward_is_told_where_it_is(
    centre: Centre, tmp_path: Path
) -> None:
    kept = centre.enrol(tmp_path / "broker", *claim(centre, port=8886))
    keys = set()
    for file, name in FILES.items():
        found = certificate(kept, file)
        keys.add(requests.key_id(found.public_key()))  # type: ignore[arg-type]
        assert found.subject.rfc4514_string() == f"CN={name}"
        (usage,) = found.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        server = file == "server.pem"
        wanted = ExtendedKeyUsageOID.SERVER_AUTH if server else ExtendedKeyUsageOID.CLIENT_AUTH
        assert usage == wanted
        if server:
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
            assert [str(each.value) for each in names] == [HOST]
    assert len(keys) == 1
    told = kept.node()
    assert told["broker"] == {"host": HOST, "port": 8886}
    assert told["hospital"] == {"host": "127.0.0.1", "port": 2}
    # Its keeper may ask for its own ward, and for nobody else's.
    assert centre.get("v1/access/3", own(kept))[0] == 200
    for other in ("5", "hospital"):
        assert centre.get(f"v1/access/{other}", own(kept))[1]["error"] == "not-yours"
    assert centre.get("v1/access/3", own(kept, "events.pem"))[1]["error"] == "not-yours"
    # central.json says another place; who came by a claim knows better.
    box = centre.enrol(tmp_path / "box", *centre.claim())
    assert box.node()["broker"]["port"] == 8886


def test_its_files_are_mosquittos_and_stay_as_the_keeper_left_them(
    centre: Centre, tmp_path: Path
) -> None:
    folder = tmp_path / "broker"
    centre.enrol(folder, *claim(centre))
    made = ward_broker.prepare(folder)
    text = made.config_file.read_text()
    assert "listener 8883 0.0.0.0" in text
    assert text.count("address 127.0.0.1:2\n") == text.count("bridge_certfile ") == 2
    assert f"certfile {folder / 'identity/server.pem'}" in text
    assert str(folder / "identity/events.pem") in text
    keeper = json.loads((folder / "mosquitto/keeper.json").read_text())
    assert keeper["endpoint"] == f"{centre.address}v1/access/3"
    rules, revoked = folder / "mosquitto/acl-certificates", folder / "mosquitto/revoked.pem"
    for path in (rules, revoked, folder / "mosquitto/access.json"):
        path.write_text("the keeper's")
    ward_broker.prepare(folder)
    assert rules.read_text() == revoked.read_text() == "the keeper's"


def test_a_new_one_takes_the_place_over_and_the_old_one_is_put_out_everywhere(
    centre: Centre, tmp_path: Path
) -> None:
    first = centre.enrol(tmp_path / "first", *claim(centre))
    lost, fingerprint = claim(centre)
    second = centre.enrol(tmp_path / "second", *claim(centre))
    # The claim in between was taken back by the one after it.
    with pytest.raises(EnrolmentRefusedError, match="taken back"):
        centre.enrol(tmp_path / "third", lost, fingerprint)
    for ward in (None, "3", "5"):
        assert ended(centre, ward) == set(FILES.values())
    assert centre.get("v1/access/3", own(first))[1]["error"] == "certificate-revoked"
    assert centre.get("v1/access/3", own(second))[0] == 200
    with centre.store.transaction() as tx:
        assert service.revoke(tx, "ward-3", "zhang", "stolen") == 3
    assert centre.get("v1/access/3", own(second))[1]["error"] == "certificate-revoked"


def test_an_answer_that_was_lost_is_given_again_and_renewal_gives_all_three(
    centre: Centre, tmp_path: Path
) -> None:
    secret, fingerprint = claim(centre)
    lost: list[int] = []

    def send(ask: Any) -> Any:
        answer = asking.send(centre.address, ask)
        if ask.path == "v1/enrol" and not lost:
            lost.append(1)
            raise OSError("the line was cut")
        return answer

    kept = centre.enrol(tmp_path / "broker", secret, fingerprint, send=send)
    assert len(model.given(centre.store.read(), 1)) == 3
    before = {file: certificate(kept, file) for file in FILES}
    key = kept.read(KEY)
    Renewal(kept, centre.address, lambda: None).renew()
    for file, old in before.items():
        new = certificate(kept, file)
        assert new.subject == old.subject
        assert new.extensions.get_extension_for_class(x509.ExtendedKeyUsage) == (
            old.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
        )
        assert new.serial_number != old.serial_number
    assert kept.read(KEY) != key
    # The connection for events is not who renews: it would get the place of the whole.
    (kept.identity / CERTIFICATE).write_bytes(kept.read("events.pem"))
    with pytest.raises(RenewalFailedError):
        Renewal(kept, centre.address, lambda: None).renew()


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("ward", {"ward": "9"}),
        ("ward", {"ward": "3-events"}),
        ("host", {"host": ""}),
        ("host", {"host": "10.0.3.2:8883"}),
        ("host", {"host": "a\nlistener 1"}),
        ("port", {"port": 0}),
        ("lasts", {"lasts_ms": 1}),
    ],
)
def test_a_claim_that_would_not_work_is_not_made(
    centre: Centre, field: str, more: dict[str, Any]
) -> None:
    with centre.store.transaction() as tx:
        service.wards.add_ward(tx, "3-events", "三", "Three")
    with pytest.raises(FieldError) as refused:
        claim(centre, **more)
    assert refused.value.field == field
    without = dataclasses.replace(centre.settings, hospital_port=None)
    with pytest.raises(FieldError):
        brokers.ensure_possible(without)


def test_what_is_not_told_whole_is_not_kept(centre: Centre, tmp_path: Path) -> None:
    def spoiled(name: str, value: Any, ask: Any) -> Any:
        status, body = asking.send(centre.address, ask)
        if ask.path == "v1/enrol":
            body = json.dumps(json.loads(body) | {name: value}).encode()
        return status, body

    secret, fingerprint = claim(centre)
    other = centre.enrol(tmp_path / "box", *centre.claim()).read(CERTIFICATE).decode()
    for name, value in (("server", other), ("clients", None), ("hospital", {"host": HOST})):
        with pytest.raises(Exception, match=r"another key|does not tell"):
            centre.enrol(
                tmp_path / "broker", secret, fingerprint, send=partial(spoiled, name, value)
            )
    assert not Kept(tmp_path / "broker").is_enrolled
    assert centre.enrol(tmp_path / "broker", secret, fingerprint).is_enrolled
