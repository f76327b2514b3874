"""Files that an administrator puts in place: the unit as systemd judges it, the filter as fail2ban
reads it."""

import configparser
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from central.clock import FakeClock
from central.directory import service as directory
from central.store import Store
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


def config_of(there: Path, **exchange: object) -> Path:
    said = {
        "folder": str(there / "exchange"), "address": "127.0.0.1", "password": "secret",
        "ports": {"sip": 5060, "ari": 8088, "rtp": 20_000, "rtp_count": 200},
    }  # fmt: skip
    whole = {
        "database": str(there / "wardline.db"), "broker": {}, "mllp": {}, "speech": {}, "web": {},
        "timezone": "Asia/Shanghai", "exchange": said | exchange,
    }  # fmt: skip
    path = there / "central.json"
    path.write_text(json.dumps(whole))
    return path


def with_a_phone(folder: Path) -> None:
    store = Store(folder / "wardline.db", FakeClock())
    with store.transaction() as tx:
        directory.add_extension(tx, "8003", "Station")
        directory.add_phone(tx, "0015650a1b2c", "8003")
    store.close()


def test_the_folder_is_filled_with_the_directory_before_the_service_starts(tmp_path: Path) -> None:
    with_a_phone(tmp_path)
    assert cli.main(["exchange", "prepare", "--config", str(config_of(tmp_path))]) == 0
    assert "[0015650a1b2c]" in (tmp_path / "exchange" / "etc" / "pjsip.conf").read_text()


def test_a_certificate_that_is_not_there_is_named_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_a_phone(tmp_path)
    tls = {"port": 5061, "certificate": "/nowhere/c.pem", "key": "/nowhere/k.pem"}
    config = config_of(tmp_path, tls=tls)
    assert cli.main(["exchange", "prepare", "--config", str(config)]) == 1
    assert "/nowhere/c.pem and /nowhere/k.pem are no certificate" in capsys.readouterr().err
    assert not (tmp_path / "exchange").exists()


def test_an_asterisk_that_is_not_ours_is_not_prepared_and_gets_files_to_include(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with_a_phone(tmp_path)
    config = str(config_of(tmp_path, folder=None, url="http://192.0.2.5:8088/ari"))
    assert cli.main(["exchange", "prepare", "--config", config]) == 1
    assert "none of our own" in capsys.readouterr().out
    out = tmp_path / "out"
    assert cli.main(["exchange", "files", "--output", str(out), "--config", config]) == 0
    assert "[0015650a1b2c]" in (out / "asterisk" / "wardline_pjsip.conf").read_text()
    assert "http://192.0.2.5:8088/ari" in (out / "asterisk" / "README").read_text()
