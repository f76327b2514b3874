"""Versions of a box on its disk, and which one starts.

    ROOT/versions/<version>/     each whole, never changed
    ROOT/current                 a link to the one that starts
    ROOT/trial.json              which one is being tried out, and from which we came
    ROOT/cache                   what Python compiled of them, for nothing is written into them
    ROOT/trial.log               what that one says meanwhile
    ROOT/failed/<version>.log    why one was given up: it is not tried again by itself
    ROOT/failed/<version>.told   and that central was told so

Whatever is cut off at whatever step: `current` leads to a whole version, and the next start knows
what to do. Only standard parts, and nothing of the version that starts, for this runs before it.
"""

import json
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ward_node.contract.versions import order
from ward_node.cpython.disk import sync_folder, write_durably
from ward_node.cpython.updating import bundle
from ward_node.cpython.updating.bundle import BundleError

# A version that was started so often and has not proved itself is given up.
MOST_STARTS = 3
LOG_BYTES = 256 * 1024
# What the starter tells a version by this variable: how to start it again, in place of itself. One
# that is watched is told nothing: it ends, and who watches looks which is the next.
STARTER = "WARDLINE_STARTER"


class NoVersionError(Exception):
    """There is no whole version to start."""

    error_id = "update-no-version"


class NotThatVersionError(Exception):
    """The version may not be installed or tried out; says why."""

    error_id = "update-not-that-version"


@dataclass(frozen=True)
class Trial:
    """version: on trial. before: to go back to. starts: how often it was started. known: parts of
    the box that failed their test before it came, which is not its fault."""

    version: str
    before: str
    starts: int = 0
    known: tuple[str, ...] = ()


def _is_one(path: Path) -> bool:
    try:
        order(path.name)
    except ValueError:
        return False
    return True


