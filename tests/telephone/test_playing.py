"""Breaking off what a caller is played, in the moment in which it begins."""

from typing import Any

import pytest

from gateway.telephone.ari import actions as module
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import GoneError, RefusedError
from gateway.telephone.playing import Player

CALLER = "1700000000.1"


class Exchange:
    """As much of Asterisk as plays: a sound cannot be stopped before it is asked `begins` times."""

    def __init__(self, begins: int, then: RefusedError | None = None) -> None:
        self.begins, self.then = begins, then
        self.asked: list[str] = []

    async def request(self, method: str, *path: str, **more: Any) -> None:
        self.asked.append(method)
        if method == "DELETE" and self.asked.count("DELETE") <= self.begins:
            raise RefusedError("Could not stop playback", 500)
        if method == "DELETE" and self.then is not None:
            raise self.then


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STOP_AGAIN_S", 0)


async def stopped(exchange: Exchange) -> list[str]:
    player = Player(Actions(exchange), CALLER)  # type: ignore[arg-type]
    await player.play("sound:long")
    await player.stop()
    return exchange.asked


async def test_a_sound_that_begins_this_moment_is_stopped_all_the_same() -> None:
    assert await stopped(Exchange(begins=3)) == ["POST"] + 4 * ["DELETE"]


async def test_one_that_has_ended_meanwhile_is_asked_once_more_and_no_mistake() -> None:
    gone = GoneError("Playback not found", 404)
    assert await stopped(Exchange(begins=1, then=gone)) == ["POST", "DELETE", "DELETE"]


async def test_one_that_can_never_be_stopped_is_told() -> None:
    with pytest.raises(RefusedError):
        await stopped(Exchange(begins=1000))
