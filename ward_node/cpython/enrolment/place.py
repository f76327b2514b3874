"""From what the centre tells to the configuration that a node starts with."""

from pathlib import Path
from typing import Any

from ward_node.cpython import config
from ward_node.cpython.enrolment import kept

SERIAL = "/dev/serial0"
# What a claim may set besides.
CHOSEN = ("hardware", "speaker", "power", "panel", "page", "lamp", "clock_file")


# The role of a claim that is for a ward's broker.
BROKER = "broker"
# What such a one is told besides, by the file that keeps it; the first two are certificates.
OF_BROKER = {
    "events.pem": "events", "server.pem": "server", "clients.pem": "clients",
    "revoked.pem": "revoked",
}  # fmt: skip


def chains(told: dict[str, Any]) -> list[str]:
    """The certificates that were given besides the first."""
    if told.get("role") != BROKER:
        return []
    return [str(told.get("events")), str(told.get("server"))]


def files(told: dict[str, Any]) -> dict[str, bytes]:
    """What is to be kept besides. Raises ConfigError."""
    if told.get("role") != BROKER:
        return {}
    absent = [name for name in OF_BROKER.values() if not isinstance(told.get(name), str)]
    if absent:
        raise config.ConfigError(f"the centre does not tell {', '.join(absent)}")
    return {file: told[name].encode() for file, name in OF_BROKER.items()}


def configuration(told: dict[str, Any], address: str, now_ms: int, folder: Path) -> dict[str, Any]:
    """node.json of a box that lives in `folder`; checked. Raises ConfigError."""
    if told.get("role") == BROKER:
        return _of_broker(told, address, now_ms)
    identity = folder / "identity"
    broker = told.get("broker")
    if not isinstance(broker, dict):
        raise config.ConfigError(
            "the centre knows no broker for this ward: it belongs under provisioning.brokers of"
            " central.json"
        )
    chosen, updates_root = told.get("config"), told.get("updates_root")
    made: dict[str, Any] = {
        "ward": told.get("ward"),
        "node": told.get("node"),
        "role": told.get("role"),
        "lang": told.get("lang"),
        "broker": {
            "host": broker.get("host"),
            "port": broker.get("port"),
            "tls": {
                "root": str(identity / kept.ROOT),
                "certificate": str(identity / kept.CERTIFICATE),
                "key": str(identity / kept.KEY),
            },
        },
        "data": str(folder / "data"),
        "hardware": _hardware(told),
        "speaker": {"kind": "alsa"},
        "endpoint": address,
        "told_ms": now_ms,
    }
    if isinstance(updates_root, str):
        made["updates_root"] = updates_root
    if isinstance(chosen, dict):
        made |= {name: value for name, value in chosen.items() if name in CHOSEN}
    config.of(made)
    return made


def _hardware(told: dict[str, Any]) -> dict[str, Any]:
    """The bedside bus of a box, its units numbered as its beds are."""
    beds = told.get("beds")
    if told.get("role") != "bedside" or not isinstance(beds, list):
        return {"kind": "none"}
    return {"kind": "bus", "port": SERIAL, "beds": {bed: n for n, bed in enumerate(beds, 1)}}


def _of_broker(told: dict[str, Any], address: str, now_ms: int) -> dict[str, Any]:
    """node.json of a ward's broker, which `provisioning.ward_broker` reads."""
    made: dict[str, Any] = {"role": BROKER, "ward": told.get("ward"), "endpoint": address}
    for name in ("broker", "hospital"):
        place = told.get(name)
        if not isinstance(place, dict) or type(place.get("port")) is not int:
            raise config.ConfigError(
                f"the centre does not tell where the {name} is: provisioning.hospital belongs into"
                " central.json"
            )
        made[name] = {"host": str(place.get("host")), "port": place["port"]}
    return made | {"told_ms": now_ms}
