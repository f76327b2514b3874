"""The node's own checks agree with the schemas: what central may send is taken, and what the
schemas refuse is refused here, too."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.mqtt import checked, topics
from ward_node.core import messages

AUDIO = {"sha256": "a" * 64, "url": "http://127.0.0.1/a.wav", "duration_ms": 1}
WORDS = {"lang": "zh", "text": "好", "audio": AUDIO}
PRESS = {"ward": "3", "bed": "1", "node": "3-box", "boot": 1, "seq": 2}
PROMPT = {"stage": "due", "in_ms": -5, "words": WORDS, "final": True}


def _command(type: str, body: dict[str, Any]) -> dict[str, Any]:
    return {"id": "1", "type": type, "expires_at_ms": 5, "bed": "1", "body": body}


VALID: list[tuple[str, dict[str, Any]]] = [
    (topics.RECEIPT, {"ids": ["a:1:1"]}),
    (
        topics.CLOCK,
        {"now_ms": 1, "real_ms": 1, "offset_min": -480, "session": "s", "trouble": None},
    ),
    (topics.VOICE, {"stream": "b-1", "seq": 0, "at_ms": 5, "class": "emergency", "sound": "AA=="}),
    (topics.VOICE, {"stream": "b-1", "seq": 9, "at_ms": 5, "class": "announcement", "end": True}),
    (
        topics.CONFIG,
        {
            "version": 1,
            "revision": 0,
            "lang": "en",
            "beds": ["1"],
            "day_volume": 80,
            "emergency_floor": 70,
            "bands": [{"from_min": 0, "to_min": 1439, "volume": 0}],
            "phrases": {"a": WORDS, "b": None},
        },
    ),
    (
        topics.COMMAND,
        _command(
            "speak",
            {
                "utterance": "u",
                "class": "call",
                "words": WORDS,
                "chime": "high",
                "repeat_every_ms": 1000,
                "beds": ["1"],
                "press": PRESS,
            },
        ),
    ),
    (topics.COMMAND, _command("stop", {"utterance": "u"})),
    (
        topics.COMMAND,
        _command("call", {"call": "7", "phase": "ended", "priority": "low", "words": None}),
    ),
    (
        topics.COMMAND,
        _command("call", {"call": "7", "phase": "ended", "press": PRESS | {"bed": None}}),
    ),
    (
        topics.COMMAND,
        _command(
            "reminders",
            {"infusion": "5", "revision": 1, "prompts": [PROMPT], "unconfirmed_after_ms": 0},
        ),
    ),
    (topics.COMMAND, _command("selftest", {})),
    (topics.COMMAND, _command("prove", {"proof": "7"})),
    (topics.COMMAND, _command("update", {"version": "1.4.0", "again": True})),
    (topics.COMMAND, _command("log", {"lines": 200, "grave": True})),
]
WRONG = [None, True, -1, 1.5, "", "x" * 3000, [], {}, [""], [7], "dance", 10_000]


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for key, each in items:
        found.append((*path, key))
        if isinstance(each, dict | list):
            found += _places(each, (*path, key))
    return found


def _accepted_here(kind: str, message: Any) -> bool:
    try:
        messages.check(kind, messages.decode(kind, json.dumps(message).encode()))
    except messages.RejectedMessageError:
        return False
    return True


def _accepted_by_schema(kind: str, message: Any) -> bool:
    try:
        checked.decode(topics.topic("3", "3-box", kind), json.dumps(message).encode())
    except checked.RejectedMessageError:
        return False
    return True


@pytest.mark.parametrize(("kind", "message"), VALID)
def test_what_central_may_send_is_taken(kind: str, message: dict[str, Any]) -> None:
    assert _accepted_by_schema(kind, message)
    assert _accepted_here(kind, message)


@pytest.mark.parametrize(("kind", "message"), VALID)
def test_each_field_spoilt_in_every_way_is_judged_as_the_schema_does(
    kind: str, message: dict[str, Any]
) -> None:
    judged = 0
    for path in _places(message):
        for wrong in [*WRONG, "absent"]:
            spoilt = copy.deepcopy(message)
            holder = spoilt
            for key in path[:-1]:
                holder = holder[key]
            if wrong == "absent":
                if isinstance(holder, list):
                    continue
                del holder[path[-1]]
            else:
                holder[path[-1]] = wrong
            if "url" in path:
                continue  # the node bounds what the schema leaves open
            assert _accepted_here(kind, spoilt) == _accepted_by_schema(kind, spoilt), (
                path,
                wrong,
            )
            judged += 1
    assert judged or message == _command("selftest", {})


@settings(deadline=None)
@given(st.binary(max_size=200), st.sampled_from(topics.TO_NODE))
def test_no_bytes_get_past(payload: bytes, kind: str) -> None:
    with pytest.raises(messages.RejectedMessageError):
        messages.check(kind, messages.decode(kind, payload))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"[" * 200_000, "not JSON"),
        (b'"' + b"a" * 300_000 + b'"', "too many"),
        (b"[]", "not a JSON object"),
        (b'{"ids": ["a"], "ids": 7}', "not a list"),
        (b'{"ids": NaN}', "not a list|not JSON"),  # CPython reads it as a number
    ],
)
def test_the_reason_is_told(payload: bytes, reason: str) -> None:
    with pytest.raises(messages.RejectedMessageError, match=reason):
        messages.check(topics.RECEIPT, messages.decode(topics.RECEIPT, payload))


def test_half_a_character_is_refused() -> None:
    command = _command("speak", {"utterance": "u", "class": "call", "words": WORDS})
    payload = json.dumps(command).replace('"\\u597d"', '"\\ud800"').encode()
    assert b"ud800" in payload
    with pytest.raises(messages.RejectedMessageError, match="half a character"):
        messages.check(topics.COMMAND, messages.decode(topics.COMMAND, payload))


def test_a_kind_that_is_not_for_nodes() -> None:
    with pytest.raises(messages.RejectedMessageError, match="no event messages"):
        messages.decode(topics.EVENT, b"{}")
