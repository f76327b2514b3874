"""Prompts a hospital recorded itself: a person's voice overrides any engine.

A folder of WAV files. A file is used for a text when it is named
`<sha256 of "lang:text">.wav`, or when `index.json` says so:

    [{"lang": "zh", "text": "已通知护士,请稍候。", "file": "noted.wav"}, ...]
"""

import hashlib
import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger("wardline.speech")


def name_of(lang: str, text: str) -> str:
    """The file name under which a recording of `text` is found without an index."""
    return hashlib.sha256(f"{lang}:{text}".encode()).hexdigest() + ".wav"


class Recordings:
    """The recordings in `folder`; a changed index is read anew. `None`: there are none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._read_at_mtime_ns = -1
        self._index: dict[tuple[str, str], str] = {}

    def find(self, lang: str, text: str) -> Path | None:
        """The recording of `text`, if there is one."""
        if self._folder is None:
            return None
        self._refresh()
        for name in (self._index.get((lang, text)), name_of(lang, text)):
            if name is None:
                continue
            path = self._folder / name
            if path.is_file():
                return path
            if name in self._index.values():
                log.warning("%s is listed in the index but not in %s", name, self._folder)
        return None

    def _refresh(self) -> None:
        assert self._folder is not None
        path = self._folder / "index.json"
        try:
            mtime_ns = path.stat().st_mtime_ns
        except OSError:
            self._index = {}
            self._read_at_mtime_ns = -1
            return
        if mtime_ns == self._read_at_mtime_ns:
            return
        try:
            entries = json.loads(path.read_text(encoding="utf-8"))
            self._index = {(each["lang"], each["text"]): _file(each) for each in entries}
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.error("%s is not used: %s", path, error)
            self._index = {}
        self._read_at_mtime_ns = mtime_ns  # last: other threads look, too


def _file(entry: dict[str, Any]) -> str:
    name = str(entry["file"])
    if Path(name).name != name:
        raise ValueError(f"{name}: a recording lies in the folder itself")
    return name
