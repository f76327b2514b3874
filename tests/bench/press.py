"""`./wardline bench press`: from the red button to the database and to the board.

Two bridged brokers, one box polling the bedside units of one ward on a serial bus, central's
bridge and console. All clocks are this machine's monotonic one, so stages can be subtracted:

    press      the moment before the virtual hand is told to press (its own way is included)
    published  the event is at the ward's broker
    stored     central's receipt is at the hospital's broker: the event is on disk
    board      the board's stream has brought the call; or a real browser shows its row

Beside it, in the same run, a bare MQTT QoS 1 message through the hospital's broker.
"""

import asyncio
import contextlib
import json
import queue
import random
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from playwright.async_api import Page, async_playwright

from gateway.mqtt import topics
from provisioning import hospital, packages
from provisioning.demo import Demo, running
from provisioning.layout import Layout, WardPlan
from provisioning.mosquitto import User
from provisioning.supervisor import free_ports
from provisioning.visitor import Board, visit
from tests.bench.figures import as_json, command_line, figures, table
from tests.bench.guests import HOP, connect, hear, hop_ends, watcher
from tests.paho import leave

WARD = "3"
# Hands at work at the same time, each at beds of its own.
HANDS = 2
STEP_TIMEOUT_S = 20.0
CHROMIUM = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
# Notes when each row first stands in the page, by bed, in ms since the Unix epoch.
WATCH_ROWS = """() => {
  window.rowsSeen = [];
  const rows = document.getElementById('rows');
  const note = () => {
    const at = performance.timeOrigin + performance.now();
    for (const row of rows.children) {
      if (row.seenCall === row.dataset.callId) continue;
      row.seenCall = row.dataset.callId;
      window.rowsSeen.push([row.dataset.bed, at]);
    }
  };
  new MutationObserver(note).observe(rows, {childList: true});
}"""


class StalledError(Exception):
    """A press was not followed to its end; shows the stages it reached."""

    error_id = "bench-stalled"


@dataclass
class Press:
    """The stages of one press, in ns on the monotonic clock."""

    bed: str
    pressed_ns: int
    id: str = ""
    published_ns: int = 0
    stored_ns: int = 0
    board_ns: int = 0
    browser_ms: float = 0.0  # wall clock
    pressed_wall_ms: float = 0.0
    whole: asyncio.Event = field(default_factory=asyncio.Event)


class Ears:
    """Listens at both brokers and at the board, and tells each press what it heard."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._lock = threading.Lock()
        self._open: dict[str, Press] = {}
        self._receipts: dict[str, int] = {}
        self.done: list[Press] = []

    def begin(self, bed: str) -> Press:
        press = Press(bed, time.monotonic_ns(), pressed_wall_ms=time.time_ns() / 1e6)
        with self._lock:
            self._open[bed] = press
        return press

    def published(self, message: mqtt.MQTTMessage) -> None:
        at_ns = time.monotonic_ns()
        event = json.loads(message.payload)
        with self._lock:
            press = self._open.get(event["bed"])
            if press is not None and event["type"] == "press" and not press.published_ns:
                press.id, press.published_ns = event["id"], at_ns
                # The two brokers are heard by two threads, so this one may come second.
                press.stored_ns = self._receipts.get(press.id, 0)
                self._look(press)

    def stored(self, message: mqtt.MQTTMessage) -> None:
        at_ns = time.monotonic_ns()
        with self._lock:
            for id in json.loads(message.payload)["ids"]:
                self._receipts.setdefault(id, at_ns)
            for press in list(self._open.values()):
                if press.id in self._receipts and not press.stored_ns:
                    press.stored_ns = self._receipts[press.id]
                    self._look(press)

    def shown(self, board: dict[str, Any], at_ns: int) -> None:
        with self._lock:
            for call in board["calls"]:
                press = self._open.get(call["bed"])
                if press is not None and not press.board_ns and call["state"] == "open":
                    press.board_ns = at_ns
                    self._look(press)

    def _look(self, press: Press) -> None:
        if press.published_ns and press.stored_ns and press.board_ns:
            del self._open[press.bed]
            self.done.append(press)
            self._loop.call_soon_threadsafe(press.whole.set)


class BareHop:
    """A QoS 1 message from one client through the hospital's broker to another."""

    def __init__(self, port: int, ends: tuple[User, User]) -> None:
        self.clients = [connect(port, end) for end in ends]
        self._arrived: queue.SimpleQueue[int] = queue.SimpleQueue()
        hear(self.clients[1], HOP, lambda _: self._arrived.put(time.monotonic_ns()))
        self.times_ms: list[float] = []

    def measure(self) -> None:
        began_ns = time.monotonic_ns()
        self.clients[0].publish(HOP, b'{"ids":["bench"]}', qos=1)
        self.times_ms.append((self._arrived.get(timeout=STEP_TIMEOUT_S) - began_ns) / 1e6)


async def hand(demo: Demo, ears: Ears, board: Board, beds: list[str], presses: int) -> None:
    """Press at `beds` in turn, each time come to the bed, and leave it again."""
    url = demo.layout.controls(demo.layout.wards[0])
    choice = random.Random(int(beds[0]))

    async def operate(bed: str, control: str) -> None:
        body = {"bed": bed, "control": control}
        async with demo.http.post(f"{url}/operate", json=body) as answer:
            answer.raise_for_status()

    for number in range(presses):
        bed = beds[number % len(beds)]
        # Not in step with the poll of the bus.
        await asyncio.sleep(choice.uniform(0, 0.25))
        press = ears.begin(bed)
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                await operate(bed, "press")
                await press.whole.wait()
                await operate(bed, "presence")
                await board.until(lambda bed=bed: board.call(bed) is None)
                await operate(bed, "presence_end")
        except TimeoutError as error:
            raise StalledError(f"no further within {STEP_TIMEOUT_S:.0f} s: {press}") from error


