"""Carrying an enrolment's questions to the endpoint over HTTPS."""

import http.client
import ssl
from urllib.parse import urlsplit

from ward_node.cpython.enrolment import trust
from ward_node.cpython.enrolment.core import ENDPOINT, MAX_ANSWER_BYTES, Ask

TIMEOUT_S = 10.0


class _Named(http.client.HTTPSConnection):
    """Looks for the endpoint's own name in the certificate, and not for the address."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S, context=tls)
        self._tls = tls

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=ENDPOINT)


def connection(url: str, tls: ssl.SSLContext) -> tuple[http.client.HTTPSConnection, str]:
    """To the endpoint of an address, not yet opened, and the path to ask there. Raises
    ValueError."""
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise ValueError(f"{url} is no address that begins with https://")
    return _Named(parts.hostname, parts.port or 443, tls), parts.path


def send(
    address: str, ask: Ask, *, own: tuple[str, str] | None = None, by_dates: bool = False
) -> tuple[int, bytes]:
    """Status and body of the endpoint's answer. own: files of the certificate and key to show.
    Raises OSError (ssl.SSLError is one), ValueError for an address that is none."""
    if ask.root is None:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    else:
        tls = trust.context(ask.root, by_dates=by_dates)
    if own is not None:
        tls.load_cert_chain(*own)
    line, path = connection(f"{address.rstrip('/')}/{ask.path}", tls)
    try:
        line.request(ask.method, path, ask.body, {"Content-Type": "application/json"})
        answer = line.getresponse()
        return answer.status, answer.read(MAX_ANSWER_BYTES)
    except http.client.HTTPException as error:
        raise OSError(f"it does not speak HTTP: {error!r}") from error
    finally:
        line.close()
