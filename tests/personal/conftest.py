"""A house with two classes of phones and a line to the world."""

import pytest

from central.directory import outside, service
from central.store import Store

# By extension: 8101's may dial the city, 8102's the house only.
OFFICE, LOBBY = "001565000101", "001565000102"


@pytest.fixture
def house(store: Store) -> Store:
    with store.transaction() as tx:
        outside.add_trunk(tx, "world", "192.0.2.7:5060")
        outside.add_route(tx, "city", "world", ["9NXXXXXXX"], strip=1)
        outside.add_class(tx, "local", "Local")
        outside.allow(tx, "local", ["city"])
        for number in ("8101", "8102", "8201", "8202", "8203"):
            service.add_extension(tx, number, f"Person {number}")
        service.add_phone(tx, OFFICE, "8101", rights="local")
        service.add_phone(tx, LOBBY, "8102")
        service.add_service(tx, "621", "broadcast")
    return store
