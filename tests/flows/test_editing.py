"""Menus as the hospital changes them: checked, kept, planned, brought back, two people at once."""

import itertools

import pytest

from central.clock import FakeClock
from central.directory import facilities, removing
from central.directory import service as directory
from central.errors import FieldError
from central.flows import difference, editing, graph, model, service, translations
from central.flows.document import DocumentError
from central.store import Store
from tests.flows.test_versions import TITLE, heard, menu

HOUR_MS = 3_600_000


def save(store: Store, text: str, **more: object) -> int:
    with store.transaction() as tx:
        options = {"based_on": editing.newest(tx, "fees"), "live_from_ms": tx.now_ms} | more
        return editing.save(tx, "fees", text, "admin", **options)  # type: ignore[arg-type]


def audited(store: Store) -> list[str]:
    return [row["what"] for row in store.read().all("SELECT what FROM audit ORDER BY id")]


def test_what_is_refused_leaves_live_what_was(store: Store) -> None:
    save(store, menu("fees", "good"))
    with pytest.raises(DocumentError, match="no such step"):
        save(store, menu("fees", "bad").replace("then: b", "then: c"))
    assert heard(store, "fees") == "good"
    assert editing.newest(store.read(), "fees") == 1


def test_a_draft_may_be_unfinished_and_goes_live_when_it_is_not(store: Store) -> None:
    number = save(store, "flow: fees", live_from_ms=None)
    with store.transaction() as tx, pytest.raises(DocumentError):
        editing.go_live(tx, "fees", number, "admin", tx.now_ms)
    number = save(store, menu("fees", "good"), live_from_ms=None)
    with store.transaction() as tx:
        editing.go_live(tx, "fees", number, "admin", tx.now_ms)
    assert heard(store, "fees") == "good"
    assert audited(store) == ["flow.draft", "flow.draft", "flow.live"]


def test_a_planned_version_comes_at_its_time_unless_it_is_taken_back(
    store: Store, clock: FakeClock
) -> None:
    first = save(store, menu("fees", "first"), live_from_ms=clock.now_ms() + HOUR_MS)
    second = save(store, menu("fees", "second"), live_from_ms=clock.now_ms() + 2 * HOUR_MS)
    with store.transaction() as tx:
        editing.take_back(tx, "fees", second, "admin")
    clock.advance(HOUR_MS)
    assert heard(store, "fees") == "first"
    clock.advance(HOUR_MS)
    assert heard(store, "fees") == "first"
    with store.transaction() as tx, pytest.raises(FieldError, match="roll back"):
        editing.take_back(tx, "fees", first, "admin")


def test_a_roll_back_is_a_new_version_of_the_old_words(store: Store) -> None:
    save(store, menu("fees", "first"))
    save(store, menu("fees", "second"))
    with store.transaction() as tx:
        assert editing.roll_back(tx, "fees", 1, "admin") == 3
    assert heard(store, "fees") == "first"
    with store.transaction() as tx:
        editing.roll_back(tx, "fees", service.SHIPPED_VERSION, "admin")
    tx = store.read()
    assert service.current(tx, tx.now_ms)["fees"] == service.shipped()["fees"]
    assert [row["number"] for row in model.versions(tx, "fees")] == [4, 3, 2, 1]


def test_the_second_of_two_is_told_what_the_first_has_saved(store: Store) -> None:
    save(store, menu("fees", "hers"), based_on=0)
    with pytest.raises(editing.FlowChangedError) as told:
        save(store, menu("fees", "his"), based_on=0)
    assert (told.value.newest["number"], told.value.newest["by"]) == (1, "admin")
    assert heard(store, "fees") == "hers"
    save(store, menu("fees", "his"), based_on=told.value.newest["number"])
    assert heard(store, "fees") == "his"


def test_a_menu_is_checked_with_what_is_live_at_its_own_time(
    store: Store, clock: FakeClock
) -> None:
    with store.transaction() as tx:
        editing.create(tx, "visits", "admin")
        later_ms = tx.now_ms + HOUR_MS
        editing.go_live(tx, "visits", 1, "admin", later_ms)
    text = menu("fees", "good", "flow: visits")
    with pytest.raises(DocumentError, match="no such menu"):
        save(store, text)
    save(store, text, live_from_ms=later_ms)
    clock.advance(HOUR_MS)
    assert heard(store, "fees") == "good"


def test_a_menu_of_ones_own_is_made_and_removed_when_nothing_leads_to_it(store: Store) -> None:
    with store.transaction() as tx:
        editing.create(tx, "visits", "admin")
        assert editing.problems(tx, "visits", editing.text_of(tx, "visits", 1), tx.now_ms) == []
        editing.go_live(tx, "visits", 1, "admin", tx.now_ms)
        directory.add_service(tx, "8610", "menu_visits")
    later_ms = store.read().now_ms + HOUR_MS
    planned = save(store, menu("fees", "leads", "flow: visits"), live_from_ms=later_ms)
    with store.transaction() as tx:
        assert editing.uses(tx, "visits") == [
            editing.Use(number="8610"), editing.Use(flow="fees"),
        ]  # fmt: skip
        with pytest.raises(FieldError, match="8610, fees"):
            editing.remove(tx, "visits", "admin")
        editing.take_back(tx, "fees", planned, "admin")
        tx.execute("DELETE FROM services")
        editing.remove(tx, "visits", "admin")
        assert "visits" not in service.current(tx, tx.now_ms)
        editing.create(tx, "visits", "admin")
        assert editing.newest(tx, "visits") == 3


