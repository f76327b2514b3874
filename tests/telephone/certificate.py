"""Certificates that nobody but a test believes."""

import subprocess
from pathlib import Path

from gateway.telephone.exchange import Tls
from tests.conftest import free_port, program


def for_loopback(folder: Path) -> Tls:
    """A certificate that vouches for itself, of the address 127.0.0.1, and a port to use it at."""
    tls = Tls(free_port(), folder / "certificate.pem", folder / "key.pem")
    subprocess.run(
        [
            program("openssl"), "req", "-x509", "-newkey", "ec", "-pkeyopt",
            "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1",
            "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tls.key), "-out",
            str(tls.certificate),
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    return tls
