"""Telephones that do what no decent one does, or look at what others overlook: sipp, with
scenarios of ours."""

import subprocess
from pathlib import Path

from tests.conftest import free_port, program

SCENARIOS = Path(__file__).with_name("scenarios")
TIMEOUT_S = 60


class Phone:
    """A phone called `device` at the exchange whose SIP port is `sip`."""

    def __init__(
        self, folder: Path, sip: int, device: str, password: str, *, port: int | None = None
    ) -> None:
        self._folder = folder
        self._sip = sip
        self.port = port or free_port()
        fields = f"SEQUENTIAL\n{device};[authentication username={device} password={password}]\n"
        (folder / "fields.csv").write_text(fields)

    def run(self, scenario: str, dialled: str = "nobody") -> str:
        """Play `scenario` once. What it complained of, or nothing."""
        errors = self._folder / "errors"
        script = SCENARIOS / f"{scenario}.xml"
        done = subprocess.run(
            [
                program("sipp"), f"127.0.0.1:{self._sip}", "-sf", str(script),
                "-inf", str(self._folder / "fields.csv"), "-s", dialled, "-i", "127.0.0.1",
                "-p", str(self.port), "-m", "1", "-timeout", str(TIMEOUT_S), "-timeout_error",
                "-trace_err", "-error_file", str(errors), "-nostdin",
            ],
            cwd=self._folder, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode == 0:
            return ""
        return errors.read_text() if errors.exists() else done.stdout + done.stderr
