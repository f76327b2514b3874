"""What is on a card: for both Debians, twice the same, and nothing that would not work."""

import configparser
import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from central.errors import FieldError
from provisioning.boot import card
from provisioning.boot.card import Card, Network

CMDLINE = "console=serial0,115200 console=tty1 root=PARTUUID=4e639091-02 rootwait quiet"
CONFIG = "dtparam=audio=on\n\n[cm4]\notg_mode=1\n"
CLAIM = "https://10.0.0.5:8884/#7K3M-Q0ZT"
BOX = Card("12", CLAIM, "3-box", packages={"a.deb": b"a"}, index="Package: a\n")
FIXED = Network("10.0.3.7/24", "10.0.3.1", ("10.0.0.2", "10.0.0.3"))
WIFI = Network(wifi="ward 3", password="a secret word", country="CN")
# What people call networks, and how passwords may look.
NAMES = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1,
                max_size=8)  # fmt: skip
PASSWORDS = st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=8, max_size=63)


def made(wanted: Card = BOX, **more: Any) -> dict[str, bytes]:
    return card.files(replace(wanted, **more), CMDLINE, CONFIG)


@pytest.mark.parametrize("debian", card.DEBIANS)
@pytest.mark.parametrize("network", [Network(), FIXED, WIFI], ids=["dhcp", "fixed", "wifi"])
def test_written_to_a_written_card_it_is_the_same(debian: str, network: Network) -> None:
    once = made(debian=debian, network=network)
    twice = card.files(
        replace(BOX, debian=debian, network=network),
        once["cmdline.txt"].decode(),
        once["config.txt"].decode(),
    )
    assert twice == once


@pytest.mark.parametrize("debian", card.DEBIANS)
def test_the_sums_are_of_all_that_the_first_start_uses(debian: str) -> None:
    files = made(debian=debian, broker_claim=CLAIM, time_server="10.0.0.5", offline=True)
    listed = dict(reversed(line.split("  ", 1)) for line in files[card.SUMS].decode().splitlines())
    ours = {name.removeprefix("wardline/") for name in files if name.startswith("wardline/")}
    assert set(listed) == ours - {"SHA256SUMS"}
    for name, digest in listed.items():
        assert hashlib.sha256(files[f"wardline/{name}"]).hexdigest() == digest


def test_debian_12_starts_our_script_once_by_the_command_line() -> None:
    files = made(network=FIXED, ssh_key="ssh-ed25519 AAAA zhang")
    words = files["cmdline.txt"].decode().split()
    assert words[-3:] == list(card.RUN_ONCE)
    assert words[:-3] == CMDLINE.split()[1:]  # no console on the line of the beds
    assert files["cmdline.txt"].count(b"\n") == 1
    assert "user-data" not in files
    assert files["wardline/ssh-key"] == b"ssh-ed25519 AAAA zhang\n"


def test_debian_13_is_told_by_cloud_init_and_starts_the_same_service() -> None:
    files = made(debian="13", network=FIXED, ssh_key="ssh-ed25519 AAAA zhang")
    assert b"systemd.run" not in files["cmdline.txt"]
    assert files["user-data"].startswith(b"#cloud-config\n")
    told = yaml.safe_load(files["user-data"])
    assert told["users"][0]["ssh_authorized_keys"] == ["ssh-ed25519 AAAA zhang"]
    assert told["users"][0]["lock_passwd"] is True
    for command in told["runcmd"]:
        if command[0] == "install":
            assert command[3].replace("/boot/firmware/", "") in files
    plug = yaml.safe_load(files["network-config"])["network"]["ethernets"]["eth0"]
    assert plug["addresses"] == ["10.0.3.7/24"]
    assert plug["routes"] == [{"to": "default", "via": "10.0.3.1"}]
    assert plug["nameservers"] == {"addresses": ["10.0.0.2", "10.0.0.3"]}
    # Another claim is another machine to cloud-init, which does its work once for each.
    other = made(debian="13", claim=CLAIM + "9")
    assert other["meta-data"] != files["meta-data"]
    assert yaml.safe_load(made(debian="13")["user-data"])["users"] == []


