"""Signed at the command line, handed out by the endpoint, fetched by an enrolled box."""

import io
import json
from pathlib import Path

import pytest

from central.updates import model
from provisioning import cli
from provisioning.updates import publishing
from tests.enrolment.test_endpoint import Centre
from ward_node.cpython.updating import bundle, packing, where
from ward_node.cpython.updating.bundle import NotFetchedError

ROOT = Path(__file__).resolve().parents[2]
VERSION = "1.4.0"


def test_a_version_goes_from_the_checkout_to_an_enrolled_box(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "centre").mkdir()
    centre = Centre(tmp_path / "centre")
    try:
        _goes(centre, tmp_path, capsys)
    finally:
        centre.close()


def _goes(centre: Centre, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = {
        "database": str(centre.settings.database), "broker": {}, "mllp": {}, "speech": {},
        "web": {}, "timezone": "Asia/Shanghai",
        "provisioning": {
            "folder": str(centre.settings.folder), "port": centre.port, "address": centre.address,
        },
    }  # fmt: skip
    path = tmp_path / "central.json"
    path.write_text(json.dumps(config))

    def run(*words: str) -> int:
        keys = ["--keys", str(tmp_path / "stick"), "--config", str(path)]
        return publishing.main(cli.parse(["updates", *words, *keys]), io.StringIO())

    kept = centre.enrol(tmp_path / "box", *centre.claim())
    metadata = tmp_path / "box" / "root" / "metadata"
    with pytest.raises(NotFetchedError, match="publishes no versions"):
        where.of_box(kept, centre.address, metadata)
    assert run("publish", VERSION) == 1
    assert "updates create" in capsys.readouterr().err
    assert run("create") == 0
    assert run("create") == 1
    assert run("publish", VERSION, "--tree", str(tmp_path)) == 1
    assert "name the top of a checkout" in capsys.readouterr().err
    assert run("publish", VERSION, "--tree", str(ROOT), "--note", "first") == 0
    assert run("publish", VERSION, "--tree", str(ROOT), "--note", "first") == 0, "the same bytes"
    (row,) = model.versions(centre.store.read())
    assert (row["version"], row["note"]) == (VERSION, "first")

    source = where.of_box(kept, centre.address, metadata)
    content = source.fetch(VERSION)
    assert content == packing.of_tree(ROOT)
    bundle.unpack(content, tmp_path / "unpacked")
    assert (tmp_path / "unpacked" / "ward_node" / "cpython" / "__main__.py").exists()
    assert sorted(each.name for each in (tmp_path / "unpacked").iterdir()) == ["hw", "ward_node"]

    later = centre.enrol(tmp_path / "later", *centre.claim(node="3-later", beds=("3",)))
    assert (
        later.node()["updates_root"].encode() == (metadata.parent / where.FIRST_ROOT).read_bytes()
    )
    metadata_there = tmp_path / "later" / "root" / "metadata"
    assert where.of_box(later, centre.address, metadata_there).fetch(VERSION) == content
    assert not (metadata_there.parent / where.FIRST_ROOT).exists()

    assert run("withdraw", VERSION) == 0
    with pytest.raises(NotFetchedError, match="not published"):
        where.of_box(kept, centre.address, metadata).fetch(VERSION)
    assert model.versions(centre.store.read())[0]["withdrawn_ms"] is not None
