"""`./wardline bench calls`: the telephone exchange, steered by our application and bare.

One exchange, called from outside by sipp, as many calls at a time as are asked for:

    bare   its dial plan alone answers, plays a prompt and hangs up
    ours   the same by our reception: the call comes to the application, a handler answers, says
           the prompt and returns

in turns, so that both meet the same machine; calls a second, and what a call costs in processor
time. Then telephones are rung, one after the other, on the exchange at rest:

    bare   from the caller's INVITE to the telephone's, by the dial plan's Dial
    ours   from `ring()` in the application to the telephone's INVITE

Last, with everything else that a demo has, a button is pressed at a bed until the nurse station's
telephone rings, and the time for which the ward's policy waits is taken off.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from central.clock import SystemClock
from central.store import Store
from central.telephone.desk import Arrival, Desk, Reception
from gateway.telephone.directory import Directory, Service, Trunk
from gateway.telephone.exchange import SOUNDS
from provisioning.supervisor import free_ports
from tests.bench import ringing, waiting
from tests.bench.figures import as_json, command_line, figures, table
from tests.bench.load import TIMEOUT_S, Load
from tests.telephone.phone import tone
from tests.telephone.running import RunningExchange
from tests.telephone.world import World, until

# As the world knows them.
OURS, BARE, RUNG = "62345600", "62345601", "62345602"
INSIDE, PURPOSE = "600", "bench"
PROMPT, PROMPT_S = "prompt", 0.1
MEDIA = f"sound:{SOUNDS}/{PROMPT}"
# What the exchange does without us. `i`: Answer would wait half a second for the caller's voice.
BARE_PLAN = f"""
[inbound-world]
exten => {BARE},1,Answer(0,i)
 same => n,Playback({SOUNDS}/{PROMPT})
 same => n,Hangup()
exten => {RUNG},1,Dial(PJSIP/trunk-phone,30)
"""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Prompts:
    """The prompt is there already, whatever it says."""

    async def media(self, lang: str, text: str) -> str:
        return MEDIA


@dataclass
class Cost:
    """Of all rounds of one way: s of wall time, of the exchange's processor and of ours."""

    calls: int = 0
    wall_s: float = 0
    exchange_s: float = 0
    ours_s: float = 0
    answered_ms: list[float] = field(default_factory=list)

    def facts(self, way: str) -> dict[str, Any]:
        return {
            f"{way}_per_s": round(self.calls / self.wall_s, 1),
            f"{way}_exchange_ms_per_call": round(self.exchange_s / self.calls * 1000, 2),
            f"{way}_application_ms_per_call": round(self.ours_s / self.calls * 1000, 2),
        }


class Bench:
    """One exchange and our application on it."""

    def __init__(self, folder: Path, exchange: RunningExchange, world: World, port: int) -> None:
        self._folder = folder
        self._exchange = exchange
        self._world = world
        self._port = port

    async def set_up(self, number: str, calls: int, at_once: int, cost: Cost) -> None:
        """Let sipp call `number`; what it cost is added to `cost`. Raises LoadFailedError."""
        load = self._load("answered", self._port)
        exchange_s, ours_s = self._exchange_s(), time.process_time()
        loaded = await asyncio.to_thread(
            load.call, self._exchange.settings.ports.sip, number, calls, at_once
        )
        cost.calls += loaded.calls
        cost.wall_s += loaded.took_s
        cost.answered_ms += loaded.answered_ms
        cost.exchange_s += self._exchange_s() - exchange_s
        cost.ours_s += time.process_time() - ours_s

    async def ring_bare(self, rings: int, phone: int) -> list[float]:
        """ms from INVITE to INVITE."""
        called = await self._phone(rings, phone)
        load = self._load("is_turned_down", self._port)
        asked = await asyncio.to_thread(
            load.call_in_turn, self._exchange.settings.ports.sip, RUNG, rings
        )
        return [(there - here) * 1000 for here, there in zip(asked, await called, strict=True)]

    async def ring_ours(self, rings: int, phone: int) -> list[float]:
        """ms from asking for it to INVITE."""
        called = await self._phone(rings, phone)
        asked = []
        for _ in range(rings):
            asked.append(time.time())
            lane = await self._world.actions.ring("PJSIP/trunk-phone")
            await until(lane, "ChannelDestroyed")
        return [(there - here) * 1000 for here, there in zip(asked, await called, strict=True)]

    async def _phone(self, rings: int, port: int) -> "asyncio.Task[list[float]]":
        """A telephone that is there, and will tell when it was rung."""
        called = asyncio.create_task(
            asyncio.to_thread(self._load("turns_down", port).be_called, rings)
        )
        async with asyncio.timeout(TIMEOUT_S):
            await waiting.until(lambda: called.done() or _heard(port), look_every_s=0.01)
        return called

    def _load(self, scenario: str, port: int) -> Load:
        return Load(Path(tempfile.mkdtemp(dir=self._folder)) / scenario, scenario, port)

    def _exchange_s(self) -> float:
        """Processor time that Asterisk has used."""
        return processor_s(self._exchange.pid)


