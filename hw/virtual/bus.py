"""All bedside units of a ward, served by pymodbus on one virtual line."""

import random
from functools import partial
from pathlib import Path
from typing import Any

from pymodbus import FramerType
from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusSerialServer
from pymodbus.server.requesthandler import ServerRequestHandler
from pymodbus.simulator import DataType, SimData, SimDevice

from hw.clock import steady_ms
from hw.registers import BAUD, COILS, HOLD_MS, IDENTITY_COUNT, IDENTITY_START, POLL_COUNT
from hw.virtual.line import VirtualLine
from hw.virtual.unit import VirtualUnit

FIRST_SERIAL = 0x0002_1000
# Silence that ends a frame. The standard says 1.75 ms; event loops are coarser.
FRAME_GAP_MS = 10


class _Handler(ServerRequestHandler):
    """Silence ends a frame, as Modbus RTU has it; pymodbus alone would wait for the bytes
    that were lost and take the next units' requests for them."""

    _heard_ms = 0

    def data_received(self, data: bytes) -> None:
        if steady_ms() - self._heard_ms > FRAME_GAP_MS:
            self.recv_buffer = b""
        self._heard_ms = steady_ms()
        super().data_received(data)


class _Server(ModbusSerialServer):
    def callback_new_connection(self) -> ServerRequestHandler:
        return _Handler(self, self.trace_packet, self.trace_pdu, self.trace_connect)


class VirtualBus:
    """Units for `beds` (Modbus address by bed) behind the symlink `link`."""

    def __init__(
        self,
        link: str | Path,
        beds: dict[str, int],
        *,
        rng: random.Random | None = None,
        hold_ms: int = HOLD_MS,
    ) -> None:
        self._rng = rng or random.Random()
        self.beds = beds
        self.units = {
            address: VirtualUnit(FIRST_SERIAL + address, hold_ms=hold_ms)
            for address in beds.values()
        }
        self._twins: dict[int, VirtualUnit] = {}
        self.line = VirtualLine(Path(link), rng=self._rng)
        self._server: _Server | None = None

    async def start(self) -> None:
        self.line.start()
        self._server = _Server(
            [self._device(address) for address in self.units],
            framer=FramerType.RTU,
            port=self.line.unit_port,
            baudrate=BAUD,
            trace_packet=self._on_the_wire,
        )
        await self._server.serve_forever(background=True)

    async def close(self) -> None:
        if self._server is not None:
            await self._server.shutdown()
        for unit in (*self.units.values(), *self._twins.values()):
            unit.reboot()  # lifts fingers, so that no timer outlives the units
        self.line.close()

    # --- the panel's controls ---

    def state(self) -> dict[str, Any]:
        return {
            "beds": {
                bed: {**self.units[address].state(), "clash": address in self._twins}
                for bed, address in self.beds.items()
            },
            "noise": self.line.noise,
            "drop": self.line.drop,
            "gone": self.line.torn_off,
        }

    def operate(self, bed: str, control: str) -> None:
        """Raises KeyError for an unknown bed, ValueError for an unknown control."""
        address = self.beds[bed]
        if control == "clash":
            self._twins[address] = VirtualUnit(FIRST_SERIAL + 0x800 + address)
        elif control == "unclash":
            self._twins.pop(address, None)
        else:
            self.units[address].operate(control)

    def disturb(
        self, *, noise: float | None = None, drop: float | None = None, gone: bool | None = None
    ) -> None:
        """Raises ValueError for a share that is not within 0 to 1."""
        for share in (noise, drop):
            if share is not None and not 0 <= share <= 1:
                raise ValueError(f"noise and drop are shares from 0 to 1, not {share}")
        self.line.noise = self.line.noise if noise is None else noise
        self.line.drop = self.line.drop if drop is None else drop
        if gone is not None:
            (self.line.tear_off if gone else self.line.mend)()

    # --- between pymodbus and the units ---

    def _device(self, address: int) -> SimDevice:
        unused = [SimData(0, datatype=DataType.INVALID)]
        return SimDevice(
            id=address,
            simdata=(
                [SimData(0, values=[False] * len(COILS), datatype=DataType.BITS)],
                [SimData(0, values=[False], datatype=DataType.BITS)],
                unused,
                [
                    SimData(0, count=POLL_COUNT, datatype=DataType.REGISTERS),
                    SimData(IDENTITY_START, count=IDENTITY_COUNT, datatype=DataType.REGISTERS),
                ],
            ),
            action=partial(self._asked, address),
        )

    async def _asked(
        self,
        unit_address: int,
        function_code: int,
        start_address: int,
        address: int,
        count: int,
        current: list[int],
        written: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        unit = self.units[unit_address]
        twin = self._twins.get(unit_address)
        if written is not None:
            for each in (unit, twin):
                if each is not None:
                    each.write_coils(address, [bool(value) for value in written])
        elif function_code == 4:
            answering = unit if twin is None else self._rng.choice((unit, twin))
            words = answering.registers(address)
            at = address - start_address
            current[at : at + len(words)] = words
        return None

    def _on_the_wire(self, sending: bool, data: bytes) -> bytes:
        if not sending:
            return data
        unit = self.units.get(data[0])
        if unit is None or unit.dead:
            return b""
        if data[0] in self._twins and self._rng.random() < 0.5:
            # Both speak at once: the stronger driver wins each byte.
            return bytes(byte & data[at - 1] for at, byte in enumerate(data))
        return data


def addresses(beds: list[str]) -> dict[str, int]:
    """Modbus addresses for `beds`, each "bed" or "bed=address": 1, 2, ... in order."""
    pairs = [bed.partition("=") for bed in beds]
    return {
        bed.strip(): int(address) if address else place
        for place, (bed, _sign, address) in enumerate(pairs, 1)
    }
