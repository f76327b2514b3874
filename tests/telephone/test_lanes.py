"""Each event once and in order, per channel, whatever happens to the connection."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.telephone.ari import protocol
from gateway.telephone.ari.errors import GoneError, RefusedError
from gateway.telephone.ari.events import (
    FOUND,
    RESUMED,
    VANISHED,
    Event,
    Subject,
    bridge,
    channel,
    event,
)
from gateway.telephone.ari.lanes import Handed, Lanes, Snapshot

FIELDS = ["channel", "bridge", "playback", "peer", "id", "target_uri", "digit"]


class Asterisk:
    """Channels that start, say something numbered, and end; the messages of a connection in the
    order they are written, where an answer may come behind events that are younger than it."""

    def __init__(self) -> None:
        self.living: list[str] = []
        self.started = 0
        self.said: dict[str, int] = {}
        self.line: list[Event | Snapshot] | None = None

    def start(self) -> str:
        self.started += 1
        name = f"c{self.started}"
        self.living.append(name)
        self.said[name] = 0
        self._write("StasisStart", name)
        return name

    def say(self, name: str) -> None:
        self.said[name] += 1
        self._write("ChannelDtmfReceived", name, number=self.said[name])

    def end(self, name: str) -> None:
        self.living.remove(name)
        self._write("StasisEnd", name)

    def _write(self, type: str, name: str, **more: Any) -> None:
        if self.line is not None:
            self.line.append(event({"type": type, "channel": {"id": name}, **more}))

    def snapshot(self) -> Snapshot:
        described = {name: {"id": name} for name in self.living}
        return Snapshot(described, {}, list(self.living))


class Conversation(RuleBasedStateMachine):
    """The application's side of it, which believes only what the lanes hand it."""

    def __init__(self) -> None:
        super().__init__()
        self.asterisk = Asterisk()
        self.lanes = Lanes()
        self.arrivals: list[Subject] = []
        self.ends: list[Subject] = []
        self.heard: dict[Subject, list[Event]] = {}
        self.looked: Snapshot | None = None
        self.settled = False

    # --- the exchange ---

    @rule()
    def start(self) -> None:
        self.asterisk.start()

    @rule(data=st.data())
    def say(self, data: st.DataObject) -> None:
        if self.asterisk.living:
            self.asterisk.say(data.draw(st.sampled_from(self.asterisk.living)))

    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        if self.asterisk.living:
            self.asterisk.end(data.draw(st.sampled_from(self.asterisk.living)))

    # --- the connection ---

    @precondition(lambda self: self.asterisk.line is None)
    @rule()
    def connect(self) -> None:
        self.asterisk.line = []
        self.lanes.connected()
        self.settled = False

    @precondition(lambda self: self.asterisk.line is not None and not self.settled)
    @rule()
    def look(self) -> None:
        """The exchange looks what it has; its answer is written later."""
        self.looked = self.asterisk.snapshot()

    @precondition(lambda self: self.asterisk.line is not None and self.looked is not None)
    @rule(ahead=st.integers(0, 3))
    def answer(self, ahead: int) -> None:
        """Events younger than the look may stand in front of its answer, older ones behind."""
        line = self.asterisk.line
        assert line is not None
        assert self.looked is not None
        line.insert(max(len(line) - ahead, 0), self.looked)
        self.looked = None
        self.settled = True

    @precondition(lambda self: bool(self.asterisk.line))
    @rule(count=st.integers(1, 5))
    def read(self, count: int) -> None:
        line = self.asterisk.line or []
        for _ in range(min(count, len(line))):
            self._hand(line.pop(0))

    @precondition(lambda self: self.asterisk.line is not None)
    @rule(read_first=st.integers(0, 4))
    def lose(self, read_first: int) -> None:
        """What was written and not read is lost."""
        line = self.asterisk.line or []
        for message in line[:read_first]:
            self._hand(message)
        self.asterisk.line = None
        self.looked = None

    def _hand(self, message: Event | Snapshot) -> None:
        if isinstance(message, Snapshot):
            handed = self.lanes.reconcile(message)
        else:
            handed = self.lanes.take(message)
        self.arrivals += handed.arrived
        for subject, said in handed.delivered:
            self.heard.setdefault(subject, []).append(said)
        self.ends += handed.ended

    # --- what must hold ---

    @invariant()
    def every_channel_arrives_at_most_once_and_ends_at_most_once(self) -> None:
        assert len(self.arrivals) == len(set(self.arrivals))
        assert len(self.ends) == len(set(self.ends))
        assert set(self.ends) <= set(self.arrivals)

    @invariant()
    def what_was_said_comes_in_order_and_once(self) -> None:
        for said in self.heard.values():
            numbers = [each.body["number"] for each in said if "number" in each.body]
            assert numbers == sorted(set(numbers))

    @invariant()
    def a_hole_is_told(self) -> None:
        """Whoever hears a number behind a hole has just been told that he may have missed some."""
        for said in self.heard.values():
            last, warned = 0, False
            for each in said:
                if each.type in (RESUMED, FOUND):
                    warned = True
                elif "number" in each.body:
                    assert each.body["number"] == last + 1 or warned
                    last, warned = each.body["number"], False

    def teardown(self) -> None:
        """Once connected and everything read, the application knows exactly who lives."""
        if self.asterisk.line is None:
            self.connect()
        if not self.settled:
            self.looked = self.looked or self.asterisk.snapshot()
            self.answer(0)
        while self.asterisk.line:
            self._hand(self.asterisk.line.pop(0))
        believed = {subject.id for subject in self.arrivals if subject not in self.ends}
        assert believed == set(self.asterisk.living)


