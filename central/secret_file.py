"""A secret of one installation in a file of its own: outside the database, for its owner only."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

SECRET_BYTES = 32


def secret(path: str | Path) -> bytes:
    """The secret of the file, which is made on first use with mode 0600. Two processes that begin
    at once agree: the file is there as a whole or not at all. Raises OSError."""
    path = Path(path)
    with suppress(FileNotFoundError):
        return path.read_bytes()
    handle, whole = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(secrets.token_bytes(SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(whole, path)
    finally:
        os.unlink(whole)
    return path.read_bytes()
