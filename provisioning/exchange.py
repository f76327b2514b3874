"""The telephone exchange as a process: Asterisk out of the exchange root, unprivileged.

    python -P -m provisioning.exchange FOLDER

runs the one that `gateway.telephone.folder` has prepared in FOLDER, in the foreground, until
SIGTERM. The root stays as it was built: everything Asterisk writes is in FOLDER. Bubblewrap would
let go of its program the hard way when it is told to end, so this process stands before it and
tells Asterisk itself.
"""

import json
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import zlib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from gateway.telephone.exchange import INSIDE, Exchange, Ports
from provisioning import root
from provisioning.supervisor import free_ports

LOOPBACK = "127.0.0.1"
TRY_TIMEOUT_S = 20.0
# Below the ports that the kernel hands out by itself.
RTP_PORTS = range(16_384, 32_000, 2)
SIP_PORTS = range(15_000, 16_000)


class ExchangeNotRunError(Exception):
    """The exchange cannot run on this machine; says why and what to do."""

    error_id = "exchange-not-run"


def free(rtp_count: int = 200, taken: Collection[int] = ()) -> Ports:
    """Ports of loopback that nobody has, none of `taken`. The voices' range may overlap another
    exchange's: Asterisk takes the next port where one is in use."""
    sip, ari = _free_both_ways(taken), free_ports(1, taken)[0]
    rtp = random.choice(RTP_PORTS[: -rtp_count // 2])
    return Ports(sip=sip, ari=ari, rtp=rtp, rtp_count=rtp_count)


def _free_both_ways(taken: Collection[int]) -> int:
    """A port that neither TCP nor UDP has in use."""
    while True:
        port = free_ports(1, taken)[0]
        if _is_free(port, socket.SOCK_DGRAM):
            return port


def _is_free(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            # As Asterisk does: connections that have just ended do not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def steady(folder: Path, taken: Collection[int] = ()) -> int:
    """The SIP port of an exchange in this folder: the same at each start while it is free and none
    of `taken`, so that a telephone set up once goes on."""
    wanted = SIP_PORTS[zlib.crc32(str(folder.resolve()).encode()) % len(SIP_PORTS)]
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    if wanted not in taken and all(_is_free(wanted, kind) for kind in kinds):
        return wanted
    return _free_both_ways(taken)


def fresh(folder: Path, taken: Collection[int] = ()) -> Exchange:
    """An exchange in `folder` on free ports of loopback, none of `taken`, with passwords of its
    own."""
    sip = steady(folder, taken)
    ports = replace(free(taken={*taken, sip}), sip=sip)
    return Exchange(ports, secrets.token_hex(24), console_password=secrets.token_hex(24))


def command(folder: Path) -> list[str]:
    """The command line of the exchange in `folder`."""
    return [sys.executable, "-P", "-m", "provisioning.exchange", str(folder)]


def asterisk(folder: Path) -> list[str]:
    """The command line of Asterisk in the root, with no privilege whoever starts it."""
    program = ["asterisk", "-f", "-C", f"{INSIDE}/etc/asterisk.conf"]
    return root.command(program, writable={folder: INSIDE}, powerless=True)


def ensure_possible() -> None:
    """Raises ExchangeNotRunError where the kernel lets nobody make a room of his own."""
    try:
        done = subprocess.run(
            root.command(["true"], powerless=True),
            capture_output=True,
            text=True,
            timeout=TRY_TIMEOUT_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ExchangeNotRunError(f"bubblewrap does not run: {error}") from error
    if done.returncode:
        raise ExchangeNotRunError(
            f"the exchange cannot run here: {done.stderr.strip()}. If this machine refuses user"
            " namespaces, allow them (sysctl kernel.unprivileged_userns_clone=1, or"
            " kernel.apparmor_restrict_unprivileged_userns=0), or use a telephone exchange of the"
            " hospital's own"
        )


def main() -> int:
    folder = Path(sys.argv[1])
    try:
        ensure_possible()
    except ExchangeNotRunError as error:
        print(f"exchange: {error}", file=sys.stderr, flush=True)
        return 1
    reading, writing = os.pipe()
    line = asterisk(folder)
    line[1:1] = ["--info-fd", str(writing)]
    with (
        os.fdopen(reading) as told,
        subprocess.Popen(line, pass_fds=[writing], stdin=subprocess.DEVNULL) as bubble,
    ):
        os.close(writing)
        about = told.read()  # nothing, when bubblewrap has failed
        if about:
            pid = json.loads(about)["child-pid"]
            for each in (signal.SIGTERM, signal.SIGINT):
                signal.signal(each, lambda *_: os.kill(pid, signal.SIGTERM))
        return bubble.wait()


if __name__ == "__main__":
    sys.exit(main())
