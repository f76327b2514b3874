"""The authority itself: issues certificates and says which of them hold no more."""

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from central.clock import Clock
from provisioning.authority import keys as keeping
from provisioning.authority.keys import Key, KeyStore
from provisioning.authority.requests import NAME, PublicKey, key_id

ROOT, NODES, SERVICES = "root", "nodes", "services"
INTERMEDIATES = (NODES, SERVICES)
# Clocks of brokers may be behind, and none of ours is set by a certificate.
BACKDATED = timedelta(days=1)
ROOT_LASTS = timedelta(days=30 * 365)
INTERMEDIATE_LASTS = timedelta(days=20 * 365)


@dataclass(frozen=True)
class Profile:
    """What a certificate is good for. issuer: the intermediate that signs it."""

    issuer: str
    usage: x509.ObjectIdentifier
    lasts: timedelta


NODE = Profile(NODES, ExtendedKeyUsageOID.CLIENT_AUTH, timedelta(days=365))
SERVICE = Profile(SERVICES, ExtendedKeyUsageOID.CLIENT_AUTH, timedelta(days=2 * 365))
SERVER = Profile(SERVICES, ExtendedKeyUsageOID.SERVER_AUTH, timedelta(days=2 * 365))


class AuthorityUnusableError(Exception):
    """What stands in the authority's folder does not fit together; says what."""

    error_id = "authority-unusable"


@dataclass(frozen=True)
class Issued:
    """A certificate. chain: PEM, the certificate and then its intermediate. serial: hexadecimal,
    as it is kept in the database, where 160 bits are no number."""

    serial: str
    chain: str
    begins_ms: int
    ends_ms: int


