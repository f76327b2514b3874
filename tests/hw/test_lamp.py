"""The lamp of a box on a mock pin."""

import asyncio

import pytest
from gpiozero.pins.mock import MockFactory

from hw.errors import WiringError
from hw.lamp import BoxLamp


def test_the_lamp_of_the_box() -> None:
    async def story() -> None:
        factory = MockFactory()
        pin = factory.pin(17)
        lamp = BoxLamp(17, factory=factory)
        lamp.show("steady")
        assert pin.state
        lamp.show("fast")
        seen = set()
        for _ in range(2):
            seen.add(bool(pin.state))
            before = pin.state
            while pin.state == before:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        assert seen == {True, False}
        lamp.show("off")
        assert not pin.state
        with pytest.raises(ValueError, match="pattern"):
            lamp.show("disco")
        with pytest.raises(WiringError, match="pin 17"):
            BoxLamp(17, factory=factory)
        await lamp.close()
        factory.reset()

    asyncio.run(story())
