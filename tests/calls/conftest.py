"""Two neighbouring wards with beds, boxes and people."""

import pytest

from central.store import Store
from tests.calls.ward import build


@pytest.fixture
def ward(store: Store) -> Store:
    build(store)
    return store
