"""What is done with a sound, and with a channel, in the moment in which it begins."""

from typing import Any

import pytest

from gateway.telephone.ari import actions as module
from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import GoneError, RefusedError
from gateway.telephone.playing import Player

CALLER = "1700000000.1"
NOT_YET = GoneError("Channel not in Stasis application", 409)


class Exchange:
    """As much of Asterisk as plays: a sound cannot be stopped before it is asked `begins` times,
    and a channel that comes refuses `comes` times with `not_yet`."""

    def __init__(
        self, begins: int = 0, then: RefusedError | None = None, *, comes: int = 0,
        not_yet: RefusedError = NOT_YET,
    ) -> None:  # fmt: skip
        self.begins, self.then = begins, then
        self.comes, self.not_yet = comes, not_yet
        self.asked: list[str] = []

    async def request(self, method: str, *path: str, **more: Any) -> None:
        self.asked.append(method)
        if method == "POST" and self.asked.count("POST") <= self.comes:
            raise self.not_yet
        if method == "DELETE" and self.asked.count("DELETE") <= self.begins:
            raise RefusedError("Could not stop playback", 500)
        if method == "DELETE" and self.then is not None:
            raise self.then


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AGAIN_S", 0)


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


async def test_a_channel_that_comes_this_moment_hears_it_all_the_same() -> None:
    assert await stopped(Exchange(comes=3)) == 4 * ["POST"] + ["DELETE"]


async def test_it_is_joined_with_others_all_the_same() -> None:
    not_yet = RefusedError("Channel not in Stasis application", 422)
    exchange = Exchange(comes=3, not_yet=not_yet)
    await Actions(exchange).join("room", CALLER)  # type: ignore[arg-type]
    assert exchange.asked == 4 * ["POST"]


@pytest.mark.parametrize(("status", "asked"), [(409, module.AGAIN), (404, 1)])
async def test_one_that_is_gone_is_told(status: int, asked: int) -> None:
    exchange = Exchange(comes=1000, not_yet=GoneError("gone", status))
    with pytest.raises(GoneError):
        await Player(Actions(exchange), CALLER).play("sound:long")  # type: ignore[arg-type]
    assert exchange.asked == asked * ["POST"]
