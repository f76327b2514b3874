"""Asking the panels of the virtual hardware. Loopback only; they exist in the demo alone."""

import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from typing import Any

TIMEOUT_S = 2.0
CONTROLS = (
    "press", "hold", "cord", "cord_reset", "presence", "presence_end", "unplug", "plug", "die",
    "revive",
)  # fmt: skip
# What a box's own panel tells; `speaker` and `power` where they can be broken there.
TOLD = ("spoken", "speaker", "power")
SPEAKER_STATES = ("whole", "torn", "dead", "gone")


class PanelUnavailableError(Exception):
    """The virtual hardware does not answer."""

    error_id = "panel-unavailable"


class PanelRefusedError(Exception):
    """The virtual hardware does not do this; says why."""

    error_id = "panel-refused"


def fetch(url: str, body: dict[str, Any] | None = None) -> bytes:
    """What the panel answers. Raises PanelUnavailableError, PanelRefusedError."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=TIMEOUT_S) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            raise PanelRefusedError(_reason(error.read())) from error
    except OSError as error:
        raise PanelUnavailableError(str(error)) from error


def _reason(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return "refused"


def everything(panels: dict[str, Any]) -> dict[str, Any]:
    """State of the beds and what each speaker said. A panel that is away becomes None, so that
    the page shows the rest."""

    def spoken(each: dict[str, str]) -> dict[str, Any]:
        told = _or_none(each["url"] + "/spoken") or {}
        return {"node": each["node"], **{key: told.get(key) for key in TOLD}}

    with ThreadPoolExecutor(max_workers=1 + len(panels["speech"])) as pool:
        beds = pool.submit(state, panels)
        speech = list(pool.map(spoken, panels["speech"]))
        return {"state": beds.result(), "speech": speech}


def state(panels: dict[str, Any]) -> Any:
    """State of all beds: those of the ward's box and those with a panel of their own."""
    own = panels.get("bedside", {})
    shown = _or_none(panels["controls"] + "/state")
    for each in filter(None, (_or_none(url + "/state") for url in own.values())):
        shown = each if shown is None else shown | {"beds": shown["beds"] | each["beds"]}
    return shown


def controls(panels: dict[str, Any], bed: str) -> str:
    """The panel where `bed` is operated."""
    return str(panels.get("bedside", {}).get(bed, panels["controls"]))


def _or_none(url: str) -> Any:
    try:
        return json.loads(fetch(url))
    except (PanelUnavailableError, PanelRefusedError, ValueError):
        return None
