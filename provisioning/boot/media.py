"""Where a card's files are written to and read back from: a folder where the boot partition is
mounted, or by `mtools` a card, or the file of one, that is not."""

import os
import struct
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from provisioning.packages import which

SECTOR_BYTES = 512
# Kinds of partitions of a master boot record that hold FAT.
FAT_KINDS = (0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E)
GPT_KIND = 0xEE
CMDLINE, CONFIG = "cmdline.txt", "config.txt"


class NotACardError(Exception):
    """The output is no boot partition of Raspberry Pi OS; says what to do."""

    error_id = "not-a-card"


class Medium(Protocol):
    """Methods raise NotACardError, OSError."""

    def read(self, name: str) -> bytes: ...

    def write(self, files: Mapping[str, bytes]) -> None:
        """On the medium when this returns."""
        ...


class Folder:
    """A mounted boot partition."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self, name: str) -> bytes:
        try:
            return (self._path / name).read_bytes()
        except FileNotFoundError as error:
            raise NotACardError(f"{self._path / name} is not there") from error

    def write(self, files: Mapping[str, bytes]) -> None:
        for name, content in files.items():
            target = self._path / name
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        os.sync()


class Fat:
    """The FAT partition that begins at byte `offset` of a card or a file."""

    def __init__(self, path: Path, offset: int) -> None:
        self._path = path
        self._image = f"{path}@@{offset}"

    def read(self, name: str) -> bytes:
        return self._run("mtype", f"::/{name}")

    def write(self, files: Mapping[str, bytes]) -> None:
        with tempfile.TemporaryDirectory(prefix="wardline-card-") as passing:
            Folder(Path(passing)).write(files)
            tops = sorted(str(each) for each in Path(passing).iterdir())
            # -s folders too, -o over what is there
            self._run("mcopy", "-s", "-o", *tops, "::/")
        with self._path.open("rb") as file:
            if not self._path.is_char_device():
                os.fsync(file.fileno())

    def _run(self, program: str, *arguments: str) -> bytes:
        command = [which(program) or program, "-i", self._image, *arguments]
        done = subprocess.run(
            command, capture_output=True, stdin=subprocess.DEVNULL,
            env=os.environ | {"MTOOLS_SKIP_CHECK": "1", "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        if done.returncode:
            said = done.stderr.decode(errors="replace").strip()
            raise NotACardError(f"{self._path}: {program}: {said}")
        return done.stdout


def find(output: Path) -> Medium:
    """The boot partition at `output`. Raises NotACardError, OSError."""
    if output.is_dir():
        medium: Medium = Folder(output)
    else:
        _not_mounted(output)
        medium = Fat(output, offset(output))
    for name in (CMDLINE, CONFIG):
        try:
            medium.read(name)
        except NotACardError as error:
            raise NotACardError(
                f"{output} is no boot partition of Raspberry Pi OS ({error}). Write Raspberry Pi OS"
                " to the card first, then name the folder where its first partition is mounted,"
                " or the card itself, such as /dev/sda"
            ) from error
    return medium


def _not_mounted(device: Path) -> None:
    real = str(device.resolve())
    for line in Path("/proc/self/mounts").read_text().splitlines():
        source, place = line.split()[:2]
        if source == real or (
            source.startswith(real) and source.removeprefix(real).lstrip("p").isdigit()
        ):
            raise NotACardError(f"{device} is mounted at {place}: name that folder, or unmount it")


def offset(path: Path) -> int:
    """Where the first FAT partition begins. Raises NotACardError, OSError."""
    with path.open("rb") as file:
        first = file.read(SECTOR_BYTES)
    if len(first) < SECTOR_BYTES or first[510:] != b"\x55\xaa":
        raise NotACardError(f"{path} has no partitions: Raspberry Pi OS was not written to it")
    if first[54:57] == b"FAT" or first[82:85] == b"FAT":
        return 0  # it is the partition itself
    for number in range(4):
        entry = first[446 + 16 * number :][:16]
        kind, begins = entry[4], struct.unpack("<I", entry[8:12])[0]
        if kind in FAT_KINDS and begins:
            return int(begins) * SECTOR_BYTES
        if kind == GPT_KIND:
            raise NotACardError(f"{path} has a GPT, which Raspberry Pi OS has not")
    raise NotACardError(f"{path} has no FAT partition: Raspberry Pi OS was not written to it")
