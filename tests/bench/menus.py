"""`./wardline bench menus`: spoken menus by telephone, ours and a bare dial plan's.

One exchange; callers who send their keys by RFC 4733 and hear what comes back, packet by packet.
Both ways answer, play a prompt, take a key in the midst of it, play another, take the next key,
play the last words and hang up, with the same sound files:

    bare   Answer, Background, WaitExten, Playback of the dial plan
    ours   a menu document on our application, which is a process of its own

in turns, so that both meet the same machine:

    calls a second, so many at a time, and what a call costs in processor time
    from the end of a key to the first packet of its answer, and to the last of what it broke off
    the most callers at once of whom each key is answered within 300 ms
    how long callers hear nothing when the application is killed over them

The callers are of this process and share the machine; what they cost is told beside the rest.
"""

import asyncio
import contextlib
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from central.clock import SystemClock
from central.store import Store
from gateway.telephone.directory import Directory, Service, Trunk
from gateway.telephone.exchange import SOUNDS
from provisioning import exchange as asterisk
from provisioning.environment import ROOT
from provisioning.supervisor import free_ports
from tests.bench.calls import processor_s
from tests.bench.figures import as_json, command_line, figures, table
from tests.bench.menu_desk import LOUD, SORRY_S, prompts, put_menu
from tests.flows.caller import FRAME_MS, Call, CallRefusedError, Heard, Line, Pressed
from tests.telephone.running import RunningExchange

# As the world knows them.
OURS, BARE = "62345600", "62345601"
INSIDE = "600"
WITHIN_MS = 300.0
HEARD_MS = 100
THINK_S = (0.3, 1.2)
RTP_PORTS = 2400
ANSWER_TIMEOUT_S = 10.0
# Whoever has heard nothing new for so long since the application died is left in silence.
SILENT_S = 60.0
BARE_PLAN = """
[inbound-world]
exten => {number},1,Answer(0,i)
 same => n,Goto(bench-one,s,1)
[bench-one]
exten => s,1,Background({sounds}/{one})
 same => n,WaitExten(5)
 same => n,Goto(s,1)
exten => 1,1,Goto(bench-two,s,1)
exten => 2,1,Goto(bench-bye,s,1)
[bench-two]
exten => s,1,Background({sounds}/{two})
 same => n,WaitExten(5)
 same => n,Goto(s,1)
exten => 1,1,Goto(bench-one,s,1)
exten => 2,1,Goto(bench-bye,s,1)
[bench-bye]
exten => s,1,Playback({sounds}/{bye})
 same => n,Hangup()
"""


@dataclass
class Keys:
    """ms of each: from the end of a key to its answer; and to the end of what it broke off, from
    the key's end and from its beginning."""

    answered_ms: list[float] = field(default_factory=list)
    silenced_ms: list[float] = field(default_factory=list)
    silenced_from_begin_ms: list[float] = field(default_factory=list)

    def add(self, other: "Keys") -> None:
        self.answered_ms += other.answered_ms
        self.silenced_ms += other.silenced_ms
        self.silenced_from_begin_ms += other.silenced_from_begin_ms


@dataclass
class Cost:
    """Of all rounds of one way: s of wall time and of processor time."""

    calls: int = 0
    unanswered: int = 0  # keys, whose calls are not counted
    wall_s: float = 0
    exchange_s: float = 0
    application_s: float = 0
    callers_s: float = 0

    def facts(self, way: str) -> dict[str, Any]:
        each_ms = 1000 / max(1, self.calls)
        return {
            f"{way}_calls_per_s": round(self.calls / self.wall_s, 1),
            f"{way}_exchange_ms_per_call": round(self.exchange_s * each_ms, 2),
            f"{way}_application_ms_per_call": round(self.application_s * each_ms, 2),
            f"{way}_callers_ms_per_call": round(self.callers_s * each_ms, 2),
            f"{way}_keys_unanswered": self.unanswered,
        }

    @property
    def of_ours_s(self) -> float:
        """What answering costs, without the callers."""
        return self.exchange_s + self.application_s


