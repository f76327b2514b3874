"""The nurse station hears what the drip itself has to say, not a general call."""

from central.calls import bedside, model
from central.calls import service as calls
from central.store import Store
from central.wards import model as wards
from central.words import spoken


def test_a_drip_call_is_announced_in_its_own_words(store: Store) -> None:
    with store.transaction() as tx:
        wards.add_ward(tx, "3", "三病区", "Ward 3")
        wards.add_node(tx, "3-box", "3", "bedside")
        wards.add_bed(tx, "3", "5", "3-box")
        about = {"infusion": 1, "words": "infusions.station_dressing"}
        call = model.one(tx, calls.open_call(tx, "3", "5", "infusion", about=about))
        assert call is not None
        words_id, values = bedside.words_at_station(tx, call)
    assert spoken("zh", words_id, **values) == spoken(
        "zh", "infusions.station_dressing", ward="3", bed="5"
    )
