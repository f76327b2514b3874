"""Versions of menus: which one callers hear, and what happens to one that cannot be used."""

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from central.clock import FakeClock
from central.faults import model as faults
from central.flows import checks, document, model, service
from central.flows.offers import Offer
from central.store import Store
from central.telephone import desk
from central.telephone.watching import NODE, Watching
from tests.bench.waiting import until

TITLE = "title: {zh: 试, en: Trial}"


def menu(flow: str, words: str, then: str = "hang_up: quietly") -> str:
    return (
        f"flow: {flow}\n{TITLE}\nstart: a\nsteps:\n"
        f"  a: {{say: {{zh: 好, en: {words}}}, then: b}}\n  b: {{{then}}}\n"
    )


def save(store: Store, text: str, live_from_ms: int | None = 0, flow: str = "") -> int:
    with store.transaction() as tx:
        flow = flow or document.read(text).flow
        return model.add(tx, flow, text, "", "admin", live_from_ms)


def live(store: Store) -> service.Live:
    tx = store.read()
    return service.live(tx, tx.now_ms)


def heard(store: Store, flow: str) -> str:
    return live(store).documents[flow].steps["a"].words["en"]


def test_without_a_version_of_its_own_callers_hear_what_is_shipped(store: Store) -> None:
    assert live(store).documents == service.shipped()
    assert set(live(store).numbers.values()) == {service.SHIPPED_VERSION}


def test_a_version_is_heard_from_its_time_on_and_a_draft_never(
    store: Store, clock: FakeClock
) -> None:
    now_ms = clock.now_ms()
    save(store, menu("fees", "first"), now_ms)
    save(store, menu("fees", "planned"), now_ms + 5_000)
    save(store, menu("fees", "mended"), now_ms + 1)
    save(store, menu("fees", "draft"), None)
    assert heard(store, "fees") == "first"
    clock.advance(1)
    assert heard(store, "fees") == "mended"
    clock.advance(4_998)
    assert heard(store, "fees") == "mended"
    clock.advance(1)
    assert heard(store, "fees") == "planned"
    assert live(store).numbers["fees"] == 2


