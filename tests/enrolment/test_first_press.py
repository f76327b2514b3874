"""From nothing to a first press with a certificate of its own, out again, and another box proven in
its place, by real processes.

Broker, keeper, endpoint, bridge and box are the processes that a hospital runs.
"""

import json
import os
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from central.box_logs import model as log_rows
from central.box_logs import service as box_logs
from central.clock import SystemClock
from central.enrolment import model, service
from central.enrolment.settings import from_config
from central.proving import model as proving
from central.store import Row, Store
from central.wards import model as wards
from gateway.mqtt import claim, kinds, topics
from provisioning import mosquitto
from provisioning.endpoint import prepare
from provisioning.mosquitto import Broker, Identity
from tests import visitor
from tests.conftest import answers, free_port, wait_for
from tests.enrolment.certificates import LOOPBACK
from tests.enrolment.test_brokers import Client
from ward_node.cpython.enrolment import keys, renewing
from ward_node.cpython.enrolment.kept import CERTIFICATE, KEY, Kept

ROOT = Path(__file__).resolve().parents[2]
BOX = "3-box"


class Hospital:
    """Ward 3 of a hospital that has no box yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.panel = free_port()
        endpoint, broker, plain, speech = (free_port() for _ in range(4))
        config = {
            "database": str(folder / "wardline.db"),
            # The ward's broker is the hospital's, too: what lies between stands in another test.
            "broker": {
                "host": LOOPBACK, "port": plain, "username": "bridge", "password": "bridge's",
            },
            "mllp": {"host": LOOPBACK, "port": free_port()},
            "speech": {
                "host": LOOPBACK, "port": speech, "url": f"http://{LOOPBACK}:{speech}",
                "cache": str(folder / "speech"), "recorded": None, "piper": None,
            },
            "web": {}, "timezone": "Asia/Shanghai",
            "provisioning": {
                "folder": str(folder / "p"), "host": LOOPBACK, "port": endpoint,
                "address": f"https://{LOOPBACK}:{endpoint}/",
                "brokers": {"3": {"host": LOOPBACK, "port": broker}},
            },
        }  # fmt: skip
        (folder / "central.json").write_text(json.dumps(config))
        settings = from_config(config)
        assert settings is not None
        self.settings = settings
        clock = SystemClock()
        self.store = Store(folder / "wardline.db", clock)
        with self.store.transaction() as tx:
            wards.add_ward(tx, "3", "三病区", "Ward 3")
        authority = prepare.authority(settings, clock)
        tls = prepare.broker(authority, settings, "ward-3", (LOOPBACK,), clock)
        users = (mosquitto.bridge_user("bridge's"),)
        self.broker = Broker(folder / "b", broker, users, None, tls, plain)
        mosquitto.write(self.broker)
        self.start("broker", self.broker.command())
        self.start("endpoint", self._python("provisioning.endpoint", folder / "central.json"))
        wait_for(lambda: answers(broker) and answers(endpoint), "broker and endpoint")
        identity = prepare.identity(authority, settings, "ward-3", clock)
        keeper = {
            "folder": str(self.broker.folder), "port": broker,
            "endpoint": f"{settings.address}v1/access/3",
            "tls": {name: str(path) for name, path in vars(tls).items()},
            "identity": {name: str(path) for name, path in vars(identity).items()},
        }  # fmt: skip
        (folder / "keeper.json").write_text(json.dumps(keeper))

    def _python(self, module: str, config: Path) -> list[str]:
        return [sys.executable, "-P", "-m", module, "--config", str(config)]

    def start(self, name: str, command: list[str]) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def said(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()

    def station(self, folder: Path) -> Client:
        """The station of the ward, which hears all that is said there."""
        kept = self.enrol(folder, role="station", node="3-station", beds=(), config={})
        files = (kept.identity / name for name in (CERTIFICATE, KEY, "root.pem"))
        identity = Identity(*files)
        return Client(self.broker.port, "3-station", identity, identity.root).in_()

    def enrol(self, folder: Path, **more: Any) -> Kept:
        """By the claim and the command that the engineer is shown."""
        box = {
            "hardware": {"kind": "gpio", "beds": ["1"], "virtual": True},
            "speaker": {"kind": "recording", "folder": str(folder / "spoken")},
            "panel": {"host": LOOPBACK, "port": self.panel},
        }
        with self.store.transaction() as tx:
            given = {"role": "bedside", "node": BOX, "beds": ("1",), "config": box} | more
            key = self.settings.digest_key()
            made = service.make(tx, key, ward="3", by="zhang", **given)
        text = f"{self.settings.address}#{claim.write(made.secret, self.settings.fingerprint())}"
        command = [sys.executable, "-P", "-m", "ward_node.cpython.enrolment", "--claim", text,
                   "--folder", str(folder)]  # fmt: skip
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return Kept(folder)

    def box(self, name: str, kept: Kept) -> None:
        self.start(name, self._python("ward_node.cpython", kept.identity / "node.json"))
        wait_for(lambda: answers(self.panel), "the box's panel")

    def press(self) -> None:
        body = json.dumps({"bed": "1", "control": "press"}).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{LOOPBACK}:{self.panel}/operate", body, headers)
        urllib.request.urlopen(request).close()

    def end(self, name: str) -> None:
        process = self.processes.pop(name)
        process.terminate()
        process.wait()

    def close(self) -> None:
        for name in list(self.processes):
            self.end(name)
        self.store.close()


@pytest.fixture
def hospital(tmp_path: Path) -> Iterator[Hospital]:
    hospital = Hospital(tmp_path)
    yield hospital
    hospital.close()


def test_from_nothing_to_a_press_and_out_when_revoked_and_a_new_box_in_its_place(
    hospital: Hospital, tmp_path: Path
) -> None:
    first = hospital.enrol(tmp_path / "first")
    hospital.box("first", first)
    station = hospital.station(tmp_path / "station")
    try:
        event = topics.topic("3", BOX, topics.EVENT)
        station.subscribe(event)
        # The keeper is not there yet, so nobody knows the box: MQTT's answer is in its log.
        hospital.press()
        wait_for(lambda: "Not authorized" in hospital.said("first"), "the refusal in the box's log")
        assert "make a claim" in hospital.said("first")
        hospital.start("keeper", hospital._python("provisioning.keeper", tmp_path / "keeper.json"))
        # The press waited in the box.
        press = json.loads(wait_for(lambda: station.heard, "the press")[0][1])
        assert (press["type"], press["bed"]) == ("press", "1")

        _renews_itself(hospital, first)

        with hospital.store.transaction() as tx:
            assert service.revoke(tx, BOX, "zhang", "stolen") == 2
        said = f"revoked so far: {BOX}"
        wait_for(lambda: said in hospital.said("keeper"), "the keeper to end the session")
        wait_for(lambda: "refuses the certificate" in hospital.said("first"), "the box's log")
        hospital.end("first")

        second = hospital.enrol(tmp_path / "second")
        state = topics.topic("3", BOX, topics.STATE)
        station.subscribe(state)
        told = [payload for topic, payload in station.heard if topic == state]
        hospital.box("second", second)
        wait_for(
            lambda: any(
                topic == state and payload not in told and json.loads(payload)["state"] == "ready"
                for topic, payload in station.heard
            ),
            "the birth of the second box",
        )
        _proves_itself(hospital, station)
        heard = len(station.heard)
        hospital.press()
        wait_for(
            lambda: len(station.heard) > heard, "a press of the new box in the old one's place"
        )
        assert len(model.standing(hospital.store.read(), BOX)) == 1
    finally:
        station.close()


def _proves_itself(hospital: Hospital, station: Client) -> None:
    """Central hears the new box for the first time, and its bed proves at once that it can call."""
    hospital.start("bridge", hospital._python("central.bridge", hospital.folder / "central.json"))
    birth = {"state": kinds.READY, "session": 1, "versions": [1]}
    station.mqtt.publish(
        topics.topic("3", "3-station", topics.STATE), json.dumps(birth), 1, retain=True
    )
    beat = {"boot": 1, "uptime_ms": 1, "outbox": 0, "dropped": 0, "quarantined": 0}

    def proofs() -> list[Row]:
        station.mqtt.publish(topics.topic("3", "3-station", topics.HEARTBEAT), json.dumps(beat))
        rows = hospital.store.read().all("SELECT * FROM proofs WHERE by = 'zhang'")
        return [row for row in rows if row["result"] == proving.PROVEN]

    (proof,) = wait_for(proofs, "the proof of the new box's bed")
    assert (proof["bed"], proof["node"]) == ("1", BOX)
    with visitor.console(hospital.folder, SystemClock()) as app:
        visitor.hire(app, "zhang", "engineer")
        page = visitor.log_in(app, "zhang").get("/fleet").text
    line = page.partition(f'data-node="{BOX}"')[2].partition("</tr>")[0]
    assert "in contact" in line
    assert re.search(r"[\d.]+ (ms|s) ago</span><small>Bed 1</small>", line), line
    assert f"box={BOX}" in box_log(hospital)


def box_log(hospital: Hospital) -> str:
    """What the box logged, asked for as an engineer does."""
    with hospital.store.transaction() as tx:
        log = box_logs.ask(tx, BOX, "zhang", 200)

    def whole() -> bool:
        row = log_rows.one(hospital.store.read(), log)
        return row is not None and row["state"] == log_rows.WHOLE

    wait_for(whole, "the log of the box")
    return log_rows.text(hospital.store.read(), log)


def _renews_itself(hospital: Hospital, kept: Kept) -> None:
    """Through the endpoint that runs; the box takes the new one at its next connection."""
    _, begins, ends = keys.name_and_times(kept.read(CERTIFICATE))
    begins_ms, ends_ms = (int(each.timestamp() * 1000) for each in (begins, ends))
    assert not renewing.is_due(begins_ms, ends_ms, begins_ms + 243 * 86_400_000)
    assert renewing.is_due(begins_ms, ends_ms, begins_ms + 245 * 86_400_000)
    before = kept.read(CERTIFICATE)
    now_ms = SystemClock().real_ms()
    for central_ms, due in ((now_ms, False), (ends_ms - 1, True)):
        renewal = renewing.Renewal(kept, hospital.settings.address, lambda ms=central_ms: ms)
        assert renewal.due() == due
    renewal.renew()
    assert kept.read(CERTIFICATE) != before
