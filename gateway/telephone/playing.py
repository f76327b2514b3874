"""What a caller is played, one thing at a time."""

import contextlib

from gateway.telephone.ari.actions import Actions
from gateway.telephone.ari.errors import GoneError
from gateway.telephone.ari.events import RESUMED, Event


class Player:
    """For one channel of ours, whose events are handed to `ended`."""

    def __init__(self, actions: Actions, channel: str) -> None:
        self._actions = actions
        self._channel = channel
        self._playing: str | None = None

    async def play(self, *media: str) -> None:
        """Instead of what is being played. Raises ExchangeError's kinds."""
        await self._stop()
        self._playing = await self._actions.play(self._channel, *media)

    async def stop(self) -> None:
        if await self._stop():
            self._actions.is_silent(self._channel)

    async def _stop(self) -> bool:
        """Whether anything was being played."""
        playing, self._playing = self._playing, None
        if playing is None:
            return False
        with contextlib.suppress(GoneError):  # it has just ended by itself
            await self._actions.stop_playing(playing)
        return True

    @property
    def is_playing(self) -> bool:
        return self._playing is not None

    def ended(self, event: Event) -> bool:
        """Whether with this `event` what was being played has come to its end. What a lost
        connection has swallowed may have been that end."""
        ours = event.type == "PlaybackFinished" and event.body["playback"]["id"] == self._playing
        if ours or (event.type == RESUMED and self._playing is not None):
            self._playing = None
            return True
        return False
