"""Keeps a running exchange in line with the directory, without a restart.

Files and a reload, not Asterisk's realtime tables; ARCHITECTURE.md says why.
"""

import asyncio
from pathlib import Path

from gateway.telephone import files
from gateway.telephone.ari.actions import Actions
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import Exchange
from gateway.telephone.folder import put

# Who reads which file.
_READERS = {
    "voicemail.conf": "app_voicemail",
    "res_parking.conf": "res_parking",
    "pjsip.conf": "res_pjsip",
    "extensions.conf": "pbx_config",
}


class Live:
    """For one exchange, whose files are in `folder`. One `apply` at a time."""

    def __init__(self, folder: Path, exchange: Exchange, actions: Actions) -> None:
        self._folder = folder
        self._exchange = exchange
        self._actions = actions
        # What Asterisk is known to have read.
        self._read: dict[str, str] = {}
        self._turn = asyncio.Lock()

    async def apply(self, directory: Directory) -> tuple[str, ...]:
        """Bring the exchange to `directory`; the files it had to read anew. The files are written
        even when it is away, and it is told by the next `apply`. Calls and registrations stay.
        Raises UnsafeTextError, ExchangeError's kinds."""
        async with self._turn:
            texts = files.living(self._exchange, directory)
            fresh = {name: text for name, text in texts.items() if self._read.get(name) != text}
            await asyncio.to_thread(put, self._folder, fresh)
            for name, text in fresh.items():
                self._read.pop(name, None)
                await self._actions.reread(_READERS[name])
                self._read[name] = text
            return tuple(fresh)