class Places:
    """step: called before each thing that is done to the disk; tests cut the power there."""

    def __init__(self, root: Path, step: Callable[[str], None] = lambda name: None) -> None:
        self._root = root
        self._step = step
        self._versions = root / "versions"
        self._current = root / "current"
        self._trial = root / "trial.json"
        self._failed = root / "failed"

    # --- what there is ---

    def versions(self) -> list[str]:
        """All whole ones, the oldest first."""
        if not self._versions.is_dir():
            return []
        return sorted((each.name for each in self._versions.iterdir() if _is_one(each)), key=order)

    def current(self) -> str | None:
        """The one that `current` leads to, if it is whole."""
        try:
            name = Path(os.readlink(self._current)).name
        except OSError:
            return None
        return name if name in self.versions() else None

    def trial(self) -> Trial | None:
        try:
            found = json.loads(self._trial.read_bytes())
            known = tuple(str(each) for each in found.get("known", ()))
            return Trial(str(found["version"]), str(found["before"]), int(found["starts"]), known)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def failed(self) -> dict[str, str]:
        """Versions that were given up, with the end of what they said."""
        if not self._failed.is_dir():
            return {}
        return {
            path.name.removesuffix(".log"): path.read_text(encoding="utf-8", errors="replace")
            for path in sorted(self._failed.glob("*.log"))
        }

    def untold(self) -> dict[str, str]:
        """Of these, what nobody was told yet."""
        return {
            version: text
            for version, text in self.failed().items()
            if not self._told(version).exists()
        }

    def told(self, version: str) -> None:
        """Why this one was given up is told. Raises OSError."""
        write_durably(self._told(version), b"")

    def _told(self, version: str) -> Path:
        return self._failed / f"{version}.told"

    # --- a new version ---

    def install(self, version: str, content: bytes) -> None:
        """Beside the others, whole or not at all. Raises NotThatVersionError, BundleError, OSError:
        nothing has changed then."""
        try:
            order(version)
        except ValueError as error:
            raise NotThatVersionError(str(error)) from error
        if version in self.versions():
            return
        self._step("make room")
        self._versions.mkdir(parents=True, exist_ok=True)
        for left in self._versions.glob(".coming-*"):
            shutil.rmtree(left)
        coming = self._versions / f".coming-{version}"
        try:
            self._step("unpack")
            bundle.unpack(content, coming)
            self._step("name")
            coming.rename(self._versions / version)
        except (BundleError, OSError):
            shutil.rmtree(coming, ignore_errors=True)
            raise
        self._step("name kept")
        sync_folder(self._versions)

    def begin(self, version: str, *, again: bool = False, known: Iterable[str] = ()) -> None:
        """Let `version` start from now on, on trial. again: although it was given up once. known:
        as in Trial. Raises NotThatVersionError."""
        before = self.current()
        if version not in self.versions():
            raise NotThatVersionError(f"version {version} is not installed")
        if before is None:
            self._switch(version)
            return
        if self.trial() is not None:
            raise NotThatVersionError("another version is on trial")
        if order(version) <= order(before):
            raise NotThatVersionError(f"{version} is not newer than {before}, which runs")
        if version in self.failed() and not again:
            raise NotThatVersionError(f"version {version} was tried and given up")
        self._forgive(version)
        self._step("trial")
        write_durably(
            self._trial, json.dumps(asdict(Trial(version, before, 0, tuple(known)))).encode()
        )
        self._switch(version)

    # --- at each start, before the version runs ---

    def start(self) -> Path:
        """The folder of the version to start now. Raises NoVersionError."""
        trial, now = self.trial(), self.current()
        if trial is not None and now != trial.version:
            # The power was cut before the switch, or after the way back.
            self._end_trial()
        elif trial is not None and trial.starts >= MOST_STARTS:
            self.go_back(f"started {trial.starts} times and never proved itself")
        elif trial is not None:
            self._step("count")
            again = replace(trial, starts=trial.starts + 1)
            write_durably(self._trial, json.dumps(asdict(again)).encode())
        now = self.current()
        if now is None:
            now = self._rescue(trial)
        return self._versions / now

    def _rescue(self, trial: Trial | None) -> str:
        """`current` leads nowhere, which no power cut brings about: a person or a bad card did."""
        whole = self.versions()
        good = [each for each in whole if each not in self.failed()]
        if trial is not None and trial.before in whole:
            good.append(trial.before)
        if not whole:
            raise NoVersionError(f"no version in {self._versions}")
        self._switch((good or whole)[-1])
        return (good or whole)[-1]

    # --- after its tests ---

    def commit(self) -> None:
        """The version on trial has proved itself. Older ones than that before it go."""
        trial = self.trial()
        if trial is None:
            return
        self._end_trial()
        self._forgive(trial.version)
        for version in self.versions():
            if version not in (trial.version, trial.before):
                self._step(f"remove {version}")
                # Out of sight first: half a version must not look like one.
                gone = self._versions / f".coming-{version}"
                (self._versions / version).rename(gone)
                shutil.rmtree(gone)
                compiled = self.cache / self.folder(version).absolute().relative_to("/")
                shutil.rmtree(compiled, ignore_errors=True)

    @property
    def cache(self) -> Path:
        """Where Python keeps what it compiled of all versions (PYTHONPYCACHEPREFIX)."""
        return self._root / "cache"

    def folder(self, version: str) -> Path:
        return self._versions / version

    @property
    def metadata(self) -> Path:
        """What was seen of the repository."""
        return self._root / "metadata"

    @property
    def log(self) -> Path:
        """What a version on trial says, while it is."""
        return self._root / "trial.log"

    def go_back(self, why: str, log: str | None = None) -> None:
        """To the version before the trial. why and the end of the log are kept, by default of what
        was written to `log`."""
        trial = self.trial()
        if trial is None:
            return
        self._step("keep log")
        self._failed.mkdir(exist_ok=True)
        kept = self._failed / f"{trial.version}.log"
        if not kept.exists():  # or else we were cut off on this way, and the first reason stands
            said = self._said() if log is None else log
            text = f"{why}\n{said[-LOG_BYTES:]}"
            write_durably(kept, text.encode("utf-8", "replace"))
        if trial.before in self.versions():
            self._switch(trial.before)
        self._end_trial()

    def _forgive(self, version: str) -> None:
        for path in (self._told(version), self._failed / f"{version}.log"):
            path.unlink(missing_ok=True)

    def _said(self) -> str:
        try:
            return self.log.read_bytes()[-LOG_BYTES:].decode("utf-8", "replace")
        except OSError:
            return ""

    def _switch(self, version: str) -> None:
        fresh = self._current.with_name("current.new")
        self._step("link")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(Path("versions") / version, target_is_directory=True)
        self._step("switch")
        fresh.replace(self._current)
        self._step("switched")
        sync_folder(self._root)

    def _end_trial(self) -> None:
        self._step("end trial")
        self._trial.unlink(missing_ok=True)
        sync_folder(self._root)