def _is(which: str, heard: Heard) -> bool:
    """Whether it is a packet of that prompt: between them is a factor of two."""
    return LOUD[which] * 0.75 < heard.loudness < LOUD[which] * 1.5


async def _press(call: Call, key: str, hears: str, after: str, keys: Keys) -> None:
    """Press it over `after`, and hear a moment of its answer."""
    await call.press(key)
    pressed: Pressed = call.pressed[-1]
    at = pressed.heard
    async with asyncio.timeout(ANSWER_TIMEOUT_S):
        while not any(_is(hears, each) for each in call.heard[at:]):
            await call.hears(FRAME_MS, len(call.heard))
    heard = call.heard[at:]
    first = next(n for n, each in enumerate(heard) if _is(hears, each))
    keys.answered_ms.append((heard[first].at_s - pressed.ended_s) * 1000)
    before = [each for each in call.heard[: at + first] if _is(after, each)]
    last_s = max(pressed.began_s, before[-1].at_s if before else 0.0)
    keys.silenced_ms.append(max(0.0, last_s - pressed.ended_s) * 1000)
    keys.silenced_from_begin_ms.append((last_s - pressed.began_s) * 1000)


async def short_call(line: Line, number: str, keys: Keys) -> None:
    """Two keys, and to the end of the last words."""
    call = await line.dial(number)
    await call.hears(HEARD_MS)
    await _press(call, "1", "two", "one", keys)
    await call.hears(HEARD_MS, len(call.heard))
    await _press(call, "2", "bye", "two", keys)
    await call.hung_up()


async def long_call(
    line: Line, number: str, presses: int, all_there: asyncio.Barrier, keys: Keys
) -> None:
    """Between the two prompts again and again, with a while to think before each key."""
    call = await line.dial(number)
    await call.hears(HEARD_MS)
    await all_there.wait()
    after, hears = "one", "two"
    for _ in range(presses):
        await asyncio.sleep(random.uniform(*THINK_S))
        await _press(call, "1", hears, after, keys)
        after, hears = hears, after
    await call.hang_up()


