"""The Debian packages that go onto a card: ours, and for a ward without a network to Debian those
that ours need."""

import hashlib
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from provisioning import root
from provisioning.environment import alone, cache_folder

ARCHITECTURE = "arm64"
CENTRE = "wardline-central_"
SUITES = {"12": "bookworm", "13": "trixie"}
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
APT_TIMEOUT_S = 900


class BundleNotMadeError(Exception):
    """The packages for a card could not be gathered; says why."""

    error_id = "card-packages"


def in_folder(folder: Path) -> dict[str, bytes]:
    """The packages in `folder` that run on a Raspberry Pi, by the names of their files, but for the
    centre's. Raises BundleNotMadeError, OSError."""
    found = {}
    for path in sorted(folder.glob("*.deb")):
        if path.name.startswith(CENTRE):
            continue
        if _fields(path, "Architecture").strip() in (ARCHITECTURE, "all"):
            found[path.name] = path.read_bytes()
    return found


def index(packages: Mapping[str, bytes]) -> str:
    """The list by which apt finds them. Raises BundleNotMadeError."""
    entries = []
    with tempfile.TemporaryDirectory(prefix="wardline-index-") as passing:
        for name, content in packages.items():
            path = Path(passing) / name
            path.write_bytes(content)
            sums = f"Size: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
            entries.append(f"{_fields(path).rstrip()}\nFilename: ./{name}\n{sums}")
            path.unlink()
    return "\n".join(entries)


def name_of(entry: str) -> str:
    """The package's name in an entry of an index."""
    return next((line[9:] for line in entry.splitlines() if line.startswith("Package: ")), "")


def _fields(path: Path, *names: str) -> str:
    done = subprocess.run(["dpkg-deb", "-f", str(path), *names], capture_output=True, text=True)
    if done.returncode:
        raise BundleNotMadeError(f"{path.name} is no Debian package: {done.stderr.strip()}")
    return done.stdout


def from_debian(
    debian: str,
    ours: Mapping[str, bytes],
    names: Sequence[str],
    say: Callable[[str], None],
    architecture: str = ARCHITECTURE,
) -> dict[str, bytes]:
    """What `names` need besides `ours` on a Debian that has nothing but its essential packages: a
    card for a ward without a network brings all of it, and apt takes what the machine lacks. Kept
    in the cache. Raises BundleNotMadeError."""
    suite = SUITES[debian]
    listed = index(ours)
    facts = "\n".join([suite, architecture, listed, *names]).encode()
    kept = cache_folder() / f"card-{hashlib.sha256(facts).hexdigest()[:16]}"
    kept.parent.mkdir(parents=True, exist_ok=True)
    with alone(kept.parent / "card.lock", say):
        if not kept.exists():
            say(f"fetching what {', '.join(names)} need from Debian {debian}")
            with tempfile.TemporaryDirectory(prefix="wardline-apt-", dir=kept.parent) as passing:
                _fetch(suite, architecture, ours, listed, names, Path(passing))
                (Path(passing) / "archives").rename(kept)
    return {
        path.name: path.read_bytes()
        for path in sorted(kept.glob("*.deb"))
        if not path.name.startswith("wardline-")
    }


def _fetch(
    suite: str,
    architecture: str,
    ours: Mapping[str, bytes],
    listed: str,
    names: Sequence[str],
    folder: Path,
) -> None:
    try:
        mirror = root.mirror(suite)
    except root.RootNotMadeError as error:
        raise BundleNotMadeError(str(error)) from error
    for name in ("archives/partial", "lists/partial", "ours"):
        (folder / name).mkdir(parents=True)
    for file, content in ours.items():
        (folder / "ours" / file).write_bytes(content)
    (folder / "ours" / "Packages").write_text(listed)
    (folder / "status").touch()
    (folder / "sources.list").write_text(
        f"deb [signed-by={KEYRING}] {mirror} {suite} main\n"
        f"deb [trusted=yes] copy:{folder}/ours ./\n"
    )
    options = {
        "APT::Architecture": architecture, "APT::Architectures": architecture,
        "APT::Install-Recommends": "false", "APT::Sandbox::User": "root",
        "Acquire::Check-Valid-Until": "false", "Debug::NoLocking": "true",
        "Dir::State::status": folder / "status", "Dir::State::lists": folder / "lists",
        "Dir::Cache::archives": folder / "archives", "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "", "Dir::Etc::sourcelist": folder / "sources.list",
        "Dir::Etc::sourceparts": "-",
    }  # fmt: skip
    apt = ["apt-get", "-q", "-y", *(f"-o{name}={value}" for name, value in options.items())]
    for step in (["update"], ["install", "--download-only", *names]):
        try:
            done = subprocess.run(
                [*apt, *step], capture_output=True, text=True, timeout=APT_TIMEOUT_S
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise BundleNotMadeError(f"apt-get does not run: {error}") from error
        if done.returncode:
            raise BundleNotMadeError(done.stderr.strip() or done.stdout.strip()[-400:])
    # Every Debian has these; and a card is small.
    for path in (folder / "archives").glob("*.deb"):
        if "Essential: yes" in _fields(path) or _fields(path, "Priority").strip() == "required":
            path.unlink()
    for name in ("lock", "partial"):
        left = folder / "archives" / name
        if left.is_dir():
            left.rmdir()
        else:
            left.unlink(missing_ok=True)
