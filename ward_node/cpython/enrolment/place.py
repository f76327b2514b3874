"""From what the centre tells to the configuration that a node starts with."""

from pathlib import Path
from typing import Any

from ward_node.cpython import config
from ward_node.cpython.enrolment import kept

SERIAL = "/dev/serial0"
# What a claim may set besides.
CHOSEN = ("hardware", "speaker", "power", "panel", "page", "lamp", "clock_file")


def configuration(told: dict[str, Any], address: str, now_ms: int, folder: Path) -> dict[str, Any]:
    """node.json of a box that lives in `folder`; checked. Raises ConfigError."""
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
