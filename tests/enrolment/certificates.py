"""An authority of the tests' own, and certificates of it, good and bad."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from central.clock import Clock, SystemClock
from provisioning.authority import authority as making
from provisioning.authority.authority import NODE, SERVER, Authority, Issued
from provisioning.authority.keys import Key, KeyFolder, generate, pem, put
from provisioning.mosquitto import Identity, Tls

LOOPBACK = "127.0.0.1"


def request(name: str, key: Key) -> bytes:
    """A certificate request for `name`."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM)


class Certificates:
    """Writes files into `folder`."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self.folder = folder
        self.authority = Authority(folder / "ca", KeyFolder(folder / "ca"), clock or SystemClock())
        self.revoked: list[tuple[str, int]] = []
        self.root = folder / "ca" / "root.pem"
        self._clients = folder / "clients.pem"
        self._revoked = folder / "revoked.pem"
        put(self._clients, self.authority.clients_pem.encode())
        self.revoke()

    def client(self, name: str, profile: making.Profile = NODE) -> tuple[Identity, Issued]:
        key = generate()
        issued = self.authority.issue(name, key.public_key(), profile)
        return self.files(name, key, issued.chain), issued

    def files(self, name: str, key: Key, chain: str) -> Identity:
        put(self.folder / f"{name}.pem", chain.encode())
        put(self.folder / f"{name}.key", pem(key))
        return Identity(self.folder / f"{name}.pem", self.folder / f"{name}.key", self.root)

    def broker(self, name: str = "broker") -> Tls:
        key = generate()
        issued = self.authority.issue(name, key.public_key(), SERVER, (LOOPBACK,))
        identity = self.files(name, key, issued.chain)
        return Tls(identity.certificate, identity.key, self._clients, self._revoked)

    def revoke(self, *issued: Issued) -> None:
        now_ms = int(datetime.now(UTC).timestamp() * 1000)
        self.revoked += [(each.serial, now_ms) for each in issued]
        put(self._revoked, self.authority.revocations(self.revoked).encode())

    def self_signed(self, name: str) -> Identity:
        """One that vouches for itself."""
        key = generate()
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(key, hashes.SHA256())
        )
        return self.files(f"{name}-self", key, made.public_bytes(Encoding.PEM).decode())
