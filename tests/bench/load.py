"""Many calls at a time, by sipp: bounded in number and in time, so it always stops by itself."""

import csv
import re
import subprocess
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from tests.conftest import program
from tests.telephone.sipp import SCENARIOS

TIMEOUT_S = 120
# sipp's log of messages: when, which way, and the first line. It has a blank line in between.
_INVITE = re.compile(
    r"^-{20,} (?P<at>[\d-]+ [\d:.]+)\nUDP message (?P<way>sent|received).*\n\nINVITE"
    r"(?s:.*?)^Call-ID: (?P<call>\S+)",
    re.MULTILINE,
)


class LoadFailedError(Exception):
    """Calls that did not go as they should; shows what sipp complained of."""

    error_id = "bench-load-failed"


@dataclass(frozen=True)
class Loaded:
    """What became of `calls`. answered_ms: from each INVITE to its answer."""

    calls: int
    took_s: float
    answered_ms: list[float]


class Load:
    """Plays `scenario` from UDP port `port` of loopback and keeps its records in `folder`."""

    def __init__(self, folder: Path, scenario: str, port: int) -> None:
        folder.mkdir(parents=True)
        self._folder = folder
        self._messages = folder / "messages"
        self._scenario = scenario
        self._port = port

    def call(self, sip: int, number: str, calls: int, at_once: int) -> Loaded:
        """Call `number` at the exchange whose SIP port is `sip`, `at_once` at each moment.
        Raises LoadFailedError."""
        self._run(
            f"127.0.0.1:{sip}", "-s", number, "-m", str(calls), "-users", str(at_once),
            "-trace_stat", "-stf", str(self._folder / "stat"), "-trace_rtt", "-rtt_freq", "1",
        )  # fmt: skip
        *_, last = _rows(self._folder / "stat")
        began, ended = (last[name].split("\t")[-1] for name in ("StartTime", "CurrentTime"))
        (times,) = self._folder.glob("*_rtt.csv")
        answered_ms = [float(row["response_time_ms"]) for row in _rows(times)]
        return Loaded(int(last["SuccessfulCall(C)"]), float(ended) - float(began), answered_ms)

    def call_in_turn(self, sip: int, number: str, calls: int) -> list[float]:
        """Call `number` so often, one after the other; when each INVITE was sent, in s since the
        Unix epoch. Raises LoadFailedError."""
        self._run(
            f"127.0.0.1:{sip}", "-s", number, "-m", str(calls), "-users", "1",
            "-trace_msg", "-message_file", str(self._messages),
        )  # fmt: skip
        return self._invites("sent")

    def be_called(self, calls: int) -> list[float]:
        """Be the called one so often; when each INVITE was received, in s since the Unix epoch.
        Raises LoadFailedError."""
        self._run("-m", str(calls), "-trace_msg", "-message_file", str(self._messages))
        return self._invites("received")

    def _run(self, *arguments: str) -> None:
        errors = self._folder / "errors"
        done = subprocess.run(
            [
                program("sipp"), "-sf", str(SCENARIOS / f"{self._scenario}.xml"),
                "-i", "127.0.0.1", "-p", str(self._port), "-nostdin", "-trace_err",
                "-error_file", str(errors), "-timeout", str(TIMEOUT_S), "-timeout_error",
                *arguments,
            ],
            cwd=self._folder, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            said = errors.read_text() if errors.exists() else done.stdout + done.stderr
            raise LoadFailedError(f"sipp ended with {done.returncode}: {said[:1000]}")

    def _invites(self, way: str) -> list[float]:
        """When each was first seen: one that is sent again is the same call."""
        seen: dict[str, float] = {}
        for found in _INVITE.finditer(self._messages.read_text()):
            if found["way"] == way:
                seen.setdefault(found["call"], datetime.fromisoformat(found["at"]).timestamp())
        return list(seen.values())


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file, delimiter=";"))
