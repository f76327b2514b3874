"""Attacks on updates, as TUF lists them, on a real repository behind a real web server."""

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from provisioning.authority.keys import KeyFolder, generate
from provisioning.updates.repository import NotPublishedError, Repository
from tests.updating.test_places import packed
from ward_node.cpython.updating.fetching import NotFetchedError, Source

NOW = datetime.now(UTC)


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass
class Served:
    folder: Path
    repository: Repository
    url: str

    def box(self, folder: Path) -> Source:
        return Source(folder, self.repository.first_root, self.url)


def repository(folder: Path, now: datetime = NOW) -> Repository:
    keys = [KeyFolder(folder / name) for name in ("locked", "online")]
    return Repository(folder / "served", *keys, lambda: now)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    made = repository(tmp_path)
    made.create()
    made.publish("1.1", packed("1.1"))
    folder = tmp_path / "served"
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield Served(folder, made, f"http://127.0.0.1:{server.server_port}")
    server.shutdown()
    thread.join()
    server.server_close()


def edited(path: Path, **fields: Any) -> None:
    found = json.loads(path.read_text())
    found["signed"] |= fields
    path.write_text(json.dumps(found))


def test_what_was_signed_is_fetched(served: Served, tmp_path: Path) -> None:
    assert served.box(tmp_path / "box").fetch("1.1") == packed("1.1")
    served.repository.publish("1.2", packed("1.2"))
    assert served.repository.versions() == ["1.1", "1.2"]
    assert served.box(tmp_path / "box").fetch("1.2") == packed("1.2")
    with pytest.raises(NotFetchedError, match="not published"):
        served.box(tmp_path / "box").fetch("9.9")


def test_one_flipped_byte_anywhere_in_a_bundle_is_refused(served: Served, tmp_path: Path) -> None:
    [path] = (served.folder / "targets").iterdir()
    whole = path.read_bytes()
    for at in {0, 1, len(whole) // 2, len(whole) - 1}:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(NotFetchedError, match="not as it was signed"):
            served.box(tmp_path / "box").fetch("1.1")
    for content in (whole + b"x", whole * 10_000, whole[:-1]):
        path.write_bytes(content)
        with pytest.raises(NotFetchedError):
            served.box(tmp_path / "box").fetch("1.1")
    path.write_bytes(whole)
    assert served.box(tmp_path / "box").fetch("1.1") == packed("1.1")


def test_an_older_state_than_was_seen_is_refused(served: Served, tmp_path: Path) -> None:
    """Downgrade: everything in it is signed."""
    shutil.copytree(served.folder, tmp_path / "older")
    served.repository.publish("1.2", packed("1.2"))
    box = served.box(tmp_path / "box")
    box.fetch("1.2")
    for path in served.folder.rglob("*.json"):
        path.unlink()
    shutil.copytree(tmp_path / "older", served.folder, dirs_exist_ok=True)
    with pytest.raises(NotFetchedError, match=r"not as it was signed.*version"):
        served.box(tmp_path / "box").fetch("1.1")


def test_a_state_that_is_withheld_too_long_is_refused(tmp_path: Path, served: Served) -> None:
    """Freeze: the server was kept from telling anything new."""
    stale = repository(tmp_path, NOW - timedelta(days=4))
    stale.refresh()
    with pytest.raises(NotFetchedError, match="nothing new for too long"):
        served.box(tmp_path / "box").fetch("1.1")
    served.repository.refresh()
    assert served.box(tmp_path / "box").fetch("1.1") == packed("1.1")


@pytest.mark.parametrize("role", ["timestamp", "2.snapshot", "2.targets"])
def test_what_was_changed_after_it_was_signed_is_refused(
    served: Served, tmp_path: Path, role: str
) -> None:
    edited(served.folder / "metadata" / f"{role}.json", expires="2099-01-01T00:00:00Z")
    with pytest.raises(NotFetchedError, match="not as it was signed"):
        served.box(tmp_path / "box").fetch("1.1")


def test_parts_of_two_states_do_not_go_together(served: Served, tmp_path: Path) -> None:
    """Mix and match: each of them is signed."""
    metadata = served.folder / "metadata"
    served.repository.publish("1.2", packed("1.2"))
    shutil.copyfile(metadata / "2.targets.json", metadata / "3.targets.json")
    with pytest.raises(NotFetchedError, match="not as it was signed"):
        served.box(tmp_path / "box").fetch("1.1")


def test_another_hospitals_repository_is_refused(served: Served, tmp_path: Path) -> None:
    box = served.box(tmp_path / "box")
    other = repository(tmp_path / "other")
    other.create()
    other.publish("1.1", packed("bad"))
    shutil.rmtree(served.folder)
    shutil.copytree(tmp_path / "other" / "served", served.folder)
    with pytest.raises(NotFetchedError, match="not as it was signed"):
        box.fetch("1.1")


def test_metadata_without_end_is_cut_off(served: Served, tmp_path: Path) -> None:
    (served.folder / "metadata" / "timestamp.json").write_bytes(b" " * 1_000_000)
    with pytest.raises(NotFetchedError):
        served.box(tmp_path / "box").fetch("1.1")


def test_no_server_and_no_repository_are_told(tmp_path: Path, served: Served) -> None:
    root = served.repository.first_root
    with pytest.raises(NotFetchedError, match="cannot be fetched"):
        Source(tmp_path / "box", root, "http://127.0.0.1:9").fetch("1.1")
    with pytest.raises(NotFetchedError):
        Source(tmp_path / "box", b"{}", served.url).fetch("1.1")


def test_the_server_signs_on_without_the_keys_that_are_locked_away(
    served: Served, tmp_path: Path
) -> None:
    for path in (tmp_path / "locked").iterdir():
        path.rename(tmp_path / path.name)
    served.repository.refresh()
    assert served.box(tmp_path / "box").fetch("1.1") == packed("1.1")
    with pytest.raises(NotPublishedError, match="the key of targets is not at"):
        served.repository.publish("1.2", packed("1.2"))


def test_who_has_only_the_servers_keys_publishes_nothing(served: Served, tmp_path: Path) -> None:
    """The server is broken into: its own keys do not make a version."""
    locked = KeyFolder(tmp_path / "forged")
    for role in ("root", "targets"):
        locked.keep(role, generate())
    forger = Repository(served.folder, locked, KeyFolder(tmp_path / "online"), lambda: NOW)
    forger.publish("6.6", packed("bad"))
    with pytest.raises(NotFetchedError, match="not as it was signed"):
        served.box(tmp_path / "box").fetch("6.6")


def test_a_version_is_one_content_and_can_be_withdrawn(served: Served, tmp_path: Path) -> None:
    with pytest.raises(NotPublishedError, match="another content"):
        served.repository.publish("1.1", packed("other"))
    with pytest.raises(NotPublishedError, match="two to four numbers"):
        served.repository.publish("../1.1", b"")
    served.repository.withdraw("1.1")
    with pytest.raises(NotFetchedError, match="not published"):
        served.box(tmp_path / "box").fetch("1.1")