@pytest.mark.parametrize(
    ("hardware", "has", "console"),
    [("bus", "enable_uart=1", False), ("gpio", "enable_uart=0", False), ("none", None, True)],
)
def test_the_port_of_the_bus_and_the_pins_are_free(
    hardware: str, has: str | None, console: bool
) -> None:
    files = made(hardware=hardware)
    text = files["config.txt"].decode()
    assert text.startswith(CONFIG.rstrip())
    after = text[text.index("[all]") :].splitlines()
    assert "dtparam=watchdog=on" in after
    assert [line for line in after if line.startswith("enable_uart")] == [has] * (has is not None)
    assert (b"console=serial0" in files["cmdline.txt"]) == console


@given(NAMES, PASSWORDS)
def test_any_wireless_network_is_told_as_it_is_called(name: str, password: str) -> None:
    network = Network(wifi=name, password=password, country="CN")
    try:
        files = made(debian="12", network=network)
    except FieldError:
        assert len(name.encode()) > 32 or not name.isprintable()
        return
    read = configparser.RawConfigParser(delimiters="=", comment_prefixes=("#",), strict=True)
    read.read_string(files["wardline/network"].decode())
    said = bytes(int(each) for each in read["wifi"]["ssid"].split(";")[:-1])
    assert said.decode() == name
    psk = files["wardline/network"].decode().split("psk=", 1)[1].split("\n[ipv4]")[0]
    assert psk.replace("\\s", " ", psk.startswith("\\s")).replace("\\\\", "\\") == password
    told = yaml.safe_load(made(debian="13", network=network)["network-config"])
    access = told["network"]["wifis"]["wlan0"]["access-points"]
    assert access == {name: {"password": password}}


@pytest.mark.parametrize(
    ("field", "more"),
    [
        ("debian", {"debian": "11"}),
        ("hardware", {"hardware": "wire"}),
        ("hostname", {"hostname": "3_box"}),
        ("hostname", {"hostname": ""}),
        ("ssh-key", {"ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}),
        ("ssh-key", {"ssh_key": "ssh-ed25519 AAAA a\nssh-ed25519 BBBB b"}),
        ("time-server", {"time_server": "10.0.0.5; reboot"}),
        ("address", {"network": Network("10.0.3.7")}),
        ("address", {"network": Network("10.0.3.0/24")}),
        ("address", {"network": Network(gateway="10.0.3.1")}),
        ("gateway", {"network": Network("10.0.3.7/24", "10.0.4.1")}),
        ("gateway", {"network": Network("10.0.3.7/24", "10.0.3.7")}),
        ("dns", {"network": Network("10.0.3.7/24", dns=("ns",))}),
        ("wifi", {"network": replace(WIFI, wifi="w" * 33)}),
        ("wifi-password-file", {"network": replace(WIFI, password="short")}),
        ("wifi-country", {"network": replace(WIFI, country="")}),
    ],
)
def test_what_would_not_work_is_named(field: str, more: dict[str, Any]) -> None:
    with pytest.raises(FieldError) as refused:
        made(**more)
    assert refused.value.field == field


def test_the_first_script_lays_down_the_service_and_takes_itself_off_the_command_line(
    tmp_path: Path,
) -> None:
    files = made(network=FIXED)
    boot, root = tmp_path / "boot", tmp_path / "root"
    for name, content in files.items():
        (boot / name).parent.mkdir(parents=True, exist_ok=True)
        (boot / name).write_bytes(content)
    for each in ("usr/local/sbin", "etc/systemd/system/multi-user.target.wants",
                 "etc/NetworkManager/system-connections"):  # fmt: skip
        (root / each).mkdir(parents=True)
    environment = {"PATH": "/usr/bin:/bin", "WARDLINE_CARD": str(boot), "WARDLINE_ROOT": str(root)}
    subprocess.run(["sh", str(boot / "firstrun.sh")], check=True, env=environment)
    assert (boot / "cmdline.txt").read_text().split() == CMDLINE.split()[1:]
    wanted = root / "etc/systemd/system/multi-user.target.wants/wardline-first-boot.service"
    assert wanted.is_symlink()
    assert (root / "usr/local/sbin/wardline-first-boot").stat().st_mode & 0o111
    kept = root / "etc/NetworkManager/system-connections/wardline.nmconnection"
    assert kept.stat().st_mode & 0o077 == 0
    assert "address1=10.0.3.7/24,10.0.3.1" in kept.read_text()


@pytest.mark.parametrize("script", sorted(card.FILES.glob("*.sh")), ids=lambda path: path.name)
def test_the_scripts_are_read_by_a_shell(script: Path) -> None:
    subprocess.run(["sh", "-n", str(script)], check=True)
