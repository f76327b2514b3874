"""The demo's patient can log in, and entering her again changes nothing."""

from datetime import date, datetime
from pathlib import Path

import pytest

from central.clock import FakeClock
from central.fees import service as fees
from provisioning import demo_patient
from tests.portal.test_portal import enter
from tests.visitor import console, store_of

DAY = date(2026, 1, 1)


# New Year, too: then her first days are of the year before.
@pytest.mark.parametrize("now", ["2026-11-30 12:00", "2027-01-01 00:10", "2027-01-03 23:50"])
def test_the_demos_patient_reads_her_fees(tmp_path: Path, clock: FakeClock, now: str) -> None:
    clock.value_ms = int(datetime.fromisoformat(f"{now}+08:00").timestamp() * 1000)
    with console(tmp_path, clock) as app:
        for _ in range(2):
            demo_patient.enter(store_of(app))
        visitor = app.test_client()
        enter(visitor, demo_patient.CARD, demo_patient.PIN)
        page = visitor.get("/my/fees").text
        assert "王小芳" in visitor.get("/my").text
        assert "¥3,000.00" in page
        assert page.count('class="bar"') == demo_patient.DAYS
        assert "腹部彩色超声" in page
        # 4 days of 181.10 and an ultrasound of 180 once; the infusion sets are her own expense.
        found = fees.summary(store_of(app).read(), demo_patient.PATIENT, demo_patient.VISIT, DAY)
        assert (found.total_fen, found.insured_fen > 0) == (90_440, True)
        assert [each.kind for each in found.items] == ["A", "B", "B", "A", "C"]
