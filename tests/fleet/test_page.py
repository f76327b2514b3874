"""The page of the fleet, and the figures that a scraper reads."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from prometheus_client.parser import text_string_to_metric_families

from central.clock import FakeClock
from central.enrolment.settings import from_config
from central.faults import service as faults
from central.fleet import service
from central.store import Store, Tx
from provisioning.endpoint import prepare
from tests import visitor
from tests.calls.ward import build
from tests.proving.conftest import Proved

DAY_MS = 24 * 3_600_000
ADDRESS = "https://10.0.0.5:8884/"


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock) -> Iterator[Flask]:
    """With an authority, so that boxes can be replaced."""
    given = {"folder": str(tmp_path / "p"), "port": 8884, "address": ADDRESS}
    settings = from_config({"database": str(tmp_path / "wardline.db"), "provisioning": given})
    assert settings is not None
    prepare.authority(settings, clock)
    with visitor.console(tmp_path, clock, provisioning=given) as made:
        build(visitor.store_of(made))
        for name, role, ward in (
            ("eng", "engineer", None), ("head", "head_nurse", "3"), ("li3", "nurse", "3"),
        ):  # fmt: skip
            visitor.hire(made, name, role, ward)
        yield made


@pytest.fixture
def db(app: Flask) -> Store:
    return visitor.store_of(app)


def health(tx: Tx, node: str, **told: object) -> None:
    tx.execute("UPDATE nodes SET health = ?, firmware = '1.4.0' WHERE id = ?",
               (json.dumps(told), node))  # fmt: skip


def certify(tx: Tx, node: str, ends_in_ms: int, revoked: bool = False) -> None:
    now_ms = tx.clock.real_ms()
    tx.insert(
        "certificates", serial=f"a{node}", name=node, ward="3", key_id="k", chain="",
        begins_ms=now_ms + ends_in_ms - 365 * DAY_MS, ends_ms=now_ms + ends_in_ms, issued_ms=now_ms,
        revoked_ms=now_ms if revoked else None,
    )  # fmt: skip


def line(page: str, node: str) -> str:
    return page.split(f'data-node="{node}"')[1].split("</tr>")[0]


def test_each_box_stands_on_a_line_and_what_deserves_a_look_comes_first_and_is_marked(
    app: Flask, db: Store, clock: FakeClock
) -> None:
    with db.transaction() as tx:
        for node in ("3-bedside", "3-station", "5-bedside", "5-station"):
            health(tx, node, temperature_c=48, disk_free_pct=61, disk_free_mb=18_432,
                   clock_behind_ms=12, has_clock=True)  # fmt: skip
            certify(tx, node, (50 if node == "5-station" else 300) * DAY_MS)
        health(tx, "5-bedside", temperature_c=81, disk_free_pct=1, disk_free_mb=200,
               clock_behind_ms=-180_000, has_clock=True)  # fmt: skip
        faults.raise_fault(tx, ward="5", node="5-station", device="x", code="hot")
    page = visitor.log_in(app, "eng").get("/fleet?lang=en").text
    order = [part.split('"')[0] for part in page.split('data-node="')[1:]]
    assert order == ["5-bedside", "5-station", "3-bedside", "3-station"]
    well, ill, other = (line(page, each) for each in ("3-bedside", "5-bedside", "5-station"))
    assert "marked" not in well
    for words in ("48 °C", "61 %", "18.0 GB", ">right<", "1.4.0", "not proved yet"):
        assert words in well
    for words in ("81 °C", "3 min fast", "0.2 GB"):
        assert words in ill
    assert ill.count("marked") == 3
    assert other.count("marked") == 2, "a fault, and a certificate that was not renewed in time"
    assert 'data-total="temperature"' in page
    assert 'data-total="away"' not in page


def test_it_says_which_bed_was_proved_longest_ago_and_who_is_away(
    app: Flask, db: Store, clock: FakeClock
) -> None:
    ward = Proved(db, clock)
    for bed in "1234":
        ward.prove(bed)
        ward.carry_out()
        clock.value_ms += 60_000
    with db.transaction() as tx:
        tx.execute("UPDATE nodes SET state = 'lost' WHERE id = '3-station'")
    page = visitor.log_in(app, "head").get("/fleet?lang=zh").text

    assert "4分前" in line(page, "3-bedside")
    assert "1 床" in line(page, "3-bedside")
    assert page.index('data-node="3-station"') < page.index('data-node="3-bedside"')
    assert "5-bedside" not in page, "of another ward"
    (box,) = [each for each in service.boxes(db.read(), "3") if each.row["id"] == "3-bedside"]
    assert box.oldest is not None
    assert (box.oldest.bed, box.oldest.ago_ms) == ("1", 4 * 60_000)
    clock.value_ms += 2 * DAY_MS
    (box,) = [each for each in service.boxes(db.read(), "3") if each.row["id"] == "3-bedside"]
    assert service.UNPROVEN in box.marks


def test_replacing_a_box_is_one_click_for_an_engineer_only(app: Flask, db: Store) -> None:
    engineer, head = visitor.log_in(app, "eng"), visitor.log_in(app, "head")
    there = "/enrolment/boxes/3-bedside/replace"
    for path in ("/fleet", "/nodes/3-bedside"):
        assert there in engineer.get(path).text
        assert there not in head.get(path).text
    page = engineer.post(there, data={"csrf_token": visitor.token_of(engineer, "/fleet")})
    assert "data-claim>" in page.text
    assert 'data-node="3-bedside"' in page.text


def test_a_scraper_reads_the_figures_with_its_key_until_it_is_revoked(
    app: Flask, db: Store, clock: FakeClock
) -> None:
    engineer = visitor.log_in(app, "eng")

    def make(label: str) -> str:
        form = {"csrf_token": visitor.token_of(engineer, "/fleet/scrapers"), "label": label}
        return engineer.post("/fleet/scrapers?lang=en", data=form).text

    assert "letters, digits" in make("my scraper!")
    key = make("prometheus").split("data-key>")[1].split("<")[0]
    assert key not in engineer.get("/fleet/scrapers").text
    with db.transaction() as tx:
        health(
            tx, "3-bedside", temperature_c=48, disk_free_pct=61, dropped=2, clock_behind_ms=-1500
        )
        certify(tx, "3-bedside", 300 * DAY_MS)
        tx.execute("UPDATE nodes SET state = 'lost', hardware = 'a\"b\\\\c' WHERE id = '5-bedside'")
        faults.raise_fault(tx, ward="5", node="5-bedside", device="box", code="lost")
    ward = Proved(db, clock)
    ward.prove("1")
    ward.carry_out()
    scraper = app.test_client()

    def scrape(**headers: str) -> tuple[int, str]:
        answer = scraper.get("/metrics", headers=headers)
        return answer.status_code, answer.text

    status, text = scrape(Authorization=f"Bearer {key}")
    assert status == 200
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

    def of(name: str, **labels: str) -> float:
        return found[(f"wardline_{name}", *sorted(labels.items()))]

    box = {"ward": "3", "box": "3-bedside"}
    assert of("box_up", **box) == 1
    assert of("box_up", ward="5", box="5-bedside") == 0
    assert of("box_temperature_celsius", **box) == 48
    assert of("box_disk_free_ratio", **box) == 0.61
    assert of("box_clock_behind_seconds", **box) == -1.5
    assert of("box_dropped_events_total", **box) == 2
    ends_s = (clock.real_ms() + 300 * DAY_MS) / 1000
    assert of("box_certificate_expiry_timestamp_seconds", **box) == pytest.approx(ends_s)
    assert of("bed_proven_timestamp_seconds", ward="3", bed="1", box="3-bedside") > 0
    assert of("bed_proven_timestamp_seconds", ward="3", bed="2", box="3-bedside") == 0
    assert of("open_faults", ward="5", code="lost") == 1
    assert any('a"b' in str(key) for key in found), "a name may not break the format"
    status, text = scrape(
        Authorization=f"Bearer {key}", Accept="application/openmetrics-text; version=1.0.0"
    )
    assert text.endswith("# EOF\n")

    for wrong in ({}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {key}"},
                  {"Authorization": "Bearer wm_guessed"}):  # fmt: skip
        assert scrape(**wrong)[0] == 401
    assert engineer.get("/metrics").status_code == 401, "a session does not open it"
    form = {"csrf_token": visitor.token_of(engineer, "/fleet/scrapers")}
    assert engineer.post("/fleet/scrapers/1/revoke", data=form).status_code == 302
    assert scrape(Authorization=f"Bearer {key}")[0] == 401
    assert db.read().value("SELECT used_ms FROM scraper_keys") is not None
