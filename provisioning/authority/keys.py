"""Where private keys lie: files for their owner only, outside the database."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

Key = ec.EllipticCurvePrivateKey


class KeyUnusableError(Exception):
    """A key file is there and holds no key of ours; names the file."""

    error_id = "authority-key"


class KeyStore(Protocol):
    """Keys by name."""

    def load(self, name: str) -> Key | None:
        """None when there is none yet. Raises KeyUnusableError, OSError."""
        ...

    def keep(self, name: str, key: Key) -> None:
        """On disk when this returns. Raises OSError, FileExistsError if another was faster."""
        ...


def generate() -> Key:
    """A new key on P-256, from the system's randomness."""
    return ec.generate_private_key(ec.SECP256R1())


def pem(key: Key) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


class KeyFolder:
    """Keys as PEM files `<name>.key`, mode 0600, in a folder of mode 0700."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def load(self, name: str) -> Key | None:
        try:
            text = self.path(name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            key = load_pem_private_key(text, None)
        except (ValueError, TypeError) as error:
            raise KeyUnusableError(f"{self.path(name)} holds no key: {error}") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyUnusableError(f"{self.path(name)} holds a key of another kind")
        return key

    def keep(self, name: str, key: Key) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        put(self.path(name), pem(key), anew=True)


def put(path: Path, content: bytes, *, anew: bool = False) -> None:
    """Write a file for its owner only, as a whole, on disk when this returns. `anew`: raises
    FileExistsError rather than replace one. Raises OSError."""
    handle, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if anew:
            os.link(fresh, path)
        else:
            os.replace(fresh, path)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(fresh)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
