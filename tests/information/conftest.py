"""What the demo's hospital tells, and spoken menus over it."""

from zoneinfo import ZoneInfo

import pytest

from central.directory.present import mark
from central.flows import service as menus
from central.flows.doing import LookUp
from central.flows.engine import Call
from central.flows.offers import Answer, Asking, offers
from central.information import editing, model
from central.store import Store
from provisioning import demo_information
from tests.flows.walking import Walk

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def told(store: Store) -> Store:
    with store.transaction() as tx:
        demo_information.enter(tx)
    return store


def ring(store: Store, lang: str = "zh") -> Walk:
    """Dial the information line; what it looks up is looked up in the store."""

    def ask(do: LookUp, call: Call) -> Answer:
        offer = offers()[do.offer]
        if not do.offer.startswith("information."):
            # Elsewhere in the house, where 0 leads.
            return Answer(values=dict.fromkeys(offer.gives, ""))
        values = {name: do.values[name][:most] for name, most in offer.takes.items()}
        answer = offer.run(store.read(), Asking(call.lang, zone=ZONE), values)
        assert answer.outcome != "ok" or set(answer.values) == set(offer.gives)
        assert answer.outcome == "ok" or answer.outcome in offer.others
        return answer

    return Walk(Call(menus.shipped(), "information", lang=lang), ask=ask).begin()


def put(store: Store, section: str, code: str, title: str, **more: str) -> int:
    """A new entry. Returns its id."""
    with store.transaction() as tx:
        row = model.section(tx, section)
        assert row is not None
        wanted = editing.checked(row["kind"], {"code": code, "title_zh": title} | more)
        return editing.save(tx, row, None, wanted, mark(editing.NOTHING), "qian")


def switch(store: Store, section: str, is_on: bool) -> None:
    with store.transaction() as tx:
        row = model.section(tx, section)
        assert row is not None
        editing.switch(tx, row, is_on, "qian")
