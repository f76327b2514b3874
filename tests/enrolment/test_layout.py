"""The demo by certificates: every program shows one, and only communicators have passwords."""

import json
from pathlib import Path

from central.clock import FakeClock
from central.enrolment import model
from central.store import Store
from provisioning.layout import Layout, demo_wards


def test_everybody_but_communicators_shows_a_certificate(tmp_path: Path) -> None:
    layout = Layout(tmp_path, demo_wards(with_communicator=True), 8080, tls=True)
    layout.write()
    shown = {"central": "central.json", "web": "web.json"}
    shown |= {node: f"nodes/{node}.json" for ward in layout.wards for node in ward.nodes}
    for name, path in shown.items():
        broker = json.loads((tmp_path / path).read_text())["broker"]
        if "communicator" in name:
            assert broker["port"] == layout.ports["plain-5"]
            assert broker["password"]
            continue
        assert "password" not in broker
        for file in broker["tls"].values():
            assert "BEGIN" in Path(file).read_text()
    hospital, ward = (
        (tmp_path / "brokers" / name / "mosquitto.conf").read_text()
        for name in ("hospital", "ward-3")
    )
    for text in (hospital, ward):
        assert text.count("listener ") == text.count("require_certificate true") == 1
        assert "password" not in text
    assert ward.count("bridge_certfile ") == ward.count("connection ") == 2
    store = Store(tmp_path / "wardline.db", FakeClock())
    for _ in range(2):  # a demo that goes on knows them already
        with store.transaction() as tx:
            layout.record_certificates(tx)
            assert [row["name"] for row in model.certificates(tx)] == [
                "3-box", "3-station", "5-box", "5-station",
            ]  # fmt: skip
    store.close()
    keys = list(tmp_path.rglob("*.key"))
    assert len(keys) > 10
    assert all(path.stat().st_mode & 0o077 == 0 for path in keys)