def test_a_call_parses_nothing_that_was_parsed_before(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(store, menu("fees", "parsed once"))
    before = live(store)
    monkeypatch.setattr(document, "read", lambda text: pytest.fail("parsed again"))
    assert live(store) is before


def test_what_a_call_began_with_does_not_change_under_it(store: Store) -> None:
    before = live(store).documents
    save(store, menu("fees", "new"))
    assert heard(store, "fees") == "new"
    assert before == service.shipped()


def test_an_unreadable_version_leaves_the_one_before_it(store: Store) -> None:
    save(store, menu("fees", "good"))
    save(store, "flow: fees\n", flow="fees")
    save(store, menu("exams", "of another name"), flow="fees")
    assert heard(store, "fees") == "good"
    assert [each.version.number for each in live(store).aside] == [3, 2]
    assert live(store).numbers["exams"] == service.SHIPPED_VERSION


def test_menus_that_begin_what_is_gone_go_back_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = "look_up: old.offer, then: c}\n  c: {hang_up: quietly"
    save(store, menu("own", "asks", ask))
    save(store, menu("main", "begins it", "flow: own"))
    old = {"old.offer": Offer("old.offer", lambda *_: None, "old")}  # type: ignore[arg-type, return-value]
    offered = service.offers()
    with monkeypatch.context() as patched:
        patched.setattr(service, "offers", lambda: offered | old)
        assert heard(store, "main") == "begins it"
    found = live(store)
    assert "own" not in found.documents
    assert found.numbers["main"] == service.SHIPPED_VERSION
    assert [each.version for each in found.aside] == [
        service.Version("main", 1), service.Version("own", 1),
    ]  # fmt: skip
    assert "old.offer, which nobody offers" in str(found.aside[1].problems[0])


async def test_a_version_that_cannot_be_used_is_a_fault_until_it_is_mended(store: Store) -> None:
    def is_known() -> bool:
        return faults.find_open(store.read(), NODE, "fees", "menu-unfit") is not None

    save(store, "flow: fees\n", flow="fees")
    ready = asyncio.Event()
    ready.set()
    watching = Watching(store, SimpleNamespace(ready=ready), None, look_s=0.01)  # type: ignore[arg-type]
    running = asyncio.create_task(watching.run())
    try:
        async with asyncio.timeout(60):
            await until(is_known, 0.01)
            save(store, menu("fees", "good"))
            await until(lambda: not is_known(), 0.01)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


def test_of_menus_in_a_circle_those_go_back_that_were_changed(store: Store) -> None:
    save(store, menu("fees", "one", "flow: own"))
    save(store, menu("own", "two", "flow: fees"))
    found = live(store)
    assert found.documents == service.shipped()
    assert {each.version.flow for each in found.aside} == {"fees", "own"}


def test_a_removed_menu_is_gone_and_may_come_back(store: Store) -> None:
    save(store, menu("own", "here"))
    save(store, model.GONE, flow="own")
    assert "own" not in live(store).documents
    assert live(store).aside == ()
    save(store, menu("own", "again"))
    assert heard(store, "own") == "again"


def test_no_version_is_changed_or_deleted(store: Store) -> None:
    save(store, menu("fees", "good"))
    for deed in ("UPDATE flow_versions SET text = 'x'", "DELETE FROM flow_versions"):
        with pytest.raises(Exception, match="never"), store.transaction() as tx:
            tx.execute(deed)


def test_a_number_may_lead_to_a_menu_of_ones_own(store: Store) -> None:
    assert "menu_own" not in service.titles(store.read())
    save(store, menu("own", "here"))
    assert service.titles(store.read())["menu_own"] == {"zh": "试", "en": "Trial"}


async def _nothing(*_: object) -> None: ...


def test_a_purpose_is_answered_by_its_own_name_or_by_how_it_begins() -> None:
    async def own(*_: object) -> None: ...

    both = {"menu_*": _nothing, "menu_own": own}
    assert desk.handler_of("menu_own", both) is own  # type: ignore[arg-type]
    assert desk.handler_of("menu_other", both) is _nothing  # type: ignore[arg-type]
    assert desk.handler_of("voicemail", both) is None  # type: ignore[arg-type]


KINDS = {
    "ends": "hang_up: quietly",
    "to own": "flow: own",
    "to other": "flow: other",
    "to fees": "flow: fees",
    "to nothing": "transfer: 8101}\n  lost: {hang_up: quietly",
}


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    saved=st.lists(
        st.tuples(
            st.sampled_from(["fees", "own", "other"]),
            st.sampled_from([*KINDS, "unreadable", "gone"]),
            st.integers(0, 9),
        ),
        max_size=12,
    )
)
def test_whatever_is_saved_callers_hear_a_set_that_checks(
    store: Store, saved: list[tuple[str, str, int]]
) -> None:
    """And what is shipped is never missing; what was put aside is no part of it."""
    try:
        with store.transaction() as tx:
            for flow, kind, at_ms in saved:
                text = {"unreadable": "flow: x", "gone": model.GONE}.get(kind)
                if text is None or (text == model.GONE and flow == "fees"):
                    text = menu(flow, "x", KINDS.get(kind, KINDS["ends"]))
                model.add(tx, flow, text, "", "admin", at_ms)
            found = service.live(tx, 5)
            raise _TakenBackError
    except _TakenBackError:
        pass
    checks.check(found.documents, service.offers())
    assert set(service.shipped()) <= set(found.documents)
    assert set(found.numbers) == set(found.documents)
    served = set(found.numbers.items())
    assert not served & {(each.version.flow, each.version.number) for each in found.aside}
    for flow in {"own", "other"} - {flow for flow, _, at_ms in saved if at_ms <= 5}:
        assert flow not in found.documents


class _TakenBackError(Exception):
    """Each example begins with no version."""
