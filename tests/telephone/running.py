"""A real exchange for tests: Asterisk out of the exchange root, with a directory of the test's."""

import base64
import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from gateway.telephone.directory import Directory
from gateway.telephone.exchange import APP, Exchange, Ports, Tls
from gateway.telephone.folder import prepare
from provisioning import exchange
from provisioning.environment import ROOT
from tests.conftest import wait_for

PASSWORD = "of-the-test"
ONLY_LOOKS = "of-the-console"


class RunningExchange:
    """Asterisk in `folder`, started and stopped by the test."""

    def __init__(
        self,
        folder: Path,
        directory: Directory,
        tls: Tls | None = None,
        ports: Ports | None = None,
    ) -> None:
        self.folder = folder
        self.settings = Exchange(
            ports or exchange.free(), PASSWORD, tls=tls, console_password=ONLY_LOOKS
        )
        self.directory = directory
        self.log = folder / "exchange.log"
        self._before = 0  # how long the log was when it started
        self._process: subprocess.Popen[bytes] | None = None
        prepare(folder, self.settings, directory)

    def start(self) -> None:
        """Returns once it answers and all of its modules are up."""
        self._before = self.log.stat().st_size if self.log.exists() else 0
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                exchange.command(self.folder), cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, env=os.environ | {"PYTHONPATH": str(ROOT)},
            )  # fmt: skip
        wait_for(self._is_up, f"the exchange of {self.log}")

    def _is_up(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()
        return b"Asterisk Ready." in self.log.read_bytes()[self._before :]

    @property
    def pid(self) -> int:
        """Asterisk's own."""
        return int((self.folder / "run" / "asterisk.pid").read_text())

    def kill(self) -> None:
        """As a crash would."""
        os.kill(self.pid, signal.SIGKILL)
        self.wait()

    def stop(self) -> int:
        """Its exit code after SIGTERM."""
        assert self._process is not None
        self._process.terminate()
        return self.wait()

    def wait(self) -> int:
        assert self._process is not None
        return self._process.wait(20)

    @property
    def starter(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop()

    def ari(
        self, path: str, method: str = "GET", password: str = PASSWORD, user: str = APP
    ) -> tuple[int, Any]:
        """The status and answer of one request over plain HTTP, as a stranger would make it."""
        account = base64.b64encode(f"{user}:{password}".encode()).decode()
        request = urllib.request.Request(
            f"{self.settings.ari_url}/{path}",
            method=method,
            headers={"Authorization": f"Basic {account}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, json.loads(answer.read() or b"null")
        except urllib.error.HTTPError as error:
            with error:
                return error.code, None
