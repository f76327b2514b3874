"""What is written to the boot partition of a card. No input or output.

Raspberry Pi OS of Debian 12 starts `firstrun.sh` by its kernel command line; that of Debian 13 has
cloud-init, which reads user-data, meta-data and network-config. Both lay down the same service,
which goes on until it is through: `files/first-boot.sh`.
"""

import hashlib
import ipaddress
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from central.errors import FieldError

FILES = Path(__file__).with_name("files")
OURS = "wardline"
SUMS = f"{OURS}/SHA256SUMS"
DEBIANS = ("12", "13")
HARDWARE = ("bus", "gpio", "none")
HOSTNAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
SSH_KEY = re.compile(r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-\S+|sk-\S+) [A-Za-z0-9+/=]+( [^\n]*)?")
RUN_ONCE = (
    "systemd.run=/boot/firmware/firstrun.sh",
    "systemd.run_success_action=reboot",
    "systemd.unit=kernel-command-line.target",
)
MARK = "# Wardline"
# Of the bedside bus: the good serial port, which Bluetooth has otherwise, and no console on it.
CONFIG = {
    "bus": ("enable_uart=1", "dtoverlay=disable-bt"),
    "gpio": ("enable_uart=0",),
    "none": (),
}


@dataclass(frozen=True)
class Network:
    """address: such as 10.0.3.7/24, with its gateway and name servers; None: by DHCP. wifi: a
    network's name; country: two letters, whose rules of radio hold."""

    address: str | None = None
    gateway: str | None = None
    dns: tuple[str, ...] = ()
    wifi: str | None = None
    password: str = ""
    country: str = ""


@dataclass(frozen=True)
class Card:
    """What the box of this card shall be. claim and broker_claim: as whole addresses; packages:
    Debian packages by their file's name; install: those to install, by name."""

    debian: str
    claim: str
    hostname: str
    hardware: str = "bus"
    broker_claim: str | None = None
    network: Network = Network()
    ssh_key: str | None = None
    time_server: str | None = None
    packages: Mapping[str, bytes] = field(default_factory=dict)
    index: str = ""
    install: tuple[str, ...] = ("wardline-node",)
    offline: bool = False


def check(card: Card) -> None:
    """Raises FieldError."""
    if card.debian not in DEBIANS:
        raise FieldError("debian", "12 or 13, whichever the Raspberry Pi OS on the card is made of")
    if card.hardware not in HARDWARE:
        raise FieldError("hardware", "One of bus, gpio, none.")
    if HOSTNAME.fullmatch(card.hostname) is None:
        raise FieldError(
            "hostname", "Letters a-z, digits and dashes, at most 63; name one by --hostname."
        )
    if card.ssh_key is not None and SSH_KEY.fullmatch(card.ssh_key) is None:
        raise FieldError("ssh-key", "One public key, as in id_ed25519.pub.")
    if card.time_server is not None and re.fullmatch(r"[A-Za-z0-9.:-]+", card.time_server) is None:
        raise FieldError("time-server", "An address or a name, such as 10.0.0.5.")
    _check_network(card.network)


def _check_network(network: Network) -> None:
    if network.wifi is not None:
        if not 1 <= len(network.wifi.encode()) <= 32 or not network.wifi.isprintable():
            raise FieldError("wifi", "The network's name has 1 to 32 letters.")
        if not 8 <= len(network.password) <= 63 or not network.password.isprintable():
            raise FieldError("wifi-password-file", "The password has 8 to 63 letters.")
        if re.fullmatch(r"[A-Z]{2}", network.country) is None:
            raise FieldError("wifi-country", "Two letters, such as CN: radio needs its rules.")
    try:
        servers = [ipaddress.ip_address(each) for each in network.dns]
    except ValueError as error:
        raise FieldError("dns", "Addresses, such as 10.0.0.2.") from error
    if network.address is None:
        if network.gateway is not None or servers:
            raise FieldError("address", "Give --address as well; without it DHCP tells all.")
        return
    try:
        own = ipaddress.ip_interface(network.address)
    except ValueError as error:
        raise FieldError("address", "With the length of its network: 10.0.3.7/24") from error
    if "/" not in network.address or own.ip in (
        own.network.network_address, own.network.broadcast_address
    ):  # fmt: skip
        raise FieldError("address", "With the length of its network: 10.0.3.7/24")
    if network.gateway is not None:
        try:
            inside = ipaddress.ip_address(network.gateway) in own.network
        except ValueError:
            inside = False
        if not inside or network.gateway == str(own.ip):
            raise FieldError("gateway", "Another address of the same network as --address.")


def files(card: Card, cmdline: str, config: str) -> dict[str, bytes]:
    """By their place on the boot partition, whose cmdline.txt and config.txt hold what is given.
    Written twice they are the same. Raises FieldError."""
    check(card)
    ours = {
        "first-boot.sh": (FILES / "first-boot.sh").read_bytes(),
        "wardline-first-boot.service": (FILES / "wardline-first-boot.service").read_bytes(),
        "hostname": f"{card.hostname}\n".encode(),
        "claim": f"{card.claim}\n".encode(),
        "install": (" ".join(card.install) + "\n").encode(),
        "packages/Packages": card.index.encode(),
    }
    ours |= {f"packages/{name}": content for name, content in card.packages.items()}
    if card.broker_claim is not None:
        ours["broker-claim"] = f"{card.broker_claim}\n".encode()
    if card.time_server is not None:
        ours["time-server"] = f"{card.time_server}\n".encode()
    if card.offline:
        ours["offline"] = b"\n"
    made: dict[str, bytes] = {}
    if card.debian == "12":
        made["firstrun.sh"] = (FILES / "firstrun.sh").read_bytes()
        if _says_something(card.network):
            ours["network"] = keyfile(card.network).encode()
        if card.network.wifi is not None:
            ours["wifi-country"] = f"{card.network.country}\n".encode()
        if card.ssh_key is not None:
            ours["ssh-key"] = f"{card.ssh_key}\n".encode()
    else:
        made["user-data"] = b"#cloud-config\n" + _yaml(user_data(card))
        made["meta-data"] = _yaml({"instance-id": _instance(card)})
        made["network-config"] = _yaml(network_config(card.network))
    made["cmdline.txt"] = command_line(card, cmdline).encode()
    made["config.txt"] = settings(card, config).encode()
    made |= {f"{OURS}/{name}": content for name, content in ours.items()}
    sums = [f"{hashlib.sha256(ours[name]).hexdigest()}  {name}\n" for name in sorted(ours)]
    made[SUMS] = "".join(sums).encode()
    return made


