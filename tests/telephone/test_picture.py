"""Who speaks with whom, out of what Asterisk 22 answered, and what it might answer."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telephone.ari.errors import UnsuitableExchangeError
from gateway.telephone.exchange import LINKED
from gateway.telephone.picture import Doing, picture

STATION, OFFICE, THIRD = "0015650a1b2c", "0015650a1b2d", "0015650a1b2e"
NUMBERS = {STATION: "8003", OFFICE: "8101", THIRD: "8102"}
LATER = 1_795_904_613.674


def at(after_s: int) -> str:
    """The time so many seconds after the first."""
    return f"2026-11-28T22:23:{33 + after_s:02d}.674+0000"


def channel(
    name: str, number: int, state: str, app: str = "Dial", *, exten: str = "8101", linked: int = 0,
    technology: str = "PJSIP", after_s: int = 0,
) -> dict[str, Any]:  # fmt: skip
    return {
        "id": f"1795904613.{number}",
        "name": f"{technology}/{name}-{number:08x}",
        "state": state,
        "caller": {"name": "", "number": NUMBERS.get(name, "")},
        "connected": {"name": "", "number": ""},
        "dialplan": {"context": "c", "exten": exten, "priority": 1, "app_name": app},
        "creationtime": at(after_s),
        "channelvars": {LINKED: f"1795904613.{linked}"},
    }


def bridge(*numbers: int, after_s: int = 5) -> dict[str, Any]:
    ids = [f"1795904613.{each}" for each in numbers]
    return {"id": "b", "channels": ids, "creationtime": at(after_s)}


def endpoint(name: str, state: str) -> dict[str, Any]:
    return {"technology": "PJSIP", "resource": name, "state": state, "channel_ids": []}


RINGING = [
    channel(OFFICE, 1, "Ringing", "AppDial", after_s=1),
    channel(STATION, 0, "Ring"),
]


def test_one_calls_and_the_other_rings() -> None:
    (talk,) = picture(RINGING, [], []).talks
    assert [(each.endpoint, each.number, each.doing) for each in talk.parties] == [
        (STATION, "8003", Doing.CALLS),
        (OFFICE, "8101", Doing.RINGS),
    ]
    assert (talk.dialled, talk.called, talk.speaking) == ("8101", {1}, False)
    assert talk.since == pytest.approx(LATER)


def test_they_speak_since_they_were_put_together() -> None:
    up = [
        channel(STATION, 0, "Up"),
        channel(OFFICE, 1, "Up", "AppDial", exten="", after_s=1),
    ]
    seen = picture(up, [bridge(0, 1)], [])
    (talk,) = seen.talks
    assert talk.speaking
    assert [each.doing for each in talk.parties] == [Doing.SPEAKS] * 2
    assert talk.since == pytest.approx(LATER + 5)
    assert seen.doing(OFFICE) == (Doing.SPEAKS,)
    assert seen.doing(THIRD) == ()


def test_a_second_call_that_knocks_is_a_call_of_its_own() -> None:
    seen = picture(
        [
            channel(STATION, 0, "Up"),
            channel(OFFICE, 1, "Up", "AppDial"),
            channel(THIRD, 2, "Ring", linked=2),
            channel(OFFICE, 3, "Ringing", "AppDial", linked=2),
        ],
        [bridge(0, 1)],
        [],
    )
    assert len(seen.talks) == 2
    assert seen.doing(OFFICE) == (Doing.RINGS, Doing.SPEAKS)


def test_a_conference_of_separate_calls_is_one_talk() -> None:
    room = [
        channel(name, number, "Up", "ConfBridge", exten="8800", linked=number)
        for number, name in enumerate(NUMBERS)
    ]
    (talk,) = picture(room, [bridge(0, 1, 2)], []).talks
    assert len(talk.parties) == 3
    assert talk.dialled == "8800"
    (alone,) = picture(room[:1], [bridge(0)], []).talks
    assert alone.parties[0].doing is Doing.HEARS


def test_what_the_application_rings_was_dialled_by_nobody() -> None:
    rung = channel(STATION, 0, "Ringing", "AppDial2", exten="s")
    (talk,) = picture([rung], [], []).talks
    assert (talk.dialled, talk.called) == ("", {0})


def test_wires_inside_the_exchange_join_calls_and_are_nobody() -> None:
    wires = [
        channel("8101@lines", 1, "Up", technology="Local", exten="s"),
        channel("8101@lines", 2, "Up", technology="Local", exten="8101"),
    ]
    ends = [channel(STATION, 0, "Up"), channel(OFFICE, 3, "Up", "AppDial")]
    (talk,) = picture([*ends, *wires], [bridge(0, 1), bridge(2, 3)], []).talks
    assert [each.doing for each in talk.parties] == [Doing.SPEAKS] * 2
    assert picture(wires, [], []).talks == ()


def test_an_exchange_of_the_hospitals_own_may_not_tell_who_is_linked() -> None:
    """Then those in one bridge are still one talk, and those that ring are two."""
    plain = [each | {"channelvars": None} for each in RINGING]
    assert len(picture(plain, [], []).talks) == 2
    assert len(picture(plain, [bridge(0, 1)], []).talks) == 1


def test_registered_is_what_the_exchange_reaches() -> None:
    endpoints = [endpoint(STATION, "online"), endpoint(OFFICE, "offline")]
    endpoints.append({"technology": "Local", "resource": "x", "state": "unknown"})
    assert picture([], [], endpoints).registered == {STATION: True, OFFICE: False}


@pytest.mark.parametrize(
    "said",
    [
        (None, [], []),
        ([], {"message": "x"}, []),
        ([], [], [{"resource": "x"}]),
        ([channel(STATION, 0, "Up") | {"creationtime": "yesterday"}], [], []),
        ([channel(STATION, 0, "Up") | {"caller": None}], [], []),
        ([], [{"channels": None, "creationtime": at(0)}], []),
    ],
)
def test_an_answer_of_another_shape_is_said_to_be_one(said: tuple[Any, Any, Any]) -> None:
    with pytest.raises(UnsuitableExchangeError):
        picture(*said)


STATES = st.sampled_from(["Down", "Ring", "Ringing", "Up", "Busy"])


@given(
    st.lists(st.tuples(STATES, st.integers(0, 5)), max_size=8),
    st.lists(st.sets(st.integers(0, 9), max_size=4), max_size=4),
)
def test_every_telephone_is_in_exactly_one_talk(
    legs: list[tuple[str, int]], bridges: list[set[int]]
) -> None:
    """Whatever is linked with and bridged to whatever, among them what is gone already."""
    channels = [
        channel(f"{number:012x}", number, state, linked=linked)
        for number, (state, linked) in enumerate(legs)
    ]
    seen = picture(channels, [bridge(*each) for each in bridges], [])
    found = sorted(party.endpoint for talk in seen.talks for party in talk.parties)
    assert found == [f"{number:012x}" for number in range(len(legs))]
    for talk in seen.talks:
        assert talk.called <= set(range(len(talk.parties)))
    for ids in bridges:
        homes = {
            talk.id for talk in seen.talks for party in talk.parties
            if int(party.endpoint, 16) in ids
        }  # fmt: skip
        assert len(homes) <= 1, "who is in one bridge is in one talk"
