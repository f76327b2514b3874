"""Runs under MicroPython: what the node's core takes of the heap, as a line of JSON.

In the middle of a working day, with the settings of its ward: a communicator at one bed with a
call, a drip with its words and three events that central has not receipted; or, asked for "8", a
box with eight beds, two calls, four drips and twenty events.
"""

import gc
import json
import sys


def in_use():
    gc.collect()
    gc.collect()  # what the first round set free may have held more
    return gc.mem_alloc()


before = in_use()

from ward_node.core import effects  # noqa: E402
from ward_node.core.node import BEDSIDE, Identity, Node  # noqa: E402
from ward_node.core.outbox import Outbox  # noqa: E402

code = in_use()

TEXT = "您的输液快要结束了,请按一下红色按钮,护士马上过来。"
BED_COUNT = int(sys.argv[1])
CALLS, DRIPS, EVENTS = (1, 1, 3) if BED_COUNT == 1 else (2, 4, 20)
BEDS = tuple([str(number) for number in range(1, BED_COUNT + 1)])


class Flash:
    """A journal that holds nothing in memory, as one in flash."""

    def load(self):
        return []

    def beside(self):
        return []

    def append(self, line, durable):
        pass

    def rewrite(self, lines):
        pass


def words(number):
    audio = {"sha256": "0" * 63 + str(number), "url": f"http://central/{number}.wav"}
    audio["duration_ms"] = 4000
    return {"lang": "zh", "text": TEXT, "audio": audio}


class Board:
    """Feeds a node and takes note of what it would put in flash, nothing else."""

    def __init__(self):
        me = Identity("3", "3-box", BEDSIDE, BEDS, "communicator")
        outbox = Outbox("3", "3-box", 1, Flash(), "1", 0, 200)
        has_voice = BED_COUNT > 1
        self.node = Node(me, outbox, {}, "1", 0, 0, has_voice)
        self.now_ms = 0

    def hear(self, kind, message, node="3-box"):
        self.now_ms += 50
        payload = json.dumps(message).encode()
        given = (kind, payload, "3", node, self.now_ms, self.now_ms)
        for effect in self.node.handle_message(*given):
            if isinstance(effect, effects.Note) and effect.grave:
                raise ValueError(effect.text)

    def command(self, number, type, bed, body):
        told = {"id": str(number), "type": type, "bed": bed, "expires_at_ms": 10000000000000}
        told["body"] = body
        self.hear("command", told)

    def press(self, bed):
        self.now_ms += 50
        self.node.handle_input(bed, "press", {}, self.now_ms, self.now_ms)


def working_day():
    board = Board()
    board.node.connected(0, 0)
    clock = {"now_ms": 1790000000000, "real_ms": 1790000000000, "offset_min": 480, "session": "1"}
    board.hear("clock", clock, "all")
    phrases = {"node.alone_registered": words(1), "node.self_test": words(2)}
    bands = [{"from_min": 1320, "to_min": 360, "volume": 30}]
    settings = {"version": 1, "revision": 1, "lang": "zh", "beds": list(BEDS), "bands": bands}
    settings["phrases"] = phrases
    board.hear("config", settings)
    for number in range(CALLS):
        body = {"call": str(number), "phase": "accepted", "priority": "medium", "words": words(3)}
        board.command(number, "call", BEDS[number % BED_COUNT], body)
    for number in range(DRIPS):
        stages = ("near", "due", "overdue")
        prompts = [
            {"stage": stage, "in_ms": 3600000 + place, "words": words(place), "final": place == 2}
            for place, stage in enumerate(stages)
        ]
        body = {"infusion": str(number), "revision": 1, "prompts": prompts}
        board.command(10 + number, "reminders", BEDS[number % BED_COUNT], body)
    for number in range(EVENTS):
        board.press(BEDS[number % BED_COUNT])
    return board


board = working_day()
state = in_use()
told = {"code_bytes": code - before, "state_bytes": state - code, "core_bytes": state - before}
told["events"] = len(board.node.outbox)
told["drips"] = len(board.node.drips)
print(json.dumps(told))