def _says_something(network: Network) -> bool:
    return network.address is not None or network.wifi is not None


def _instance(card: Card) -> str:
    """Another one for another claim: cloud-init does its work once for each."""
    return f"wardline-{hashlib.sha256(card.claim.encode()).hexdigest()[:16]}"


def _yaml(told: Any) -> bytes:
    return str(yaml.safe_dump(told, sort_keys=False, allow_unicode=True)).encode()


def command_line(card: Card, before: str) -> str:
    """The kernel's: one line. No console on the port of the bedside bus, nor between pins."""
    words = before.split()
    if card.hardware != "none":
        words = [each for each in words if not re.match(r"console=(serial0|ttyAMA0|ttyS0)\b", each)]
    words = [each for each in words if each not in RUN_ONCE and not each.startswith("systemd.run")]
    if card.debian == "12":
        words += RUN_ONCE
    return " ".join(words) + "\n"


def settings(card: Card, before: str) -> str:
    """config.txt with what the hardware needs at its end."""
    kept = before.partition(f"{MARK}\n")[0].rstrip("\n")
    lines = [MARK, "[all]", "dtparam=watchdog=on", "dtparam=audio=on", *CONFIG[card.hardware]]
    return "\n".join([kept, "", *lines]) + "\n"


def keyfile(network: Network) -> str:
    """A connection of NetworkManager."""
    kind = "wifi" if network.wifi is not None else "ethernet"
    name = uuid.uuid5(uuid.NAMESPACE_DNS, f"{kind}.wardline")
    lines = ["[connection]", f"id={OURS}", f"uuid={name}", f"type={kind}",
             "autoconnect-priority=100", "autoconnect-retries=0"]  # fmt: skip
    if network.wifi is not None:
        # As bytes: a name may hold what the file's own grammar uses.
        said = "".join(f"{each};" for each in network.wifi.encode())
        lines += ["[wifi]", "mode=infrastructure", f"ssid={said}", "[wifi-security]",
                  "key-mgmt=wpa-psk", f"psk={_escaped(network.password)}"]  # fmt: skip
    lines.append("[ipv4]")
    if network.address is None:
        lines.append("method=auto")
    else:
        own = ipaddress.ip_interface(network.address)
        lines += ["method=manual", f"address1={own}"]
        if network.gateway is not None:
            lines[-1] += f",{network.gateway}"
        if network.dns:
            lines.append("dns=" + "".join(f"{each};" for each in network.dns))
    return "\n".join([*lines, "[ipv6]", "method=auto"]) + "\n"


def _escaped(text: str) -> str:
    text = text.replace("\\", "\\\\")
    return "\\s" + text[1:] if text.startswith(" ") else text


def network_config(network: Network) -> dict[str, Any]:
    """Of cloud-init, version 2."""
    plug: dict[str, Any] = {"dhcp4": network.address is None, "optional": False}
    if network.address is not None:
        plug["addresses"] = [network.address]
        if network.gateway is not None:
            plug["routes"] = [{"to": "default", "via": network.gateway}]
        if network.dns:
            plug["nameservers"] = {"addresses": list(network.dns)}
    if network.wifi is None:
        return {"network": {"version": 2, "ethernets": {"eth0": plug}}}
    radio = {"regulatory-domain": network.country}
    known = {network.wifi: {"password": network.password}}
    return {"network": {"version": 2, "wifis": {"wlan0": plug | radio | {"access-points": known}}}}


def user_data(card: Card) -> dict[str, Any]:
    """Of cloud-init: the service is laid down and started; without a key nobody can log in."""
    card_folder = "/boot/firmware/wardline"
    service = "wardline-first-boot.service"
    told: dict[str, Any] = {
        "hostname": card.hostname,
        "manage_etc_hosts": True,
        "ssh_pwauth": False,
        "users": [],
        "runcmd": [
            ["install", "-m", "0755", f"{card_folder}/first-boot.sh",
             "/usr/local/sbin/wardline-first-boot"],
            ["install", "-m", "0644", f"{card_folder}/{service}", "/etc/systemd/system/"],
            ["systemctl", "daemon-reload"],
            ["systemctl", "enable", service],
            ["systemctl", "start", "--no-block", service],
        ],
    }  # fmt: skip
    if card.ssh_key is not None:
        told["enable_ssh"] = True
        told["users"] = [
            {
                "name": "engineer", "groups": "sudo,adm,systemd-journal", "shell": "/bin/bash",
                "lock_passwd": True, "sudo": "ALL=(ALL) NOPASSWD:ALL",
                "ssh_authorized_keys": [card.ssh_key],
            }
        ]  # fmt: skip
    return told
