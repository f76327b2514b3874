"""`./wardline demo --check`: one story through the real parts, each step seen at its far end."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from central.admissions import model as admissions
from gateway.his import client as mllp
from gateway.mqtt import kinds
from provisioning import hospital
from provisioning.demo import Demo, telephones
from provisioning.environment import ROOT
from provisioning.mosquitto import ADDRESS
from provisioning.packages import which
from provisioning.softphone import Softphone, humming
from provisioning.visitor import Board, ConsoleRefusedError, Visitor, visit

WARD, BED = hospital.ADMISSION_BED
NURSE = f"nurse{WARD}"
STEP_TIMEOUT_S = 20.0
LOOK_EVERY_S = 0.01
# 100 mL at 20 drops per mL and 60 drops a minute last 33 min: seconds at this rate.
FAST = 600
# The telephone's turn comes after some seconds; what follows it must not come with it.
UNTIL_IT_RINGS = 20
INFUSION = {"ward": WARD, "bed": BED, "volume_ml": 100, "factor": 20, "gtt_per_min": 60}


class StepFailedError(Exception):
    """A step of the story was not seen at its far end."""

    error_id = "check-failed"


@dataclass
class Story:
    """The steps played so far."""

    steps: list[dict[str, Any]] = field(default_factory=list)

    @contextlib.asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """Time what happens inside and print one line about it. Raises StepFailedError."""
        began = time.monotonic()
        why = None
        try:
            async with asyncio.timeout(STEP_TIMEOUT_S):
                yield
        except TimeoutError:
            why = f"not seen within {STEP_TIMEOUT_S:.0f} s"
        except (aiohttp.ClientError, ConsoleRefusedError, mllp.NoAnswerError, OSError) as error:
            why = str(error) or type(error).__name__
        except StepFailedError as error:
            why = str(error)
        took_ms = round((time.monotonic() - began) * 1000, 1)
        self.steps.append({"step": name, "ok": why is None, "ms": took_ms})
        if why is not None:
            self.steps[-1]["why"] = why
        print(f"{'ok    ' if why is None else 'FAILED'} {took_ms:9.1f} ms  {name}", flush=True)
        if why is not None:
            raise StepFailedError(f"{name}: {why}")


def admission() -> Path:
    """An ADT^A01 of the public samples."""
    folders = (ROOT.parent / "shared" / "data" / "hl7", ROOT / "tests" / "data" / "hl7")
    return next(folder / hospital.ADMISSION for folder in folders if folder.is_dir())


async def play(demo: Demo) -> bool:
    """Play the story and print it, a last line of JSON included. Whether all of it held."""
    story = Story()
    trouble = None
    try:
        async with visit(demo.layout.web_url) as nurse:
            await nurse.log_in(NURSE, hospital.PASSWORD)
            async with nurse.board(WARD) as board:
                await _play(story, Scene(demo, nurse, board))
    except (StepFailedError, ConsoleRefusedError, aiohttp.ClientError) as error:
        trouble = str(error)
        print(f"FAILED {trouble}", flush=True)
    finally:
        demo.clock.set_rate(1)
    answer = {"ok": trouble is None, "steps": story.steps}
    print(json.dumps(answer if trouble is None else answer | {"trouble": trouble}), flush=True)
    return trouble is None


class Scene:
    """The parts of the story, and how each is looked at."""

    def __init__(self, demo: Demo, nurse: Visitor, board: Board) -> None:
        ward = next(each for each in demo.layout.wards if each.id == WARD)
        self.demo = demo
        self.nurse = nurse
        self.board = board
        self.units = demo.layout.controls(ward)
        self.speaker = demo.layout.panel(ward.box)

    async def unit(self) -> dict[str, Any]:
        """The bedside unit: its press counter registers, its lamp as the bus drives it."""
        async with self.demo.http.get(f"{self.units}/state") as answer:
            return (await answer.json())["beds"][BED]

    async def operate(self, control: str) -> None:
        """A hand at the virtual unit. Raises StepFailedError."""
        body = {"bed": BED, "control": control}
        async with self.demo.http.post(f"{self.units}/operate", json=body) as answer:
            if answer.status != 200:
                raise StepFailedError(f"{control}: {await answer.text()}")

    async def spoken(self, klass: str) -> dict[str, Any] | None:
        """What the loudspeaker of the bed has begun to say, of one class of speech."""
        async with self.demo.http.get(f"{self.speaker}/spoken") as answer:
            said = (await answer.json())["spoken"]
        fitting = (each for each in said if each["class"] == klass and BED in each["beds"])
        return next(fitting, None)

    def patient(self) -> str | None:
        row = admissions.patient_in(self.demo.store.read(), WARD, BED)
        return None if row is None else str(row["name"])

    def schedule_answered(self) -> bool:
        """Whether the box has confirmed that it knows the reminders of the bed."""
        return bool(
            self.demo.store.read().value(
                "SELECT 1 FROM commands WHERE type = ? AND bed = ? AND ward = ? AND result = ?",
                (kinds.REMINDERS, BED, WARD, kinds.DONE),
            )
        )


async def seen(look: Callable[[], Awaitable[Any]]) -> Any:
    """The first true answer of `look`; the step's time-out ends it."""
    while True:
        answer = await look()
        if answer:
            return answer
        await asyncio.sleep(LOOK_EVERY_S)


