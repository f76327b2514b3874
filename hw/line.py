"""One Modbus RTU master on a serial port. Blocking: it belongs into one thread of its own."""

import termios
import time
from collections.abc import Callable
from typing import TypeVar

import minimalmodbus
import serial

from hw import registers
from hw.errors import BusGoneError, GarbledError, SilentError
from hw.registers import Identity, Reading

# A unit begins to answer within 5 ms and 23 bytes take 2 ms; the rest is the adapter's latency.
ANSWER_TIMEOUT_S = 0.04
WRITE_TIMEOUT_S = 0.5
# Bytes of a damaged answer may still be on their way.
QUIET_S = 0.005
OUTPUT_COILS = registers.SELFTEST_COIL

T = TypeVar("T")


class Line:
    """Every method raises SilentError, GarbledError or BusGoneError."""

    def __init__(self, port: str) -> None:
        """Open `port`, for this process alone."""
        try:
            self._serial = serial.Serial(
                port,
                registers.BAUD,
                timeout=ANSWER_TIMEOUT_S,
                write_timeout=WRITE_TIMEOUT_S,
                exclusive=True,
            )
        except (OSError, termios.error) as problem:
            raise BusGoneError(f"cannot open {port}: {problem}") from problem
        self._instrument = minimalmodbus.Instrument(self._serial, 1)

    def close(self) -> None:
        try:
            self._serial.close()
        except (OSError, termios.error):
            pass  # it broke off; there is nothing left to free

    def poll(self, address: int) -> Reading:
        return Reading.of(
            self._ask(
                address,
                lambda: self._instrument.read_registers(
                    registers.POLL_START, registers.POLL_COUNT, functioncode=4
                ),
            )
        )

    def identity(self, address: int) -> Identity:
        return Identity.of(
            self._ask(
                address,
                lambda: self._instrument.read_registers(
                    registers.IDENTITY_START, registers.IDENTITY_COUNT, functioncode=4
                ),
            )
        )

    def show(self, address: int, outputs: int) -> None:
        """Set all lights and the speaker relay of a unit at once."""
        bits = [outputs >> coil & 1 for coil in range(OUTPUT_COILS)]
        self._ask(address, lambda: self._instrument.write_bits(0, bits))

    def start_selftest(self, address: int) -> None:
        self._ask(address, lambda: self._instrument.write_bit(registers.SELFTEST_COIL, 1))

    def test_press(self, address: int) -> None:
        """Let a unit press its own button; its counter of test presses tells whether it did."""
        self._ask(address, lambda: self._instrument.write_bit(registers.TEST_PRESS_COIL, 1))

    def _ask(self, address: int, transaction: Callable[[], T]) -> T:
        self._instrument.address = address
        try:
            return transaction()
        except minimalmodbus.NoResponseError as problem:
            raise SilentError(f"no answer at address {address}") from problem
        except (minimalmodbus.ModbusException, ValueError) as problem:
            time.sleep(QUIET_S)
            raise GarbledError(f"damaged answer at address {address}: {problem}") from problem
        except (OSError, termios.error, TypeError) as problem:
            # pyserial raises TypeError when the port is closed under it.
            raise BusGoneError(f"the bus adapter broke off: {problem}") from problem
