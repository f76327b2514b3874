"""Two wards: 3 with a bedside box of two beds and a station, 5 with one bedside box."""

import pytest

from central.store import Store
from central.wards import model as wards


@pytest.fixture
def hospital(store: Store) -> Store:
    with store.transaction() as tx:
        for ward in ("3", "5"):
            wards.add_ward(tx, ward, f"{ward}病区", f"Ward {ward}")
        wards.add_node(tx, "3-box", "3", "bedside")
        wards.add_node(tx, "3-station", "3", "station")
        wards.add_node(tx, "5-box", "5", "bedside")
        for bed in ("1", "2"):
            wards.add_bed(tx, "3", bed, "3-box")
        wards.add_bed(tx, "5", "1", "5-box")
        tx.execute("UPDATE nodes SET state = 'ready'")
    return store