class Authority:
    """`folder` holds the public certificates, `keys` the private keys; what is missing is made.
    `serials` and `make_key` are where randomness comes from. Raises AuthorityUnusableError,
    KeyUnusableError, OSError."""

    def __init__(
        self,
        folder: Path,
        keys: KeyStore,
        clock: Clock,
        *,
        make_key: Callable[[], Key] = keeping.generate,
        serials: Callable[[], int] = x509.random_serial_number,
    ) -> None:
        self._folder = folder
        self._store = keys
        self._clock = clock
        self._make_key = make_key
        self._serials = serials
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._keys = {name: self._key(name) for name in (ROOT, *INTERMEDIATES)}
        self._certificates = {ROOT: self._certificate(ROOT, ROOT_LASTS)}
        for name in INTERMEDIATES:
            self._certificates[name] = self._certificate(name, INTERMEDIATE_LASTS)

    @property
    def root_pem(self) -> str:
        return _pem(self._certificates[ROOT])

    @property
    def clients_pem(self) -> str:
        """Whom a broker believes: the root and both intermediates, so that a client which sends
        its own certificate only is known as well."""
        return "".join(_pem(self._certificates[name]) for name in (ROOT, *INTERMEDIATES))

    @property
    def root_key_id(self) -> str:
        """What boxes know the root by: SHA-256 of its public key, in hexadecimal."""
        return key_id(self._keys[ROOT].public_key())

    def issue(
        self, name: str, key: PublicKey, profile: Profile, hosts: Sequence[str] = ()
    ) -> Issued:
        """A certificate for `name`. hosts: the names and addresses that a server is reached by."""
        if NAME.fullmatch(name) is None:
            raise ValueError(f"{name!r} cannot stand in a certificate")
        now = self._now()
        issuer = self._certificates[profile.issuer]
        ends = min(now + profile.lasts, issuer.not_valid_after_utc)
        serial = self._serials()
        builder = (
            _builder(name, issuer.subject, key, serial, now - BACKDATED, ends)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([profile.usage]), critical=False)
            .add_extension(_authority_key(self._keys[profile.issuer]), critical=False)
        )
        if hosts:
            builder = builder.add_extension(_hosts(hosts), critical=False)
        made = builder.sign(self._keys[profile.issuer], hashes.SHA256())
        return Issued(
            f"{serial:x}", _pem(made) + _pem(issuer), _ms(now - BACKDATED), _ms(ends)
        )  # fmt: skip

    def revocations(self, revoked: Iterable[tuple[str, int]]) -> str:
        """What holds no more, for brokers: PEM, a list by each intermediate. revoked: serial and
        moment in ms of every certificate ever revoked, in the order it happened.

        Of two lists OpenSSL believes the one made later, to the second, and Mosquitto adds a new
        list to the old ones; so a list is dated one second after the last for each revocation it
        has more, from the authority's first day. It lasts as long as its issuer: a ward that is
        cut off for a year still knows its boxes."""
        entries = [
            x509.RevokedCertificateBuilder()
            .serial_number(int(serial, 16))
            .revocation_date(_moment(at_ms))
            .build()
            for serial, at_ms in revoked
        ]
        lists = []
        for name in INTERMEDIATES:
            issuer = self._certificates[name]
            builder = (
                x509.CertificateRevocationListBuilder()
                .issuer_name(issuer.subject)
                .last_update(issuer.not_valid_before_utc + timedelta(seconds=len(entries)))
                .next_update(issuer.not_valid_after_utc)
                .add_extension(x509.CRLNumber(len(entries) + 1), critical=False)
                .add_extension(_authority_key(self._keys[name]), critical=False)
            )
            for entry in entries:
                builder = builder.add_revoked_certificate(entry)
            made = builder.sign(self._keys[name], hashes.SHA256())
            lists.append(made.public_bytes(Encoding.PEM).decode())
        return "".join(lists)

    def _now(self) -> datetime:
        return _moment(self._clock.real_ms()).replace(microsecond=0)

    def _key(self, name: str) -> Key:
        found = self._store.load(name)
        if found is None:
            found = self._make_key()
            self._store.keep(name, found)
        return found

    def _certificate(self, name: str, lasts: timedelta) -> x509.Certificate:
        path = self._folder / f"{name}.pem"
        key = self._keys[name]
        if path.exists():
            try:
                found = x509.load_pem_x509_certificate(path.read_bytes())
            except ValueError as error:
                raise AuthorityUnusableError(f"{path} holds no certificate: {error}") from error
            if found.public_key() != key.public_key():
                raise AuthorityUnusableError(f"{path} does not belong to the key of {name}")
            return found
        made = self._sign_authority(name, key, lasts)
        keeping.put(path, made.public_bytes(Encoding.PEM))
        path.chmod(0o644)
        return made

    def _sign_authority(self, name: str, key: Key, lasts: timedelta) -> x509.Certificate:
        begins = self._now() - BACKDATED
        is_root = name == ROOT
        subject = _name(f"Wardline {name}")
        issuer = subject if is_root else self._certificates[ROOT].subject
        builder = (
            _builder(f"Wardline {name}", issuer, key.public_key(), self._serials(), begins,
                     begins + lasts)
            .add_extension(
                x509.BasicConstraints(ca=True, path_length=1 if is_root else 0), critical=True
            )
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )  # fmt: skip
        if not is_root:
            builder = builder.add_extension(_authority_key(self._keys[ROOT]), critical=False)
        return builder.sign(self._keys[ROOT], hashes.SHA256())


def _builder(
    name: str, issuer: x509.Name, key: PublicKey, serial: int, begins: datetime, ends: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(serial)
        .not_valid_before(begins)
        .not_valid_after(ends)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=signs_certificates,
        crl_sign=signs_certificates, encipher_only=False, decipher_only=False,
    )  # fmt: skip


def _authority_key(key: Key) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _hosts(hosts: Sequence[str]) -> x509.SubjectAlternativeName:
    names: list[x509.GeneralName] = []
    for host in hosts:
        try:
            names.append(x509.IPAddress(ipaddress.ip_address(host)))
        except ValueError:
            names.append(x509.DNSName(host))
    return x509.SubjectAlternativeName(names)


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
