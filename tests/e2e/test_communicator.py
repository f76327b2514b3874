"""The demo's communicator: MicroPython at a bed, worked on the virtual ward's page."""

import asyncio
from typing import Any

from provisioning.hospital import PASSWORD
from provisioning.visitor import visit

TIMEOUT_S = 30


def test_a_press_on_the_virtual_ward_is_on_the_board_until_presence(demo: dict[str, Any]) -> None:
    async def story() -> None:
        async with asyncio.timeout(TIMEOUT_S), visit(demo["url"]) as nurse:
            await nurse.log_in("nurse5", PASSWORD)
            shown = await nurse.get("/virtual/5/state")
            assert set(shown["state"]["beds"]) == {"1", "2", "3", "4", "5"}
            async with nurse.board("5") as board:
                pressed = {"bed": "5", "control": "press"}
                told = await nurse.post("/virtual/5/operate", pressed)
                assert set(told["beds"]) == {"1", "2", "3", "4", "5"}
                await board.until(lambda: board.call("5"))
                await nurse.post("/virtual/5/operate", {"bed": "5", "control": "presence"})
                await board.until(lambda: board.call("5") is None)
            await nurse.post("/virtual/5/operate", {"bed": "5", "control": "presence_end"})

    asyncio.run(story())
