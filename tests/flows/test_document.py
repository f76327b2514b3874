"""What a document may not be, and what is said of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from central.flows import checks, document
from central.flows.document import DocumentError
from central.flows.offers import Answer, Offer

SAY = "{zh: 好, en: Well}"
OFFERS = {
    "fees.account": Offer(
        "fees.account", lambda tx, asking, values: Answer(), "fees", gives={"total": "money"},
        others={"none": "nothing"}, of_patient=True,
    ),
    "info.line": Offer(
        "info.line", lambda tx, asking, values: Answer(), "a line", takes={"code": 8},
        gives={"text": ""},
    ),
    "hours.open": Offer(
        "hours.open", lambda tx, asking, values: Answer(), "hours", takes={"plan": 8},
        others={"closed": "closed"}, tells={"closed": {"opens": ""}},
    ),
}  # fmt: skip


def problems(steps: str, **more: str) -> list[str]:
    """Of a document with these steps."""
    head = {"flow": "x", "title": SAY, "start": "a"} | more
    text = "".join(f"{key}: {value}\n" for key, value in head.items()) + "steps:\n" + steps
    try:
        read = document.read(text)
        checks.check({read.flow: read}, OFFERS)
    except DocumentError as error:
        return [str(each) for each in error.problems]
    return []


def test_a_small_document_is_taken() -> None:
    assert problems(f"  a: {{say: {SAY}, then: b}}\n  b: {{hang_up: quietly}}\n") == []


@pytest.mark.parametrize(
    ("steps", "line", "words"),
    [
        (f"  a: {{shout: {SAY}}}\n", 5, "Step a must have one of: say, menu"),
        ("  a: {say: {zh: 好}, then: a}\n", 5, "en is missing in steps.a.say"),
        (f"  a: {{say: {SAY}, then: b}}\n", 5, "leads (then) to b, and there is no such step"),
        (f"  a: {{say: {SAY}, then: b}}\n  b: {{say: {SAY}, then: a}}\n", 5, "go on for ever"),
        (f"  a: {{menu: {SAY}, keys: {{1: a}}, failed: a}}\n", 5, "a → a go on for ever"),
        ("  a: {hang_up: quietly}\n  b: {hang_up: quietly}\n", 6, "Nothing leads to step b"),
        (f"  a: {{menu: {SAY}, keys: {{x: a}}}}\n", 5, "none of the keys 0 to 9"),
        ("  a: {look_up: no.such, then: b}\n  b: {hang_up: quietly}\n", 5, "which nobody offers"),
        (
            "  a: {look_up: fees.account, as: f, then: b, outcomes: {none: b}}\n"
            "  b: {hang_up: quietly}\n",
            5, "every way there must log in before",
        ),
        (
            "  a: {log_in: {}, then: b}\n  b: {look_up: fees.account, as: f, then: c}\n"
            "  c: {hang_up: quietly}\n",
            6, "must say under outcomes where none leads",
        ),
        (
            "  a: {look_up: info.line, as: i, then: b}\n  b: {hang_up: quietly}\n",
            5, "must say code under with",
        ),
        (
            "  a: {say: {zh: '{f.total:money}', en: x}, then: b}\n  b: {hang_up: quietly}\n",
            5, "uses f.total, which is not known on every way there",
        ),
        (
            "  a: {log_in: {}, then: b}\n"
            "  b: {look_up: fees.account, as: f, then: c, outcomes: {none: d}}\n"
            "  c: {say: {zh: '{f.total:digits}', en: x}, then: d}\n  d: {hang_up: quietly}\n",
            7, "reads f.total as digits; it is read as money",
        ),
        ("  a: {say: {zh: '{x.__class__}', en: x}, then: b}\n  b: {hang_up: quietly}\n", 5,
         "uses x.__class__"),
        ("  a: {say: {zh: '{x!r}', en: x}, then: b}\n  b: {hang_up: quietly}\n", 5,
         "cannot be read"),
        (f"  a: {{record: {SAY}, into: r, then: b}}\n  b: {{hang_up: {{zh: '{{r}}', en: x}}}}\n",
         6, "reads r as text; it is read as record"),
        (f"  a: {{record: {SAY}, into: r, then: a}}\n", 5, "go on for ever"),
        ("  a: {queue: nowhere, unanswered: b}\n  b: {hang_up: quietly}\n", 5,
         "puts through to nowhere"),
        ("  a: {queue: 8101, unanswered: a}\n", 5, "go on for ever"),
        ("  a: {queue: 8101, waiting: {zh: '{x}', en: x}, unanswered: b}\n"
         "  b: {hang_up: quietly}\n", 5, "uses x, which is not known"),
        ("  a: {hang_up: {zh: 。, en: Well}}\n", 5, "Step a has no words in zh"),
        ("  a: &a {hang_up: quietly}\n  b: *a\n", 6, "an alias (*) cannot stand here"),
        ("  a: {flow: other}\n", 5, "there is no such menu"),
        ("  a: {transfer: desc}\n", 5, "puts through to desc. There are: desk"),
        ("  a: {transfer: desk}\n", 5, "must say unanswered"),
        (
            f"  a: {{transfer: desk, unanswered: b}}\n  b: {{say: {SAY}, then: a}}\n",
            5, "go on for ever",
        ),
        (
            "  a: {look_up: hours.open, with: {plan: service}, then: b, outcomes: {closed: b}}\n"
            "  b: {hang_up: quietly}\n",
            5, "must say as: what its values are called",
        ),
        (
            "  a: {look_up: hours.open, with: {plan: service}, as: h, then: b,"
            " outcomes: {closed: b}}\n  b: {say: {zh: '{h.opens}', en: x}, then: c}\n"
            "  c: {hang_up: quietly}\n",
            6, "uses h.opens, which is not known on every way there",
        ),
        (f"  a: {{digits: {SAY}, into: n, least: 5, most: 2, then: b}}\n"
         "  b: {hang_up: quietly}\n", 5, "at least 5 keys and at most 2"),
        (f"  a: {{say: {SAY}, then: a}}\n  a: {{hang_up: quietly}}\n", 6, "'a' stands here twice"),
        ("  a: {flow: x, then: b}\n  b: {hang_up: quietly}\n", 1, "begin each other for ever"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_line(steps: str, line: int, words: str) -> None:
    told = problems(steps)
    assert any(each.startswith(f"line {line}: ") and words in each for each in told), told


@given(st.text(max_size=80))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    try:
        document.read(text)
    except DocumentError as error:
        assert error.problems  # noqa: PT017


def test_yes_and_no_are_words() -> None:
    steps = (
        "  a: {log_in: {}, then: b}\n"
        "  b: {look_up: fees.account, as: f, then: c, outcomes: {none: e}}\n"
        "  c: {branch: f.total, is: {yes: d, no: e}, otherwise: e}\n"
        f"  d: {{say: {SAY}, then: e}}\n  e: {{hang_up: quietly}}\n"
    )
    assert problems(steps) == []
