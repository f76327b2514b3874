"""A version as one file: a gzipped tar of plain files and folders, nothing else.

Read as if anybody could have made it, although only signed ones come this far.
"""

import gzip
import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from ward_node.cpython.disk import sync_folder

MOST_FILES = 20_000
MOST_BYTES = 512 * 1024 * 1024
BLOCK_BYTES = 1 << 20
CACHE = "__pycache__"


class BundleError(Exception):
    """The bundle cannot be used; says why."""

    error_id = "update-bundle"


class NotFetchedError(Exception):
    """No bundle was fetched; says why. What runs goes on."""

    error_id = "update-not-fetched"


def unpack(content: bytes, folder: Path) -> None:
    """Into `folder`, which must not be there, durably. Raises BundleError, OSError; what is there
    of it then is the caller's to clear."""
    folder.mkdir()
    left = MOST_BYTES
    try:
        with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
            for count, member in enumerate(_members(archive), 1):
                if count > MOST_FILES:
                    raise BundleError(f"the bundle has more than {MOST_FILES} files")
                target = folder / _checked(member)
                if member.isdir():
                    target.mkdir(parents=True, exist_ok=True)
                    continue
                left -= member.size
                if left < 0:
                    raise BundleError(f"the bundle unpacks to more than {MOST_BYTES} bytes")
                target.parent.mkdir(parents=True, exist_ok=True)
                _write(archive, member, target)
    except (tarfile.TarError, EOFError, ValueError) as error:
        raise BundleError(f"the bundle cannot be read: {error}") from error
    for path, _, _ in os.walk(folder):
        sync_folder(Path(path))


def _members(archive: tarfile.TarFile) -> Iterator[tarfile.TarInfo]:
    """One after the other: a list of all could be larger than what they hold."""
    while (member := archive.next()) is not None:
        yield member


def _checked(member: tarfile.TarInfo) -> PurePosixPath:
    name = PurePosixPath(member.name)
    if not (member.isreg() or member.isdir()):
        raise BundleError(f"{member.name!r} is neither a file nor a folder")
    if name.is_absolute() or ".." in name.parts or "\0" in member.name or "\\" in member.name:
        raise BundleError(f"{member.name!r} leads out of the bundle")
    return name


def _write(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    source = archive.extractfile(member)
    assert source is not None  # it is a file
    # x: a name that stands there twice is none of ours.
    try:
        with target.open("xb") as file:
            while block := source.read(BLOCK_BYTES):
                file.write(block)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError as error:
        raise BundleError(f"{member.name!r} stands there twice") from error
    except (IsADirectoryError, NotADirectoryError) as error:
        raise BundleError(f"{member.name!r} is a file and a folder") from error
    target.chmod(0o755 if member.mode & 0o100 else 0o644)


def pack(folder: Path, only: tuple[str, ...] = ()) -> bytes:
    """A version as a bundle, the same for the same files: no times, no owners, nothing that Python
    compiled. only: names in the folder; without them all of it."""
    made = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=made, mode="wb", compresslevel=6, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder)
            if (only and name.parts[0] not in only) or CACHE in name.parts:
                continue
            member = tarfile.TarInfo(name.as_posix())
            if path.is_symlink() or not (path.is_file() or path.is_dir()):
                raise BundleError(f"{path} is neither a file nor a folder")
            if path.is_dir():
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
                continue
            content = path.read_bytes()
            member.size = len(content)
            member.mode = 0o755 if os.access(path, os.X_OK) else 0o644
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()
