"""The exchange's folder: its configuration files, replaced as a whole and its owner's alone."""

from collections.abc import Mapping
from pathlib import Path

from gateway.telephone import files
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import Exchange

FOLDERS = ("etc", "var", "spool", "run", "log", "sounds")


def prepare(folder: Path, exchange: Exchange, directory: Directory) -> None:
    """Put everything in its place before Asterisk starts. Raises UnsafeTextError."""
    texts = files.texts(exchange, directory)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    put(folder, texts)


def put(folder: Path, texts: Mapping[str, str]) -> None:
    """Write configuration files, by name; Asterisk may be reading the old ones."""
    for name, text in texts.items():
        fresh = folder / "etc" / f".{name}"
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(folder / "etc" / name)