class Bench:
    """One exchange, our application on it, and the world that calls."""

    def __init__(self, folder: Path, exchange: RunningExchange, port: int) -> None:
        self._folder = folder
        self._exchange = exchange
        self._port = port
        self._application: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Returns once our application answers."""
        self._application = subprocess.Popen(
            [sys.executable, "-P", "-m", "tests.bench.menu_desk", str(self._folder),
             self._exchange.settings.ari_url],
            cwd=ROOT, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._application.stdout is not None
        if not self._application.stdout.readline():
            raise RuntimeError("the application did not start")

    def kill(self) -> None:
        if self._application is not None:
            self._application.kill()
            self._application.communicate()
            self._application = None

    def line(self) -> Line:
        return Line(self._exchange.settings.ports.sip, "13900000000", port=self._port, hums=False)

    @contextlib.contextmanager
    def counted(self, cost: Cost) -> Iterator[None]:
        assert self._application is not None
        pids = self._exchange.pid, self._application.pid
        began, callers = time.monotonic(), time.process_time()
        before = [processor_s(each) for each in pids]
        yield
        cost.wall_s += time.monotonic() - began
        after = [processor_s(each) for each in pids]
        cost.exchange_s += after[0] - before[0]
        cost.application_s += after[1] - before[1]
        cost.callers_s += time.process_time() - callers

    async def calls(self, number: str, calls: int, at_once: int, cost: Cost, keys: Keys) -> None:
        left = iter(range(calls))

        async def caller(line: Line) -> None:
            for _ in left:
                try:
                    await short_call(line, number, keys)
                    cost.calls += 1
                except TimeoutError:
                    cost.unanswered += 1

        async with self.line() as line:
            with self.counted(cost):
                await asyncio.gather(*(caller(line) for _ in range(at_once)))

    async def at_once(self, number: str, callers: int, presses: int) -> Keys:
        """So many in a menu at the same time. Raises CallRefusedError, TimeoutError."""
        keys, all_there = Keys(), asyncio.Barrier(callers)
        async with self.line() as line, asyncio.TaskGroup() as group:
            for _ in range(callers):
                group.create_task(long_call(line, number, presses, all_there, keys))
        return keys

    async def most(
        self, number: str, levels: list[int], presses: int, say: Callable[[str], None]
    ) -> tuple[int, dict[int, float]]:
        """The highest of `levels` at which every key is answered in time, and the worst answer of
        each that was tried."""
        most, worst = 0, {}
        for callers in levels:
            try:
                keys = await self.at_once(number, callers, presses)
            except ExceptionGroup as error:
                if error.split((CallRefusedError, TimeoutError))[1] is not None:
                    raise
                say(f"{callers} callers: {error.exceptions[0]!r}")
                break
            worst[callers] = round(max(keys.answered_ms), 1)
            say(f"{callers} callers: the slowest answer after {worst[callers]} ms")
            if worst[callers] > WITHIN_MS:
                break
            most = callers
        return most, worst

    async def killed(self, callers: int, *, comes_back: bool) -> dict[str, Any]:
        """Our application dies over so many callers: how long each hears nothing until words come
        again, and how many never hear any."""
        async with self.line() as line:
            calls = [await line.dial(OURS) for _ in range(callers)]
            await asyncio.gather(*(each.hears(HEARD_MS) for each in calls))
            for each in calls[::2]:  # these are in the midst of another prompt
                await each.press("1")
            at = [len(each.heard) for each in calls]
            self.kill()
            if comes_back:
                await asyncio.to_thread(self.start)
            gaps = await asyncio.gather(*map(_silence_s, calls, at))
        return {
            "callers": callers,
            "in_silence": sum(each is None for each in gaps),
            "longest_silence_s": round(max(each or 0.0 for each in gaps), 1),
        }


async def _silence_s(call: Call, at: int) -> float | None:
    """The longest until words of another prompt have come, after packet `at`; None: they never
    did."""
    before = "two" if call.pressed else "one"
    try:
        async with asyncio.timeout(SILENT_S):
            while not (_goes_on(call, at, before) or call.over.is_set()):
                await call.hears(FRAME_MS, len(call.heard))
    except TimeoutError:
        return None
    times = [each.at_s for each in call.heard[max(0, at - 1) :]]
    return max(later - sooner for sooner, later in pairwise(times))


def _goes_on(call: Call, at: int, before: str) -> bool:
    """Whether an apology, or the menu anew, has been heard since."""
    heard = call.heard[at:]
    again = [each for each in heard if _is("bye", each)]
    if len(again) * FRAME_MS >= SORRY_S * 1000 - FRAME_MS:
        return True
    starts = [n for n, (a, b) in enumerate(pairwise(heard))
              if b.at_s - a.at_s > 0.5 or (_is(before, a) and not _is(before, b))]  # fmt: skip
    return bool(starts) and len(heard) - starts[-1] > HEARD_MS // FRAME_MS


@contextlib.asynccontextmanager
async def benched(folder: Path) -> AsyncIterator[Bench]:
    (port,) = free_ports(1)
    directory = Directory(
        services=(Service(INSIDE, "menu_bench"),),
        trunks=(Trunk("world", f"127.0.0.1:{port}", inbound=((OURS, INSIDE),)),),
    )
    exchange = RunningExchange(
        folder / "exchange", directory, ports=asterisk.free(rtp_count=RTP_PORTS)
    )
    said = prompts(folder)
    names = {each: (await said.media("zh", each)).rpartition("/")[2] for each in LOUD}
    plan = BARE_PLAN.format(number=BARE, sounds=SOUNDS, **names)
    (exchange.folder / "etc" / "extensions_local.conf").write_text(plan)
    store = Store(folder / "wardline.db", SystemClock())
    put_menu(store)
    store.close()
    bench = Bench(folder, exchange, port)
    with contextlib.closing(exchange):
        exchange.start()
        try:
            await asyncio.to_thread(bench.start)
            yield bench
        finally:
            bench.kill()


async def measure(
    folder: Path, calls: int, at_once: int, rounds: int, presses: int, levels: list[int],
    killed: int, say: Callable[[str], None],
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:  # fmt: skip
    """(figures by stage, facts of the run)."""
    ways = {"bare": BARE, "ours": OURS}
    costs = {way: Cost() for way in ways}
    most: dict[str, tuple[int, dict[int, float]]] = {}
    broken = {way: Keys() for way in ways}
    async with benched(folder) as bench:
        for number in ways.values():  # what is done for the first time only
            await bench.calls(number, at_once, at_once, Cost(), Keys())
        for turn in range(rounds):
            say(f"round {turn + 1} of {rounds}: {calls} calls each, {at_once} at a time")
            for way, number in ways.items():
                await bench.calls(number, calls, at_once, costs[way], Keys())
        for way, number in ways.items():
            say(f"{presses} keys in the midst of words, {way}")
            broken[way].add(await bench.at_once(number, 4, -(-presses // 4)))
        for way, number in ways.items():
            say(f"more and more callers, {way}")
            most[way] = await bench.most(number, levels, 4, say)
        dies = await _dies(bench, killed, say)
    bare, ours = costs["bare"], costs["ours"]
    facts = {
        **bare.facts("bare"), **ours.facts("ours"),
        "ours_of_bare_calls": round(ours.calls / ours.wall_s / (bare.calls / bare.wall_s), 2),
        "ours_of_bare_by_processor": round(bare.of_ours_s / max(ours.of_ours_s, 1e-9), 2),
        **{f"{way}_most_callers": most[way][0] for way in ways},
        **{f"{way}_worst_ms_by_callers": most[way][1] for way in ways},
        **dies,
    }  # fmt: skip
    stages: dict[str, dict[str, Any]] = {}
    for way, keys in broken.items():
        stages |= {
            f"end of key to its answer, {way}": figures(keys.answered_ms),
            f"end of key to silence of before, {way}": figures(keys.silenced_ms),
            f"begin of key to silence of before, {way}": figures(keys.silenced_from_begin_ms),
        }
    return stages, facts


async def _dies(
    bench: Bench, callers: int, say: Callable[[str], None]
) -> dict[str, dict[str, Any]]:
    found = {}
    for name, comes_back in (("killed_and_back", True), ("killed", False)):
        say(f"the application is killed over {callers} callers" + " and back" * comes_back)
        found[name] = await bench.killed(callers, comes_back=comes_back)
    return found


def main() -> int:
    parser = command_line("menus", __doc__)
    parser.add_argument("--calls", type=int, default=800, help="in each round, each way (800)")
    parser.add_argument("--at-once", type=int, default=120, help="calls at each moment (120)")
    parser.add_argument("--rounds", type=int, default=3, help="in turns, bare and ours (3)")
    parser.add_argument("--presses", type=int, default=100, help="in the midst of words (100)")
    parser.add_argument(
        "--levels", type=int, nargs="+", default=[*range(50, 401, 25)],
        help="callers at once that are tried in turn",
    )  # fmt: skip
    parser.add_argument("--killed", type=int, default=50, help="callers when it is killed (50)")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as place:
        stages, facts = asyncio.run(
            measure(
                Path(place), given.calls, given.at_once, given.rounds, given.presses,
                given.levels, given.killed, say,
            )
        )  # fmt: skip
    print(table(stages))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<46}{value!s:>6}")
    arguments = {"calls": given.calls, "at_once": given.at_once, "rounds": given.rounds}
    print(as_json("menus", stages, **arguments, **facts), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
