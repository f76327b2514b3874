"""The secret of an installation: made once, private, and the same for all who begin at once."""

import stat
import threading
from pathlib import Path

from central.secret_file import secret


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    first = secret(path)
    assert len(first) == 32
    assert secret(str(path)) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_all_who_begin_at_once_have_the_same(tmp_path: Path) -> None:
    found: list[bytes] = []
    gate = threading.Barrier(8)

    def begin() -> None:
        gate.wait()
        found.append(secret(tmp_path / "key"))

    threads = [threading.Thread(target=begin) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(found)) == 1
    assert len(found[0]) == 32