@contextlib.asynccontextmanager
async def browser_board(layout: Layout) -> AsyncIterator[Page]:
    """The ward's board in a real Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=packages.CHROMIUM.found(), args=CHROMIUM
        )
        try:
            page = await browser.new_page()
            await page.goto(f"{layout.web_url}/login")
            await page.fill('input[name="name"]', f"nurse{WARD}")
            await page.fill('input[name="password"]', hospital.PASSWORD)
            await page.click("main button.btn-primary")
            await page.goto(f"{layout.web_url}/board/{WARD}")
            await page.wait_for_selector("#nobody:not([hidden])")
            await page.evaluate(WATCH_ROWS)
            yield page
        finally:
            await browser.close()


async def measure(
    folder: Path, beds: int, presses: int, browser: bool, say: Callable[[str], None]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """(figures by stage, facts of the run)."""
    plan = WardPlan(WARD, "三病区", "Ward 3", "bus", tuple(str(n) for n in range(1, beds + 1)))
    ends = hop_ends()
    at_ward, at_hospital = watcher("bench", topics.EVENT), watcher("bench", topics.RECEIPT)
    guests = {"broker": (*ends, at_hospital), f"broker-{WARD}": (at_ward,)}
    layout = Layout(folder, (plan,), free_ports(1)[0], guests=guests)
    async with contextlib.AsyncExitStack() as stack:
        demo = await stack.enter_async_context(running(layout, say))
        nurse = await stack.enter_async_context(visit(layout.web_url))
        await nurse.log_in(f"nurse{WARD}", hospital.PASSWORD)
        board = await stack.enter_async_context(nurse.board(WARD))
        await board.until(lambda: True)
        page = await stack.enter_async_context(browser_board(layout)) if browser else None
        ears = Ears(asyncio.get_running_loop())
        board.on_shown = ears.shown
        hospital_port, ward_port = layout.ports["hospital"], layout.ports[f"broker-{WARD}"]
        hop = BareHop(hospital_port, ends)
        clients = [*hop.clients, connect(ward_port, at_ward), connect(hospital_port, at_hospital)]
        for client in clients:
            stack.callback(leave, client)
        hear(clients[-2], topics.topic(WARD, plan.box, topics.EVENT), ears.published)
        hear(clients[-1], topics.topic(WARD, plan.box, topics.RECEIPT), ears.stored)
        say(f"{presses} presses at {beds} beds")
        hands = [
            asyncio.create_task(hand(demo, ears, board, list(plan.beds[n::HANDS]), share))
            for n, share in enumerate(_shares(presses, min(HANDS, beds)))
        ]
        working = asyncio.gather(*hands)
        while not working.done():
            await asyncio.to_thread(hop.measure)
            await asyncio.sleep(0.05)
        await working
        rows = await page.evaluate("() => window.rowsSeen") if page else []
        health = demo.store.read().value("SELECT health FROM nodes WHERE id = ?", (plan.box,))
    _note_browser(ears.done, rows)
    facts = {"beds": beds, "presses": len(ears.done), "poll_ms": json.loads(health).get("poll_ms")}
    return _stages(ears.done, hop.times_ms), facts


def _shares(presses: int, hands: int) -> list[int]:
    return [presses // hands + (n < presses % hands) for n in range(hands)]


def _note_browser(presses: list[Press], rows: list[Any]) -> None:
    """Give each press the first row of its bed that the browser showed after it."""
    for press in presses:
        later = [at for bed, at in rows if bed == press.bed and at >= press.pressed_wall_ms]
        press.browser_ms = min(later, default=0.0)


def _stages(presses: list[Press], hop_ms: list[float]) -> dict[str, dict[str, Any]]:
    def between(first: str, last: str) -> dict[str, Any]:
        return figures([(getattr(p, last) - getattr(p, first)) / 1e6 for p in presses])

    browser = [p.browser_ms - p.pressed_wall_ms for p in presses if p.browser_ms]
    return {
        "press to event at the ward's broker": between("pressed_ns", "published_ns"),
        "press to stored (receipt at the hospital's)": between("pressed_ns", "stored_ns"),
        "press to board (event stream)": between("pressed_ns", "board_ns"),
        "press to board (row in Chromium)": figures(browser),
        "event at the ward's broker to stored": between("published_ns", "stored_ns"),
        "stored to board (event stream)": between("stored_ns", "board_ns"),
        "bare MQTT QoS 1 through one broker": figures(hop_ms),
    }


def main() -> int:
    parser = command_line("press", __doc__)
    parser.add_argument("--presses", type=int, default=500, help="how many (500)")
    parser.add_argument("--beds", type=int, default=32, help="bedside units on the bus (32)")
    parser.add_argument("--no-browser", action="store_true", help="leave the real browser out")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as folder:
        stages, facts = asyncio.run(
            measure(Path(folder), given.beds, given.presses, not given.no_browser, say)
        )
    print(table(stages))
    print(as_json("press", stages, **facts), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
