"""`./wardline image` to a folder and to the file of a card, asking the real endpoint."""

import struct
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from gateway.mqtt import claim as writing
from provisioning import cli
from provisioning.boot import image, media
from provisioning.boot.card import Card
from provisioning.boot.media import NotACardError
from tests.conftest import program
from tests.enrolment.test_endpoint import Centre

CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootwait\n"
CONFIG = "dtparam=audio=on\n"
BEGINS = 2048  # sectors
CONTROL = (
    "Package: wardline-node\nVersion: 0.1.0\nArchitecture: {}\nMaintainer: w\nDescription: w\n"
)


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    centre = Centre(tmp_path_factory.mktemp("centre"))
    yield centre
    centre.close()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Small ones in the place of ours, for the Pi and for a PC."""
    folder = tmp_path_factory.mktemp("packages")
    (folder / "wardline-central_0.1.0_arm64.deb").write_bytes(b"not for a card")
    for architecture in ("arm64", "amd64"):
        staged = folder / architecture
        (staged / "DEBIAN").mkdir(parents=True)
        (staged / "DEBIAN" / "control").write_text(CONTROL.format(architecture))
        made = folder / f"wardline-node_0.1.0_{architecture}.deb"
        subprocess.run(["dpkg-deb", "-b", str(staged), str(made)], check=True, capture_output=True)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A mounted boot partition."""
    (tmp_path / "boot").mkdir()
    (tmp_path / "boot" / "cmdline.txt").write_text(CMDLINE)
    (tmp_path / "boot" / "config.txt").write_text(CONFIG)
    return tmp_path / "boot"


@pytest.fixture
def file(folder: Path, tmp_path: Path) -> Path:
    """The file of a card: a master boot record, and FAT in its first partition."""
    path = tmp_path / "card.img"
    with path.open("wb") as made:
        made.truncate(40 * 1024 * 1024)
        entry = bytes([0, 0, 0, 0, 0x0C, 0, 0, 0]) + struct.pack("<II", BEGINS, 79_872)
        made.seek(446)
        made.write(entry + bytes(48) + b"\x55\xaa")
    at = f"{path}@@{BEGINS * 512}"
    subprocess.run([program("mformat"), "-i", at, "-T", "79872", "-F", "::"], check=True)
    names = [str(folder / name) for name in ("cmdline.txt", "config.txt")]
    subprocess.run([program("mcopy"), "-i", at, *names, "::/"], check=True)
    return path


def claim_of(centre: Centre) -> str:
    secret, fingerprint = centre.claim(node="3-box")
    return f"{centre.address}#{writing.write(secret, fingerprint)}"


def run(packages: Path, output: Path, claim: str, *more: str) -> int:
    return cli.main(
        ["image", "--claim", claim, "--packages", str(packages), "--output", str(output),
         "--debian", "13", *more]
    )  # fmt: skip


def test_a_folder_and_a_card_hold_the_same_and_it_is_told_what_they_make(
    centre: Centre, packages: Path, folder: Path, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    claim = claim_of(centre)
    for output in (folder, file):
        assert run(packages, output, claim, "--time-server", "10.0.0.5") == 0
        assert "this card makes 3-box\n" in capsys.readouterr().out
    on_card = media.Fat(file, BEGINS * 512)
    written = [path for path in folder.rglob("*") if path.is_file()]
    assert len(written) > 10
    for path in written:
        assert on_card.read(path.relative_to(folder).as_posix()) == path.read_bytes()
    assert (folder / "wardline" / "claim").read_text() == claim + "\n"
    assert (folder / "wardline" / "hostname").read_text() == "3-box\n"
    # What runs on a Pi only, and listed for apt.
    assert [each.name for each in folder.rglob("*.deb")] == ["wardline-node_0.1.0_arm64.deb"]
    listed = (folder / "wardline/packages/Packages").read_text()
    assert "Filename: ./wardline-node_0.1.0_arm64.deb\n" in listed
    # The claim was asked about, and not used.
    secret = writing.read(claim)[1]
    assert centre.ask("v1/place", {"claim": secret}) == (200, {"node": "3-box"})


def test_a_claim_that_gives_nothing_is_found_before_the_card_is_written(
    centre: Centre, packages: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    secret, fingerprint = centre.claim(node="3-box")
    strange = f"{centre.address}#{writing.write('0' * 11, fingerprint)}"
    other = f"{centre.address}#{writing.write(secret, 'Z' * 16)}"
    nowhere = f"https://127.0.0.1:9/#{writing.write(secret, fingerprint)}"
    for claim, why in (
        (strange, "This claim is not known"),
        (other, "fingerprint is another one"),
        (nowhere, "--unasked writes the card"),
        ("7K3M", "28 letters"),
        (writing.write(secret, fingerprint), "With the address before it"),
    ):
        assert run(packages, folder, claim) == 1
        assert why in capsys.readouterr().err
    assert {each.name for each in folder.iterdir()} == {"cmdline.txt", "config.txt"}
    assert run(packages, folder, nowhere, "--unasked", "--hostname", "3-box") == 0


def test_what_a_box_on_pins_or_with_the_ward_s_broker_needs_besides(
    centre: Centre, packages: Path, folder: Path
) -> None:
    claim = claim_of(centre)
    for more, wanted in (
        ((), "wardline-node"),
        (("--hardware", "gpio"), "wardline-node python3-lgpio"),
        (("--broker-claim", claim), "wardline-node mosquitto"),
    ):
        assert run(packages, folder, claim, *more) == 0
        assert (folder / "wardline" / "install").read_text() == wanted + "\n"


def test_without_our_package_for_the_pi_it_is_told_how_to_build_it(
    centre: Centre, tmp_path: Path, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "none").mkdir()
    assert run(tmp_path / "none", folder, claim_of(centre)) == 1
    assert "./wardline packages --architecture arm64" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("kind", "says"),
    [(0xEE, "GPT"), (0x83, "no FAT partition"), (0, "no FAT partition"), (None, "no partitions")],
)
def test_what_is_no_card_is_not_written_to(kind: int | None, says: str, tmp_path: Path) -> None:
    content = bytearray(1024)
    if kind is not None:
        content[510:512] = b"\x55\xaa"
        content[450] = kind
        content[454] = 1
    (tmp_path / "card").write_bytes(content)
    with pytest.raises(NotACardError, match=says):
        media.find(tmp_path / "card")
    assert (tmp_path / "card").read_bytes() == content


def test_an_empty_folder_is_no_card(tmp_path: Path) -> None:
    with pytest.raises(NotACardError, match="Write Raspberry Pi OS to the card first"):
        media.find(tmp_path)


def test_a_mounted_card_is_named_by_its_folder() -> None:
    line = next(
        line for line in Path("/proc/self/mounts").read_text().splitlines()
        if line.startswith("/dev/")
    )  # fmt: skip
    with pytest.raises(NotACardError, match="is mounted at"):
        media.find(Path(line.split()[0]))


def test_a_card_that_loses_what_is_written_is_found_out() -> None:
    class Worn:
        """Keeps all but one block."""

        def __init__(self) -> None:
            self.files = {"cmdline.txt": CMDLINE.encode(), "config.txt": CONFIG.encode()}

        def read(self, name: str) -> bytes:
            return self.files[name]

        def write(self, files: Mapping[str, bytes]) -> None:
            self.files |= files
            self.files["wardline/claim"] = b"\0" * 4

    with pytest.raises(image.NotAsWrittenError, match="wardline/claim"):
        image.write(Worn(), Card("13", "https://10.0.0.5:8884/#7K3M", "3-box"))
