"""Files that an administrator puts in place: the unit as systemd judges it, the filter as fail2ban
reads it."""

import configparser
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from provisioning import cli, exchange_files
from tests.conftest import program

HOST = r"(?P<host>[0-9a-fA-F.:]+)"
# Lines that Asterisk 22.10.1 wrote; an address cannot be forged where the transport is TCP or TLS.
LINE = (
    '[2026-11-28T22:05:39.058] SECURITY[28182] res_security_log.c: SecurityEvent="{event}"'
    ',EventTV="2026-11-28T22:05:39.058+0000",Severity="Error",Service="PJSIP",EventVersion="1"'
    ',AccountID="{account}",SessionID="37e162454a",LocalAddress="IPV4/{transport}/127.0.0.1/11181"'
    ',RemoteAddress="IPV4/{transport}/192.0.2.9/47572",Challenge="1795903538/201f6b771c7b173cd3df54'
    'cb188c36d4",Response="c847eb5be5a7b446aed9d320d703ebc6",ExpectedResponse=""'
)
FAILED = "ChallengeResponseFailed"
# event, account, transport, and in which modes it counts
CASES = (
    (FAILED, "0015650a1b2c", "TCP", ("normal", "aggressive")),
    (FAILED, "<unknown>", "TLS", ("normal", "aggressive")),
    (FAILED, "0015650a1b2c", "UDP", ("aggressive",)),
    ("SuccessfulAuth", "0015650a1b2c", "TCP", ()),
    ("ChallengeSent", "0015650a1b2c", "TCP", ()),
    ("InvalidAccountID", 'x",RemoteAddress="IPV4/TCP/9.9.9.9/1', "TCP", ()),
    (FAILED, 'x",RemoteAddress="IPV4/TCP/9.9.9.9/1', "TCP", ()),
)


@pytest.fixture
def written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert cli.main(["exchange", "files", "--output", str(tmp_path / "out")]) == 0
    assert exchange_files.UNIT in capsys.readouterr().out
    return tmp_path / "out"


def filter_of(folder: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.read(folder / exchange_files.FILTER)
    return parser


@pytest.mark.parametrize("mode", ["normal", "aggressive"])
@pytest.mark.parametrize(("event", "account", "transport", "modes"), CASES)
def test_the_filter_finds_whom_it_should(
    written: Path, mode: str, event: str, account: str, transport: str, modes: tuple[str, ...]
) -> None:
    parser = filter_of(written)
    pattern = parser["Definition"]["failregex"]
    pattern = pattern.replace("<transport_<mode>>", parser["DEFAULT"][f"transport_{mode}"])
    line = LINE.format(event=event, account=account, transport=transport)
    # fail2ban takes the date out before it looks.
    found = re.match(pattern.replace("<HOST>", HOST), line.partition("]")[2])
    assert (found["host"] if found else None) == ("192.0.2.9" if mode in modes else None)


@pytest.mark.skipif(not shutil.which("fail2ban-regex"), reason="fail2ban is not installed")
@pytest.mark.parametrize(("mode", "expected"), [("normal", 2), ("aggressive", 3)])
def test_fail2ban_itself_reads_it_so(
    written: Path, tmp_path: Path, mode: str, expected: int
) -> None:
    lines = [LINE.format(event=event, account=who, transport=by) for event, who, by, _ in CASES]
    (tmp_path / "security").write_text("\n".join(lines) + "\n")
    path = f"{written / exchange_files.FILTER}[mode={mode}]"
    done = subprocess.run(
        ["fail2ban-regex", str(tmp_path / "security"), path], capture_output=True, text=True
    )
    assert f"Failregex: {expected} total" in done.stdout, done.stdout + done.stderr
    assert f"{len(CASES)} lines, 0 ignored, {expected} matched" in done.stdout


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_understands_the_unit_and_finds_it_closed_in(written: Path) -> None:
    unit = written / exchange_files.UNIT
    done = subprocess.run(
        [program("systemd-analyze"), "verify", str(unit)], capture_output=True, text=True
    )
    # It looks for the program here, and not where RootDirectory says.
    complaints = [
        line for line in done.stderr.splitlines()
        if "/usr/sbin/asterisk is not executable" not in line
    ]  # fmt: skip
    assert complaints == []
    judged = subprocess.run(
        [program("systemd-analyze"), "security", "--offline=yes", "--threshold=20", str(unit)],
        capture_output=True, text=True,
    )  # fmt: skip
    assert judged.returncode == 0, judged.stdout[-300:]  # at most 2.0 of 10 exposed


def test_the_unit_runs_out_of_the_root_as_nobody_special(written: Path) -> None:
    lines = (written / exchange_files.UNIT).read_text().splitlines()
    for wanted in (
        f"RootDirectory={exchange_files.ROOT}",
        f"BindPaths={exchange_files.FOLDER}:/run/exchange",
        f"User={exchange_files.USER}",
        "CapabilityBoundingSet=",
        "NoNewPrivileges=yes",
        "Restart=always",
        "StartLimitBurst=10",
    ):
        assert wanted in lines


def test_what_is_written_is_its_owner_s_alone(written: Path) -> None:
    files = [each for each in written.rglob("*") if each.is_file()]
    assert len(files) == 3
    assert all(each.stat().st_mode & 0o077 == 0 for each in files)
