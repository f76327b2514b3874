"""A communicator without a board: pins in memory, and a web panel for the hands at them.

GET  /state    the bed as it looks now
POST /operate  {"bed", "control"}: press, hold, presence, presence_end
GET  /spoken   {"spoken": []}: it has no voice

The same shapes as `hw/virtual/panel.py`, which needs libraries that are not here.
"""

import asyncio
import json

from hw.debounce import HOLD_MS
from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.micropython import shim
from ward_node.micropython.communicator import LOOK_EVERY_MS

PRESS_MS = 150
HOLD_MARGIN_MS = 200
REQUEST_TIMEOUT_MS = 60_000  # whoever asks may stand still for a while on a slow machine
MOST_BYTES = 4_096
CONTROLS = ("press", "hold", "presence", "presence_end")


class VirtualPin:
    """As `machine.Pin`, as far as it is used here. An input is pulled up."""

    def __init__(self, number: int, is_input: bool) -> None:
        self._level = 1 if is_input else 0
        self.rises = 0

    def value(self, level: int | None = None) -> int:
        if level is not None:
            self.rises += level > self._level
            self._level = level
        return self._level


class Bench:
    """All pins of a virtual board, by number."""

    def __init__(self) -> None:
        self.pins: dict[int, VirtualPin] = {}

    def make(self, number: int, is_input: bool) -> VirtualPin:
        self.pins[number] = VirtualPin(number, is_input)
        return self.pins[number]


class Panel:
    """The hands at the communicator of `bed` on `bench`."""

    def __init__(self, bed: str, bench: Bench, pins: "dict[str, int]", communicator: Any) -> None:
        self._bed = bed
        self._pins = {name: bench.pins[number] for name, number in pins.items()}
        self._communicator = communicator
        self._finger: Any = None

    async def start(self, host: str, port: int) -> None:
        """Raises OSError when the port is taken."""
        await asyncio.start_server(self._serve, host, port)

    def state(self) -> "dict[str, Any]":
        bed: dict[str, Any] = {name: not self._pins[name].value() for name in ("red", "presence")}
        bed.update(self._communicator.shown)
        buzzer = self._pins["buzzer"]
        # A tone is over soon: `buzzes` tells of it to whoever looks later.
        bed.update({"cord": False, "plugged": True, "speaker": bool(buzzer.value())})
        bed.update({"buzzes": buzzer.rises, "counters": None, "dead": False})
        return {"beds": {self._bed: bed}, "noise": 0.0, "drop": 0.0, "gone": False}

    def operate(self, bed: Any, control: Any) -> None:
        """Raises ValueError for what is not here."""
        if bed != self._bed:
            raise ValueError("there is no " + str(bed) + " here")
        if control not in CONTROLS:
            raise ValueError(
                "a communicator has no control " + str(control) + "; it has " + ", ".join(CONTROLS)
            )
        if control in (kinds.PRESENCE, kinds.PRESENCE_END):
            self._pins["presence"].value(1 if control == kinds.PRESENCE_END else 0)
            return
        if self._finger is not None:
            self._finger.cancel()
        for_ms = PRESS_MS if control == kinds.PRESS else HOLD_MS + HOLD_MARGIN_MS
        self._finger = asyncio.create_task(self._press(for_ms))

    async def _press(self, for_ms: int) -> None:
        self._pins["red"].value(0)
        while not self._communicator.feels("red"):
            # Its loop may have stood still, and would have seen nothing of a finger that has left.
            await shim.sleep_ms(LOOK_EVERY_MS)
        await shim.sleep_ms(for_ms)
        self._pins["red"].value(1)

    async def _serve(self, reader: Any, writer: Any) -> None:
        try:
            method, path, body = await shim.within_ms(_request(reader), REQUEST_TIMEOUT_MS)
            status, told = self._answer(method, path, body)
            content = json.dumps(told).encode()
            head = "HTTP/1.0 " + status + "\r\nContent-Type: application/json\r\nContent-Length: "
            writer.write((head + str(len(content)) + "\r\n\r\n").encode() + content)
            await writer.drain()
        except (OSError, EOFError):
            pass  # the one who asked is gone
        await shim.close(writer)

    def _answer(self, method: str, path: str, body: bytes) -> "tuple[str, dict[str, Any]]":
        if (method, path) == ("GET", "/state"):
            return "200 OK", self.state()
        if (method, path) == ("GET", "/spoken"):
            return "200 OK", {"spoken": []}
        if (method, path) != ("POST", "/operate"):
            return "404 Not Found", {"error": "there is no " + path + " here"}
        try:
            asked = json.loads(body)
            self.operate(asked["bed"], asked["control"])
        except (ValueError, KeyError, TypeError) as error:
            return "400 Bad Request", {"error": str(error)}
        return "200 OK", self.state()


async def _request(reader: Any) -> "tuple[str, str, bytes]":
    """(method, path, body). Raises OSError when it is none."""
    first = (await reader.readline()).decode().split(" ")
    if len(first) != 3:
        raise OSError("no HTTP request")
    length = 0
    while True:
        line = (await reader.readline()).decode().strip()
        if not line:
            break
        name, _, value = line.partition(":")
        if name.lower() == "content-length":
            length = int(value)
    if not 0 <= length <= MOST_BYTES:
        raise OSError("a body of " + str(length) + " bytes")
    return first[0], first[1], (await reader.readexactly(length)) if length else b""
