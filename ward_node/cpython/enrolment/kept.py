"""What an enrolled box keeps, so that a power cut at any moment leaves the old or the new.

key.pem          of an enrolment under way, on disk before it is first used
identity         a link to the folder in use, changed in one step
identities/<n>/  key.pem, certificate.pem, root.pem, node.json
"""

import json
import os
import secrets
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from ward_node.cpython.disk import sync_folder

KEY = "key.pem"
CERTIFICATE = "certificate.pem"
ROOT = "root.pem"
NODE = "node.json"


class Kept:
    """The folder of a box. Everything in it is for its owner only. Methods raise OSError."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.identity = folder / "identity"
        self._all = folder / "identities"

    @property
    def is_enrolled(self) -> bool:
        return (self.identity / NODE).exists()

    def pending_key(self) -> bytes | None:
        """The key of an enrolment that was begun; half a one was never used."""
        try:
            return (self.folder / KEY).read_bytes()
        except FileNotFoundError:
            return None

    def keep_pending(self, key: bytes) -> None:
        self._make(self.folder)
        fresh = self.folder / f"{KEY}.new"
        _write(fresh, key)
        fresh.replace(self.folder / KEY)
        sync_folder(self.folder)

    def keep(self, files: Mapping[str, bytes]) -> None:
        """Put an identity in the place of the one before."""
        self._make(self.folder)
        self._make(self._all)
        name = secrets.token_hex(8)
        made = self._all / name
        made.mkdir(mode=0o700)
        for file, content in files.items():
            _write(made / file, content)
        sync_folder(made)
        sync_folder(self._all)
        link = self.folder / "identity.new"
        link.unlink(missing_ok=True)
        link.symlink_to(Path("identities") / name)
        link.replace(self.identity)
        sync_folder(self.folder)
        (self.folder / KEY).unlink(missing_ok=True)
        self._sweep(name)

    def read(self, file: str) -> bytes:
        """A file of the identity in use."""
        return (self.identity / file).read_bytes()

    def node(self) -> dict[str, Any]:
        """The configuration of the identity in use. Raises ValueError."""
        found: dict[str, Any] = json.loads(self.read(NODE))
        return found

    def _sweep(self, used: str) -> None:
        """What was in use before, or was left half made."""
        for folder in self._all.iterdir():
            if folder.name != used:
                with suppress(OSError):
                    shutil.rmtree(folder)

    @staticmethod
    def _make(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _write(path: Path, content: bytes) -> None:
    """For its owner only; on disk when this returns."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
