"""Asks the endpoint, before a card is written, whether it is the hospital's and knows the claim."""

import http.client
import json
import ssl
from urllib.parse import urlsplit

from cryptography import x509

from central.errors import FieldError
from gateway.mqtt import claim
from provisioning.authority.requests import PublicKey, key_id
from provisioning.endpoint.app import NAME

TIMEOUT_S = 10.0
MOST_BYTES = 256 * 1024


class _Named(http.client.HTTPSConnection):
    """Looks for the endpoint's own name in the certificate, and not for the address."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext) -> None:
        super().__init__(host, port, timeout=TIMEOUT_S, context=tls)
        self._tls = tls

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._tls.wrap_socket(self.sock, server_hostname=NAME)


def box_of(whole: str) -> str:
    """The name of the box that a claim is for; the claim is not used by it. Raises FieldError."""
    try:
        address, secret, fingerprint = claim.read(whole)
    except ValueError as error:
        raise FieldError("claim", str(error)) from error
    if not address:
        raise FieldError("claim", "With the address before it: https://10.0.0.5:8884/#7K3M-...")
    try:
        anybody = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        anybody.check_hostname = False
        anybody.verify_mode = ssl.CERT_NONE
        _, root = _send(address, anybody, "GET", "v1/root", None)
        found: PublicKey = x509.load_pem_x509_certificate(root).public_key()  # type: ignore[assignment]
        if claim.fingerprint(key_id(found)) != fingerprint:
            raise FieldError(
                "claim", "%(address)s is not the hospital's: the fingerprint is another one.",
                address=address,
            )  # fmt: skip
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.load_verify_locations(cadata=root.decode())
        body = json.dumps({"claim": secret}).encode()
        status, answer = _send(address, tls, "POST", "v1/place", body)
        told = json.loads(answer)
        if status != 200:
            raise FieldError("claim", "%(why)s", why=str(told.get("help", status)))
        return str(told["node"])
    except (OSError, http.client.HTTPException, ValueError, KeyError, AttributeError) as error:
        raise FieldError(
            "claim",
            "%(address)s does not answer as the endpoint does (%(why)s); --unasked writes the card"
            " all the same.",
            address=address,
            why=str(error),
        ) from error


def _send(
    address: str, tls: ssl.SSLContext, method: str, path: str, body: bytes | None
) -> tuple[int, bytes]:
    parts = urlsplit(address)
    line = _Named(parts.hostname or "", parts.port or 443, tls)
    try:
        headers = {"Content-Type": "application/json"}
        line.request(method, f"{parts.path.rstrip('/')}/{path}", body, headers)
        answer = line.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    finally:
        line.close()