def processor_s(pid: int) -> float:
    """Processor time that a process has used."""
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICKS_PER_S


def _heard(port: int) -> bool:
    """Whether somebody has this UDP port."""
    return f":{port:04X} 00000000:0000" in Path("/proc/net/udp").read_text()


async def answer(desk: Desk, arrival: Arrival) -> None:
    """What the bare dial plan does."""
    await desk.actions.answer(arrival.channel)
    await desk.say(arrival.lane, arrival.lang, PROMPT)


@contextlib.asynccontextmanager
async def application(exchange: RunningExchange, store: Store) -> AsyncIterator[World]:
    async with World(exchange.settings.ari_url) as world:
        await world.ready()
        desk = Desk(store, world.actions, Prompts(), _publish)
        reception = Reception(desk, {PURPOSE: answer})

        async def receive() -> None:
            while True:
                reception.arrived(await world.arrived.get())

        receiving = asyncio.create_task(receive())
        yield world
        receiving.cancel()
        await reception.close()


async def _publish(*said: Any) -> None:
    raise NotImplementedError


async def measure(
    folder: Path, calls: int, at_once: int, rounds: int, rings: int, say: Callable[[str], None]
) -> tuple[dict[str, dict[str, Any]], dict[str, Any]]:
    """(figures by stage, facts of the run). Raises LoadFailedError."""
    world_port, phone_port = free_ports(2)
    inbound = ((OURS, INSIDE),)
    directory = Directory(
        services=(Service(INSIDE, PURPOSE),),
        trunks=(
            Trunk("world", f"127.0.0.1:{world_port}", inbound=inbound),
            Trunk("phone", f"127.0.0.1:{phone_port}"),
        ),
    )
    exchange = RunningExchange(folder / "exchange", directory)
    tone(exchange.folder / "sounds" / f"{PROMPT}.wav", PROMPT_S)
    (exchange.folder / "etc" / "extensions_local.conf").write_text(BARE_PLAN)
    store = Store(folder / "wardline.db", SystemClock())
    ways = {BARE: Cost(), OURS: Cost()}
    with contextlib.closing(store), contextlib.closing(exchange):
        exchange.start()
        async with application(exchange, store) as world:
            bench = Bench(folder, exchange, world, world_port)
            for number in ways:  # what is done for the first time only
                await bench.set_up(number, at_once, at_once, Cost())
            for turn in range(rounds):
                say(f"round {turn + 1} of {rounds}: {calls} calls each, {at_once} at a time")
                for number, cost in ways.items():
                    await bench.set_up(number, calls, at_once, cost)
            say(f"{rings} rings each")
            rung_bare = await bench.ring_bare(rings, phone_port)
            rung_ours = await bench.ring_ours(rings, phone_port)
    bare, ours = ways[BARE], ways[OURS]
    share = (ours.calls / ours.wall_s) / (bare.calls / bare.wall_s)
    facts = {**bare.facts("bare"), **ours.facts("ours"), "ours_of_bare": round(share, 2)}
    return {
        "INVITE to answer, bare": figures(bare.answered_ms),
        "INVITE to answer, ours": figures(ours.answered_ms),
        "INVITE to INVITE at the telephone, bare": figures(rung_bare),
        "ring() to INVITE at the telephone, ours": figures(rung_ours),
    }, facts


def main() -> int:
    parser = command_line("calls", __doc__)
    parser.add_argument("--calls", type=int, default=1000, help="in each round, each way (1000)")
    parser.add_argument("--at-once", type=int, default=60, help="calls at each moment (60)")
    parser.add_argument("--rounds", type=int, default=3, help="in turns, bare and ours (3)")
    parser.add_argument("--presses", type=int, default=20, help="of a button at a bed (20)")
    parser.add_argument("--rings", type=int, default=200, help="of a telephone, each way (200)")
    given = parser.parse_args()

    def say(text: str) -> None:
        print(f"bench: {text}", file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="wardline-bench-") as place:
        folder = Path(place)
        stages, facts = asyncio.run(
            measure(folder, given.calls, given.at_once, given.rounds, given.rings, say)
        )
        rung = asyncio.run(ringing.press_to_ring(folder / "demo", given.presses, say))
        stages |= ringing.stages(rung)
    print(table(stages))
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):<46}{value:>6}")
    arguments = {"calls": given.calls, "at_once": given.at_once, "rounds": given.rounds}
    print(as_json("calls", stages, **arguments, **facts), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
