"""From the red button at a bed to the nurse station's telephone, through all real parts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from central.directory import model as directory
from central.escalation import model as policies
from gateway.telephone.exchange import Exchange
from provisioning import exchange as asterisk
from provisioning import hospital
from provisioning.demo import Demo, running
from provisioning.layout import Layout, WardPlan
from provisioning.supervisor import free_ports
from tests.bench.figures import figures
from tests.telephone.phone import Baresip
from tests.telephone.running import PASSWORD

WARD, BED = "3", "1"
# When the telephone is due. The first step is the station's.
DUE_S = 1
POLICY = {
    "name": "Phones",
    "rules": [
        {
            "types": ["nurse", "toilet"],
            "beds": "all",
            "steps": [
                {"after_s": 0, "target": {"kind": "station"}},
                {"after_s": DUE_S, "target": {"kind": "phones", "of": "ward"}},
                {"after_s": 900, "target": {"kind": "role", "role": "duty_manager"}},
            ],
        }
    ],
}


@dataclass
class Rung:
    """The stages of one press, in ms of the hospital's time."""

    pressed: int
    ringing: int
    called: int
    asked: int

    @property
    def due(self) -> int:
        return self.called + DUE_S * 1000


def stages(rung: Sequence[Rung]) -> dict[str, dict[str, Any]]:
    """Where the time goes that is not the policy's."""
    return {
        "press to the call": figures([each.called - each.pressed for each in rung]),
        "telephone is due to its ringing asked for": figures(
            [each.asked - each.due for each in rung]
        ),
        "asked for to the telephone rings": figures([each.ringing - each.asked for each in rung]),
        "press to the telephone rings, in all": figures(
            [each.called - each.pressed + each.ringing - each.due for each in rung]
        ),
    }


async def press_to_ring(folder: Path, presses: int, say: Callable[[str], None]) -> list[Rung]:
    """Press so often, each time until the telephone rings and somebody comes."""
    plan = WardPlan(WARD, "三病区", "Ward 3", "bus", (BED,))
    exchange = Exchange(asterisk.free(), PASSWORD)
    layout = Layout(folder, (plan,), free_ports(1)[0], exchange=exchange)
    station = hospital.station(layout.wards, WARD)
    async with running(layout, say) as demo:
        with demo.store.transaction() as tx:
            policies.add_version(tx, WARD, POLICY, "admin")
        row = directory.phone(demo.store.read(), station.address)
        assert row is not None
        async with Baresip(
            folder / "phone", row["device"], row["password"], exchange.ports.sip
        ) as phone:
            await phone.registered()
            return [await _press(demo, phone) for _ in range(presses)]


async def _press(demo: Demo, phone: Baresip) -> Rung:
    pressed = demo.clock.now_ms()
    await _operate(demo, "press")
    await phone.event("CALL_INCOMING")
    ringing = demo.clock.now_ms()
    tx = demo.store.read()
    called = tx.value("SELECT opened_ms FROM calls ORDER BY id DESC LIMIT 1")
    asked = tx.value("SELECT asked_ms FROM ringings ORDER BY id DESC LIMIT 1")
    await _operate(demo, "presence")
    await phone.event("CALL_CLOSED")
    await _operate(demo, "presence_end")
    return Rung(pressed, ringing, called, asked)


async def _operate(demo: Demo, control: str) -> None:
    url = f"{demo.layout.controls(demo.layout.wards[0])}/operate"
    async with demo.http.post(url, json={"bed": BED, "control": control}) as answer:
        answer.raise_for_status()
