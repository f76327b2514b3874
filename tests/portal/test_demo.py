"""The demo's patient can log in, and entering her again changes nothing."""

from pathlib import Path

from central.clock import SystemClock
from provisioning import demo_patient
from tests.portal.test_portal import enter
from tests.visitor import console, store_of


def test_the_demos_patient_reads_her_fees(tmp_path: Path) -> None:
    with console(tmp_path, SystemClock()) as app:
        for _ in range(2):
            demo_patient.enter(store_of(app))
        visitor = app.test_client()
        enter(visitor, demo_patient.CARD, demo_patient.PIN)
        page = visitor.get("/my/fees").text
        assert "王小芳" in visitor.get("/my").text
        assert "¥3,000.00" in page
        assert page.count('class="bar"') == demo_patient.DAYS
        assert "腹部彩色超声" in page