async def _play(story: Story, scene: Scene) -> None:
    nurse, board = scene.nurse, scene.board

    async with story.step("an ADT^A01 over MLLP puts a patient in the bed"):
        raw = admission().read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r")
        answer = await mllp.send(ADDRESS, scene.demo.layout.ports["mllp"], raw)
        if b"|AA|" not in answer:
            raise StepFailedError(f"answered {answer.decode(errors='replace')}")
        await seen(_of(scene.patient))

    async with story.step("an infusion started over HTTP is known to the box"):
        await nurse.post("/api/infusions", INFUSION)
        await seen(_of(scene.schedule_answered))

    async with story.step(f"the demo's clock runs {FAST} times as fast"):
        await nurse.post("/virtual/clock", {"rate": FAST})
        before_ms = (await nurse.get(f"/virtual/{WARD}/state"))["now_ms"]

        async def minutes_gone() -> bool:
            return (await nurse.get(f"/virtual/{WARD}/state"))["now_ms"] > before_ms + 60_000

        await seen(minutes_gone)

    async with story.step("the bedside unit speaks the reminder"):
        await seen(lambda: scene.spoken(kinds.REMINDER))
        await nurse.post("/virtual/clock", {"rate": 1})

    async with story.step("the red button counts in the unit's Modbus register"):
        counted = (await scene.unit())["counters"]["presses"]
        await scene.operate("press")
        if (await scene.unit())["counters"]["presses"] != counted + 1:
            raise StepFailedError("the press counter did not move")

    async with story.step("the call is on the board"):
        call = await board.until(lambda: board.call(BED))

    async with story.step("a nurse accepts: board and lamp show it"):
        await nurse.post(f"/calls/{call['id']}/accept")
        await board.until(lambda: (board.call(BED) or {}).get("state") == "accepted")

        async def lamp_steady() -> bool:
            return (await scene.unit())["lamp"] == kinds.STEADY

        await seen(lamp_steady)

    async with story.step("presence at the bed ends it: board empty, lamp dark"):
        await scene.operate("presence")
        await board.until(lambda: board.call(BED) is None)

        async def lamp_dark() -> bool:
            return (await scene.unit())["lamp"] == kinds.OFF

        await seen(lamp_dark)
        await scene.operate("presence_end")

    await _play_telephone(story, scene)


async def _play_telephone(story: Story, scene: Scene) -> None:
    """A softphone that nobody here wrote is the nurse station's telephone, where there are both an
    exchange and a softphone."""
    station = hospital.station(scene.demo.layout.wards, WARD)
    mine = [each for each in telephones(scene.demo) if each["number"] == station.number]
    if not mine or which("baresip") is None:
        print(f"left out: no {'baresip' if mine else 'exchange'} here, so no telephone", flush=True)
        return
    (told,) = mine
    account = f"<sip:{told['user']}@{told['server']}>;auth_pass={told['password']}"
    folder = scene.demo.layout.folder / "softphone"
    async with Softphone(folder, account, humming(folder, seconds=60)) as phone:
        async with story.step("a softphone registers as the nurse station's telephone"):
            await phone.event("REGISTER_OK")

        async with story.step("nobody comes to a call: the telephone rings"):
            await scene.operate("press")
            await scene.board.until(lambda: scene.board.call(BED))
            scene.demo.clock.set_rate(UNTIL_IT_RINGS)
            await phone.event("CALL_INCOMING")
            scene.demo.clock.set_rate(1)

        async with story.step("its key 1 accepts the call on the board"):
            await phone.do("accept")
            await phone.event("CALL_ESTABLISHED")
            await phone.do("sndcode", "1")
            await scene.board.until(
                lambda: (scene.board.call(BED) or {}).get("state") == "accepted"
            )
            await phone.event("CALL_CLOSED")
            await scene.operate("presence")
            await scene.board.until(lambda: scene.board.call(BED) is None)
            await scene.operate("presence_end")


def _of(look: Callable[[], Any]) -> Callable[[], Awaitable[Any]]:
    async def looked() -> Any:
        return look()

    return looked
