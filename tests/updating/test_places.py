"""A box that is cut off at any step of an update starts the old version or the new, never none."""

import contextlib
import gzip
import io
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from ward_node.contract.versions import order
from ward_node.cpython.updating import bundle
from ward_node.cpython.updating.bundle import BundleError
from ward_node.cpython.updating.lock import LEASE_MS, UpdateLock
from ward_node.cpython.updating.places import (
    MOST_STARTS,
    NotThatVersionError,
    NoVersionError,
    Places,
)

OLD, NEW = "1.0", "1.1"


def packed(version: str) -> bytes:
    """The same bytes whenever it is made."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in ("run", "lib/part.py"):
            content = version.encode()
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), 0o755
            archive.addfile(member, io.BytesIO(content))
    return gzip.compress(made.getvalue(), mtime=0)


class PowerCutError(BaseException):
    """Nothing of ours may catch it."""


class Cut:
    """Cuts the power before step number `at` (0: never), and notes the steps."""

    def __init__(self, at: int = 0) -> None:
        self.at = at
        self.steps: list[str] = []

    def __call__(self, name: str) -> None:
        self.steps.append(name)
        if len(self.steps) == self.at:
            raise PowerCutError(name)


def starts(root: Path) -> str:
    """What the box is after a start with power."""
    folder = Places(root).start()
    text = (folder / "run").read_text()
    assert (folder / "lib" / "part.py").read_text() == text
    assert text == folder.name
    return text


def old_box(root: Path) -> None:
    root.mkdir()
    places = Places(root)
    places.install(OLD, packed(OLD))
    places.begin(OLD)
    assert starts(root) == OLD


def update(places: Places) -> None:
    places.install(NEW, packed(NEW))
    places.begin(NEW)


def kept(places: Places) -> None:
    update(places)
    places.start()
    places.commit()


def given_up(places: Places) -> None:
    update(places)
    places.start()
    places.go_back("no lamp", "log of the trial")


@pytest.mark.parametrize("whole", [kept, given_up])
def test_a_power_cut_at_every_step_leaves_a_box_that_starts(
    tmp_path: Path, whole: Callable[[Places], None]
) -> None:
    old_box(tmp_path / "never")
    all_steps = Cut()
    whole(Places(tmp_path / "never", all_steps))
    assert len(all_steps.steps) >= 8
    for at in range(1, len(all_steps.steps) + 1):
        root = tmp_path / str(at)
        old_box(root)
        with pytest.raises(PowerCutError):
            whole(Places(root, Cut(at)))
        assert starts(root) in (OLD, NEW), all_steps.steps[at - 1]
        # And it can be updated after all, or has been.
        places = Places(root)
        if places.trial() is None and places.current() == OLD and NEW not in places.failed():
            update(places)
            assert starts(root) == NEW


def test_what_proves_itself_stays_and_older_ones_go(tmp_path: Path) -> None:
    root = tmp_path / "box"
    old_box(root)
    kept(Places(root))
    places = Places(root)
    places.install("1.2", packed("1.2"))
    places.begin("1.2")
    assert starts(root) == "1.2"
    compiled = {each: places.cache / str(places.folder(each)).lstrip("/") for each in (OLD, NEW)}
    for each in compiled.values():
        each.mkdir(parents=True)
    places.commit()
    assert [each.exists() for each in compiled.values()] == [False, True]
    assert places.versions() == [NEW, "1.2"]
    assert places.trial() is None
    assert starts(root) == "1.2"


def test_what_fails_is_left_and_not_tried_again_by_itself(tmp_path: Path) -> None:
    root = tmp_path / "box"
    old_box(root)
    given_up(Places(root))
    places = Places(root)
    assert starts(root) == OLD
    assert places.failed() == {NEW: "no lamp\nlog of the trial"}
    with pytest.raises(NotThatVersionError, match="given up"):
        places.begin(NEW)
    places.begin(NEW, again=True)
    assert starts(root) == NEW


def test_the_first_reason_stands_when_the_way_back_is_cut_off(tmp_path: Path) -> None:
    root = tmp_path / "box"
    old_box(root)
    update(Places(root))
    Places(root).start()
    with pytest.raises(PowerCutError):
        Places(root, Cut(at=2)).go_back("no lamp", "said")
    Places(root).go_back("started 3 times")
    assert Places(root).failed() == {NEW: "no lamp\nsaid"}
    assert Places(root).untold().keys() == {NEW}
    Places(root).told(NEW)
    assert Places(root).untold() == {}
    Places(root).begin(NEW, again=True)
    Places(root).start()
    Places(root).go_back("no speaker", "")
    assert Places(root).untold() == {NEW: "no speaker\n"}


def test_what_never_gets_to_its_tests_is_given_up_after_some_starts(tmp_path: Path) -> None:
    root = tmp_path / "box"
    old_box(root)
    update(Places(root))
    assert [starts(root) for _ in range(MOST_STARTS + 1)] == [NEW] * MOST_STARTS + [OLD]
    assert "never proved itself" in Places(root).failed()[NEW]


def test_an_older_version_is_not_taken(tmp_path: Path) -> None:
    root = tmp_path / "box"
    old_box(root)
    kept(Places(root))
    with pytest.raises(NotThatVersionError, match="not newer"):
        Places(root).begin(OLD)
    with pytest.raises(NotThatVersionError, match="two to four numbers"):
        Places(root).install("../../etc", packed("x"))


def test_a_lost_link_is_found_again_and_an_empty_box_says_so(tmp_path: Path) -> None:
    root = tmp_path / "box"
    old_box(root)
    kept(Places(root))
    (root / "current").unlink()
    assert starts(root) == NEW
    with pytest.raises(NoVersionError):
        Places(tmp_path / "nothing").start()


def test_a_torn_note_of_the_trial_is_none(tmp_path: Path) -> None:
    root = tmp_path / "box"
    old_box(root)
    update(Places(root))
    whole = (root / "trial.json").read_bytes()
    for length in range(len(whole)):
        (root / "trial.json").write_bytes(whole[:length])
        assert Places(root).trial() is None
        assert starts(root) == NEW


# --- bundles ---


def archive(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as file:
        for member, content in members:
            member.size = len(content)
            file.addfile(member, io.BytesIO(content))
    return made.getvalue()


def link(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, to
    return member


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (archive((tarfile.TarInfo("../run"), b"x")), "leads out"),
        (archive((tarfile.TarInfo("a/../../run"), b"x")), "leads out"),
        (archive((tarfile.TarInfo("/etc/passwd"), b"x")), "leads out"),
        (archive((link("run", "/etc/passwd", tarfile.SYMTYPE), b"")), "neither a file"),
        (archive((link("run", "../run", tarfile.LNKTYPE), b"")), "neither a file"),
        (archive((link("dev", "", tarfile.CHRTYPE), b"")), "neither a file"),
        (archive((tarfile.TarInfo("run"), b"x"), (tarfile.TarInfo("run"), b"y")), "twice"),
        (b"", "cannot be read"),
        (packed(NEW)[:-20], "cannot be read"),
    ],
    ids=range(9),  # their bytes hold the time, and each worker must find the same tests
)
def test_a_bundle_that_is_none_changes_nothing(tmp_path: Path, content: bytes, why: str) -> None:
    root = tmp_path / "box"
    old_box(root)
    with pytest.raises(BundleError, match=why):
        Places(root).install(NEW, content)
    assert sorted(path.name for path in (root / "versions").iterdir()) == [OLD]
    assert not (tmp_path / "run").exists()
    assert starts(root) == OLD


def test_a_bundle_that_unpacks_without_end_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle, "MOST_BYTES", 1000)
    root = tmp_path / "box"
    old_box(root)
    with pytest.raises(BundleError, match="more than 1000 bytes"):
        Places(root).install(NEW, archive((tarfile.TarInfo("run"), b"0" * 1001)))


@given(st.binary(max_size=200))
def test_noise_is_no_bundle(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("noise") / "x"
    with pytest.raises(BundleError):
        bundle.unpack(content, folder)


def test_a_bundle_is_the_same_for_the_same_files(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    bundle.unpack(packed(NEW), one)
    bundle.unpack(bundle.pack(one), other)
    assert bundle.pack(one)[10:] == bundle.pack(other)[10:]  # behind gzip's own time
    assert (other / "run").stat().st_mode & 0o777 == 0o755


# --- the lock ---


class Locking(RuleBasedStateMachine):
    """What holds is what was held and neither let go nor over."""

    def __init__(self) -> None:
        super().__init__()
        self.lock, self.now_ms = UpdateLock(), 0
        self.until_ms: dict[str, int] = {}

    @rule(why=st.sampled_from("abc"), for_ms=st.integers(1, LEASE_MS))
    def hold(self, why: str, for_ms: int) -> None:
        self.lock.hold(why, self.now_ms, for_ms)
        self.until_ms[why] = max(self.until_ms.get(why, 0), self.now_ms + for_ms)

    @rule(why=st.sampled_from("abc"))
    def release(self, why: str) -> None:
        self.lock.release(why)
        self.until_ms.pop(why, None)

    @rule(passed_ms=st.integers(0, 2 * LEASE_MS))
    def wait(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @invariant()
    def holds(self) -> None:
        holding = {why for why, until in self.until_ms.items() if until > self.now_ms}
        assert set(self.lock.held_by(self.now_ms)) == holding


TestLocking = Locking.TestCase


class Updating(RuleBasedStateMachine):
    """Updates, starts, commits and ways back in any order, with the power cut in any of them."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.root = Path(self.folder.name) / "box"
        old_box(self.root)
        self.next = 1

    def teardown(self) -> None:
        self.folder.cleanup()

    def cut(self, at: int, do: Callable[[Places], object]) -> None:
        with contextlib.suppress(PowerCutError, NotThatVersionError):
            do(Places(self.root, Cut(at)))

    @rule(at=st.integers(0, 9))
    def new_version(self, at: int) -> None:
        self.next += 1
        version = f"1.{self.next}"

        def do(places: Places) -> None:
            places.install(version, packed(version))
            places.begin(version)

        self.cut(at, do)

    @rule(at=st.integers(0, 7))
    def start(self, at: int) -> None:
        self.cut(at, Places.start)

    @precondition(lambda self: Places(self.root).trial() is not None)
    @rule(at=st.integers(0, 5))
    def commit(self, at: int) -> None:
        self.cut(at, Places.commit)

    @precondition(lambda self: Places(self.root).trial() is not None)
    @rule(at=st.integers(0, 7))
    def go_back(self, at: int) -> None:
        self.cut(at, lambda places: places.go_back("no"))

    @invariant()
    def current_is_whole(self) -> None:
        now = Places(self.root).current()
        assert now is not None
        folder = self.root / "versions" / now
        assert (folder / "run").read_text() == (folder / "lib" / "part.py").read_text() == now


TestUpdating = Updating.TestCase
# Each step is durable on a real disk.
TestUpdating.settings = settings(max_examples=25, stateful_step_count=12)


def test_versions_are_ordered_by_their_numbers() -> None:
    assert sorted(["1.10", "1.9", "1.9.1", "0.99.9"], key=order) == [
        "0.99.9", "1.9", "1.9.1", "1.10",
    ]  # fmt: skip
