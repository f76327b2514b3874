"""Signs versions of boxes and publishes them as files that any web server can hand out.

    FOLDER/metadata/root.json ...     what boxes check
    FOLDER/targets/<hash>.node-1.4.0.tar.gz

Four roles as TUF has them. The keys of root and targets say what a version is, and belong on a
medium that is locked away; those of snapshot and timestamp say what the newest state is, and stay
with the server, which signs anew every day: a box that hears nothing new for longer knows that
somebody withholds it. Time is passed in.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from securesystemslib.signer import CryptoSigner
from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import (
    Metadata,
    MetaFile,
    Root,
    Snapshot,
    TargetFile,
    Targets,
    Timestamp,
)

from gateway.mqtt import versions
from provisioning.authority.keys import KeyFolder, generate

ROOT, TARGETS, SNAPSHOT, TIMESTAMP = "root", "targets", "snapshot", "timestamp"
ROLES = (ROOT, TARGETS, SNAPSHOT, TIMESTAMP)
VALID = {
    ROOT: timedelta(days=3650), TARGETS: timedelta(days=400), SNAPSHOT: timedelta(days=30),
    TIMESTAMP: timedelta(days=3),
}  # fmt: skip


class NotPublishedError(Exception):
    """A version was not published; says why. Nothing has changed."""

    error_id = "update-not-published"


def name_of(version: str) -> str:
    """What the file of a version is called."""
    return f"node-{version}.tar.gz"


class Repository:
    """locked: the keys of root and targets. online: those of snapshot and timestamp."""

    def __init__(
        self, folder: Path, locked: KeyFolder, online: KeyFolder, now: Callable[[], datetime]
    ) -> None:
        self._metadata = folder / "metadata"
        self._targets = folder / "targets"
        self._keys = {ROOT: locked, TARGETS: locked, SNAPSHOT: online, TIMESTAMP: online}
        self._now = now

    @property
    def exists(self) -> bool:
        return (self._metadata / "1.root.json").exists()

    def create(self) -> None:
        """The keys and an empty repository. What is there stays."""
        if self.exists:
            return
        for folder in (self._metadata, self._targets):
            folder.mkdir(parents=True, exist_ok=True)
        root = Root(consistent_snapshot=True)
        for role in ROLES:
            if self._keys[role].load(role) is None:
                self._keys[role].keep(role, generate())
            root.add_key(self._signer(role).public_key, role)
        self._sign(ROOT, Metadata(root))
        self._sign(TARGETS, Metadata(Targets()))
        self._sign(SNAPSHOT, Metadata(Snapshot()))
        self._sign(TIMESTAMP, Metadata(Timestamp()))

    @property
    def first_root(self) -> bytes:
        """What a box must be given before it can check anything."""
        return (self._metadata / "1.root.json").read_bytes()

    def versions(self) -> list[str]:
        """Those that are published, the oldest first."""
        found = self._newest(TARGETS).signed.targets.values()
        return sorted((each.custom["version"] for each in found), key=versions.order)

    def publish(self, version: str, content: bytes, note: str = "") -> None:
        """Raises NotPublishedError, OSError."""
        try:
            versions.order(version)
        except ValueError as error:
            raise NotPublishedError(str(error)) from error
        targets = self._newest(TARGETS)
        name = name_of(version)
        info = TargetFile.from_data(name, content, ["sha256"])
        info.unrecognized_fields["custom"] = {"version": version, "note": note}
        there = targets.signed.targets.get(name)
        if there is not None and there.hashes != info.hashes:
            raise NotPublishedError(f"version {version} was published with another content")
        (self._targets / f"{info.hashes['sha256']}.{name}").write_bytes(content)
        targets.signed.targets[name] = info
        self._sign(TARGETS, targets)
        self._say_newest()

    def withdraw(self, version: str) -> None:
        """No box takes it from now on; what has it keeps it. Raises NotPublishedError."""
        targets = self._newest(TARGETS)
        if targets.signed.targets.pop(name_of(version), None) is None:
            raise NotPublishedError(f"version {version} was not published")
        self._sign(TARGETS, targets)
        self._say_newest()

    def refresh(self) -> None:
        """Once a day, with the online keys alone: the newest state is still this one."""
        self._say_newest()

    def _say_newest(self) -> None:
        snapshot = self._newest(SNAPSHOT)
        meta = MetaFile(self._newest(TARGETS).signed.version)
        if snapshot.signed.meta["targets.json"] != meta or self._is_old(snapshot):
            snapshot.signed.meta["targets.json"] = meta
            self._sign(SNAPSHOT, snapshot)
        timestamp = self._newest(TIMESTAMP)
        timestamp.signed.snapshot_meta = MetaFile(self._newest(SNAPSHOT).signed.version)
        self._sign(TIMESTAMP, timestamp)

    def _is_old(self, metadata: Metadata[Snapshot]) -> bool:
        """More than half its time is over."""
        return metadata.signed.expires < self._now() + VALID[SNAPSHOT] / 2

    def _newest(self, role: str) -> Metadata[Any]:
        """Raises NotPublishedError for a repository that cannot be read."""
        try:
            if role == TIMESTAMP:
                return Metadata.from_file(str(self._metadata / "timestamp.json"))
            found = max(
                self._metadata.glob(f"*.{role}.json"), key=lambda path: int(path.name.split(".")[0])
            )
            return Metadata.from_file(str(found))
        except (RepositoryError, ValueError, OSError) as error:
            raise NotPublishedError(f"the repository cannot be read: {error}") from error

    def _sign(self, role: str, metadata: Metadata[Any]) -> None:
        """As the next version of its role, into a file of its own; timestamp alone has one name."""
        signed = metadata.signed
        name = f"{role}.json"
        if role != TIMESTAMP:
            numbers = [int(path.name.split(".")[0]) for path in self._metadata.glob(f"*.{name}")]
            signed.version = max(numbers, default=0) + 1
            name = f"{signed.version}.{name}"
        elif (self._metadata / name).exists():
            signed.version = self._newest(TIMESTAMP).signed.version + 1
        signed.expires = (self._now() + VALID[role]).astimezone(UTC).replace(microsecond=0)
        metadata.signatures.clear()
        metadata.sign(self._signer(role))
        fresh = self._metadata / f"{name}.new"
        metadata.to_file(str(fresh))
        fresh.replace(self._metadata / name)

    def _signer(self, role: str) -> CryptoSigner:
        key = self._keys[role].load(role)
        if key is None:
            raise NotPublishedError(f"the key of {role} is not at {self._keys[role].path(role)}")
        return CryptoSigner(key)