@pytest.mark.parametrize("name", ["Visits", "new", "", "a1", "fees", "x" * 28])
def test_a_name_that_cannot_be_is_refused(store: Store, name: str) -> None:
    with store.transaction() as tx, pytest.raises(FieldError):
        editing.create(tx, name, "admin")


def test_what_is_shipped_is_not_removed(store: Store) -> None:
    with store.transaction() as tx, pytest.raises(FieldError, match="comes with"):
        editing.remove(tx, "fees", "admin")


def test_callers_are_put_through_to_what_is_there(store: Store) -> None:
    def told(then: str) -> list[str]:
        tx = store.read()
        return [str(each) for each in editing.problems(tx, "fees", menu("fees", "x", then), 0)]

    assert told("transfer: 8101") == [
        "line 6: Step b puts through to 8101, which nobody has."
    ]  # fmt: skip
    with store.transaction() as tx:
        directory.add_extension(tx, "8101", "Office")
        facilities.add_room(tx, "8800", "Room")
    assert told("transfer: 8101") == told("conference: 8800") == []
    assert "no such room" in told("conference: 8101")[0]


def test_what_a_look_up_names_must_be_there(store: Store) -> None:
    asked = """flow: fees
title: {zh: 费, en: F}
start: a
steps:
  a:
    look_up: hours.open
    with: {plan: PLAN}
    as: h
    then: b
    failed: b
    outcomes: {closed: b, holiday: b}
  b: {hang_up: quietly}
"""
    with pytest.raises(DocumentError, match="plan cannot be servise"):
        save(store, asked.replace("PLAN", "servise"))
    save(store, asked.replace("PLAN", "service"))
    # What a menu goes by now or later is not taken away.
    with store.transaction() as tx:
        assert editing.saying(tx, "hours.open", "plan", "service") == ["desk", "fees", "main"]
        assert editing.saying(tx, "hours.open", "plan", "night") == []


def test_words_that_are_missing_in_a_language_are_found() -> None:
    def found(text: str) -> list[translations.Missing]:
        try:
            document = service.read(text)
        except DocumentError as error:
            return translations.missing(None, error.problems)
        return translations.missing(document, [])

    whole = menu("fees", "'well, {x:money}'")
    assert found(whole) == []
    assert found(whole.replace(", en: 'well, {x:money}'", "")) == [("a", "en", 5)]
    assert found(whole.replace("'well, {x:money}'", "好")) == [("a", "en", 5)]
    assert found(whole.replace("试", "Trial")) == [("", "zh", 1)]


def test_what_differs_is_told_with_both_lines() -> None:
    before = "\n".join("abcdefghijklmnop")
    after = before.replace("e", "E") + "\nq"
    first, second = difference.between(before, after)
    told = [
        (each.kind, each.before, each.after, each.text) for each in first if each.kind != "same"
    ]
    assert told == [("gone", 5, 0, "e"), ("new", 0, 5, "E")]
    assert (second[-1].kind, second[-1].after) == ("new", 17)
    assert difference.between(before, before) == []


def test_the_picture_has_every_step_and_way_and_nothing_lies_on_another() -> None:
    text = (
        f"flow: x\n{TITLE}\nstart: a\nsteps:\n"
        "  a: {menu: {zh: 好, en: Well}, keys: {1: b, 2: c, 3: a, 4: d}}\n"
        "  b: {flow: fees, then: a}\n  c: {hang_up: quietly}\n  d: {hang_up: quietly}\n"
        "  lost: {say: {zh: 好, en: Well}, then: nowhere}\n"
    )
    picture = graph.drawn(service.read(text), {"lost"})
    boxes = {each.name: each for each in picture.boxes}
    assert list(boxes) == ["a", "b", "c", "d", "lost"]
    assert [(each.why, each.to) for each in boxes["a"].ways] == [
        ("key 1", "b"), ("key 2", "c"), ("key 3", "a"), ("key 4", "d"),
    ]  # fmt: skip
    assert len(picture.lines) == 3  # to b, c and d
    assert {name: len(each.backs) for name, each in boxes.items() if each.backs} == {"a": 1, "b": 1}
    assert [each.is_wrong for each in picture.boxes] == [False] * 4 + [True]
    column = sorted((each for each in picture.boxes if each.x == boxes["b"].x), key=lambda b: b.y)
    for upper, lower in itertools.pairwise(column):
        assert upper.y + upper.height < lower.y
    assert boxes["a"].x < boxes["b"].x < boxes["lost"].x < picture.width


def test_a_number_that_a_menu_leads_to_is_not_taken_from_under_it(
    store: Store, clock: FakeClock
) -> None:
    with store.transaction() as tx:
        directory.add_extension(tx, "8101", "Office")
        facilities.add_room(tx, "8800", "Room")
    save(store, menu("fees", "x", "transfer: 8101"))
    save(store, menu("fees", "x", "conference: 8800"), live_from_ms=clock.now_ms() + HOUR_MS)
    for remove, number in ((removing.remove_extension, "8101"), (removing.remove_room, "8800")):
        with store.transaction() as tx, pytest.raises(FieldError, match="fees"):
            remove(tx, number, by="admin")
    clock.advance(HOUR_MS)
    with store.transaction() as tx:
        removing.remove_extension(tx, "8101", by="admin")