Conversation.TestCase.settings = settings(max_examples=150, stateful_step_count=40)
TestConversation = Conversation.TestCase


def take(lanes: Lanes, type: str, name: str) -> Handed:
    return lanes.take(event({"type": type, "channel": {"id": name}}))


def test_a_channel_that_starts_between_snapshot_and_answer_is_not_called_vanished() -> None:
    lanes = Lanes()
    lanes.connected()
    take(lanes, "StasisStart", "young")
    assert lanes.reconcile(Snapshot({}, {}, [])) == Handed()
    assert channel("young") in lanes


def test_a_channel_that_ends_between_snapshot_and_answer_is_not_found_again() -> None:
    lanes = Lanes()
    lanes.connected()
    take(lanes, "StasisStart", "brief")
    take(lanes, "StasisEnd", "brief")
    assert lanes.reconcile(Snapshot({"brief": {}}, {}, ["brief"])).arrived == []


def test_after_a_lost_connection_each_lane_learns_what_became_of_it() -> None:
    lanes = Lanes()
    lanes.connected()
    for name in ("stays", "goes", "left"):
        take(lanes, "StasisStart", name)
    lanes.open(bridge("room"))
    lanes.open(bridge("ended"))
    lanes.connected()
    there = {name: {"id": name} for name in ("stays", "left", "new", "of-others")}
    handed = lanes.reconcile(Snapshot(there, {"room": {"id": "room"}}, ["stays", "new"]))
    told = {str(subject): said.type for subject, said in handed.delivered}
    assert told == {
        "channel:stays": RESUMED,
        "channel:goes": VANISHED,
        "channel:left": VANISHED,  # it lives, but not with us
        "channel:new": FOUND,
        "bridge:room": RESUMED,
        "bridge:ended": VANISHED,
    }
    assert handed.arrived == [channel("new")]
    assert set(handed.ended) == {channel("goes"), channel("left"), bridge("ended")}


def test_an_event_reaches_everybody_it_is_about() -> None:
    lanes = Lanes()
    take(lanes, "StasisStart", "caller")
    lanes.open(bridge("room"))
    body = {"type": "ChannelEnteredBridge", "channel": {"id": "caller"}, "bridge": {"id": "room"}}
    both = [subject for subject, _ in lanes.take(event(body)).delivered]
    assert both == [channel("caller"), bridge("room")]
    playing = {"type": "PlaybackStarted", "playback": {"target_uri": "channel:caller"}}
    assert [subject for subject, _ in lanes.take(event(playing)).delivered] == [channel("caller")]
    assert lanes.take(event({**body, "channel": {"id": "stranger"}})).arrived == []


def test_a_bridge_does_not_end_with_a_channel_of_it() -> None:
    body = {"type": "ChannelDestroyed", "channel": {"id": "c"}, "bridge": {"id": "b"}}
    assert event(body).ends(channel("c"))
    assert not event(body).ends(bridge("b"))


@pytest.mark.parametrize(
    "text",
    ["", "junk", "[]", "{}", '{"type": 5}', '{"type": "RESTResponse"}',
     '{"type": "RESTResponse", "request_id": "1", "status_code": 200, "message_body": "{"}'],
)  # fmt: skip
def test_what_is_not_understood_is_said(text: str) -> None:
    with pytest.raises(protocol.NotUnderstoodError):
        protocol.received(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(FIELDS), inner),
    max_leaves=6,
)


@given(
    st.dictionaries(st.sampled_from(FIELDS), JSON),
    st.sampled_from(["ChannelDtmfReceived", "StasisStart", "StasisEnd", "PlaybackFinished"]),
)
def test_no_odd_event_breaks_the_reader(body: dict[str, Any], type: str) -> None:
    came = protocol.received(json.dumps({**body, "type": type}))
    assert isinstance(came, Event)
    assert all(each.kind in ("channel", "bridge") and each.id for each in came.subjects)
    lanes = Lanes()
    lanes.open(channel("c"))
    lanes.take(came)


@pytest.mark.parametrize(
    ("status", "kind"), [(404, GoneError), (409, GoneError), (500, RefusedError)]
)
def test_a_refusal_is_an_error_of_its_kind(status: int, kind: type[RefusedError]) -> None:
    answer = protocol.Answer("1", status, "No", {"message": "Channel not found"})
    with pytest.raises(kind, match="POST channels/x: Channel not found") as caught:
        answer.result("POST channels/x")
    assert type(caught.value) is kind
    assert caught.value.status == status
