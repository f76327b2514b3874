"""Every call can be announced, wherever it is told."""

import pytest

from central.calls import bedside, service, types
from central.clock import FakeClock
from central.escalation import telling
from central.store import Store
from central.words import spoken
from tests.calls.ward import Ward


@pytest.mark.parametrize("prefix", [telling.STATION, telling.WARD, telling.NEIGHBOUR])
@pytest.mark.parametrize("type", types.TYPES)
@pytest.mark.parametrize("bed", ["12+1", None])
def test_every_call_can_be_announced_everywhere(
    ward: Store, clock: FakeClock, type: str, prefix: str, bed: str | None
) -> None:
    with ward.transaction() as tx:
        for about in ({}, {"unconfirmed": True}):
            call_id = service.open_call(tx, "3", bed, type, about=about)
            call = tx.one("SELECT * FROM calls WHERE id = ?", (call_id,))
            assert call is not None
            words_id, values = bedside.words_at_station(tx, call, prefix)
            for lang in ("zh", "en"):
                text = spoken(lang, words_id, **values)
                assert text
                assert "{" not in text
    assert Ward(ward, clock).failures() == []
