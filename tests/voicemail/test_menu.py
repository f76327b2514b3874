"""The menu for listening, whatever keys are pressed."""

from hypothesis import given
from hypothesis import strategies as st

from central.voicemail.menu import (
    MOST_PINS,
    Do,
    HangUp,
    Item,
    MarkHeard,
    Menu,
    Recording,
    Remove,
    Say,
    TryPin,
    Wait,
    What,
    Words,
)

NEW, OLD = Item("8101-1-0", "8003", 60_000, False), Item("8101-1-1", "", 90_000, True)


def played(todo: list[Do]) -> list[str]:
    return [part.id for do in todo if isinstance(do, Say) for part in do.parts
            if isinstance(part, Recording)]  # fmt: skip


def words(todo: list[Do]) -> list[What]:
    return [part.what for do in todo if isinstance(do, Say) for part in do.parts
            if isinstance(part, Words)]  # fmt: skip


def typed(menu: Menu, keys: str) -> list[Do]:
    return [do for key in keys for do in menu.pressed(key)]


def opened(*items: Item) -> tuple[Menu, list[Do]]:
    menu = Menu()
    assert words(menu.begin()) == [What.PIN]
    assert typed(menu, "4711#")[-1] == TryPin("4711")
    return menu, menu.tried(items)


def test_new_messages_come_first_and_count_as_heard_at_their_end() -> None:
    menu, todo = opened(OLD, NEW)
    assert played(todo) == [NEW.id]
    (said,) = todo
    assert isinstance(said, Say)
    assert said.parts[0] == Words(What.SOME, n=1, old=1)
    assert MarkHeard(NEW.id) in menu.spoken()
    todo = menu.waited()
    assert played(todo) == [OLD.id]
    assert What.FROM_UNKNOWN in words(todo)
    assert [type(each) for each in menu.spoken()] == [Wait], "an old one was heard before"
    assert words(menu.waited()) == [What.END]
    assert menu.spoken() == [HangUp()]


def test_keys_go_on_repeat_and_delete() -> None:
    menu, _ = opened(NEW, OLD)
    assert played(menu.pressed("1")) == [NEW.id]
    assert menu.pressed("9") == []
    todo = menu.pressed("2")
    assert todo[0] == MarkHeard(NEW.id)
    assert played(todo) == [OLD.id]
    todo = menu.pressed("3")
    assert todo[0] == Remove(OLD.id)
    assert words(todo) == [What.DELETED, What.END]
    assert menu.pressed("3") == []


def test_a_pin_may_be_begun_anew_and_is_tried_three_times() -> None:
    menu = Menu()
    menu.begin()
    assert typed(menu, "12*4711#")[-1] == TryPin("4711")
    assert words(menu.tried(None)) == [What.WRONG_PIN, What.PIN]
    assert typed(menu, "123456789")[-1] == TryPin("123456789"), "longer than any"
    menu.tried(None)
    typed(menu, "1#")
    assert words(menu.tried(None)) == [What.WRONG_PIN]
    assert menu.spoken() == [HangUp()]


def test_an_empty_mailbox_and_a_blocked_one_are_told_and_left() -> None:
    menu, todo = opened()
    assert words(todo) == [What.NONE]
    assert menu.spoken() == [HangUp()]
    menu = Menu()
    menu.begin()
    typed(menu, "1#")
    assert words(menu.tried(None, blocked=True)) == [What.BLOCKED]
    assert menu.spoken() == [HangUp()]


def test_who_presses_nothing_is_asked_a_few_times() -> None:
    menu = Menu()
    menu.begin()
    for _ in range(5):
        menu.spoken()
        if words(menu.waited()) == [What.END]:
            break
    assert menu.spoken() == [HangUp()]


@given(
    st.lists(st.sampled_from([*"0123456789*#ABCD", "spoken", "waited"]), max_size=60),
    st.lists(st.booleans(), max_size=4),
    st.integers(0, MOST_PINS),
)
def test_every_call_says_something_waits_or_ends(
    what: list[str], heard: list[bool], wrong: int
) -> None:
    items = [Item(f"8101-1-{n}", "", 0, each) for n, each in enumerate(heard)]
    menu, marked, removed, tries = Menu(), [], [], 0
    todo = menu.begin()
    for each in what:
        for do in todo:
            if isinstance(do, MarkHeard):
                marked.append(do.id)
            if isinstance(do, Remove):
                removed.append(do.id)
        if HangUp() in todo:
            break
        if todo and isinstance(todo[-1], TryPin):
            tries += 1
            todo = menu.tried(None if tries <= wrong else items)
            continue
        if each == "spoken":
            todo = menu.spoken()
            assert todo, "silence for ever"
        elif each == "waited":
            todo = menu.waited()
        else:
            todo = menu.pressed(each)
    assert len(set(removed)) == len(removed)
    assert set(marked) <= {each.id for each in items if not each.heard}
    if tries <= wrong:
        assert not marked
        assert not removed
