"""Certificates for our own programs, as the files that they read."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from provisioning.authority.authority import Authority, Issued, Profile
from provisioning.authority.keys import Key, KeyFolder, generate, put

# What a certificate has left when it is made anew.
RENEW_BEFORE_MS = 90 * 24 * 3_600_000


@dataclass(frozen=True)
class Files:
    """Where a program finds its certificate (with the intermediate behind it) and its key."""

    certificate: Path
    key: Path


def at(folder: Path, name: str) -> Files:
    return Files(folder / f"{name}.pem", KeyFolder(folder).path(name))


def ensure(
    authority: Authority,
    folder: Path,
    name: str,
    profile: Profile,
    now_ms: int,
    hosts: Sequence[str] = (),
) -> Files:
    """The files of `name` in `folder`, made when they are missing, about to end, or not for all of
    `hosts`. Raises KeyUnusableError, OSError."""
    keys = KeyFolder(folder)
    key = keys.load(name)
    if key is None:
        key = generate()
        keys.keep(name, key)
    files = at(folder, name)
    if not _serves(files.certificate, key, now_ms, hosts):
        put(
            files.certificate,
            authority.issue(name, key.public_key(), profile, hosts).chain.encode(),
        )
    return files


def issued(files: Files) -> tuple[Issued, str]:
    """What stands in the certificate's file, and the id of its key. Raises OSError, ValueError."""
    chain = files.certificate.read_text()
    found = x509.load_pem_x509_certificate(chain.encode())
    begins, ends = found.not_valid_before_utc, found.not_valid_after_utc
    made = Issued(
        f"{found.serial_number:x}",
        chain,
        int(begins.timestamp() * 1000),
        int(ends.timestamp() * 1000),
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(found.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return made, digest.finalize().hex()


def _serves(path: Path, key: Key, now_ms: int, hosts: Sequence[str]) -> bool:
    try:
        found = x509.load_pem_x509_certificate(path.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    if found.public_key() != key.public_key():
        return False
    if found.not_valid_after_utc.timestamp() * 1000 < now_ms + RENEW_BEFORE_MS:
        return False
    return set(hosts) <= _hosts_of(found)


def _hosts_of(certificate: x509.Certificate) -> set[str]:
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return set()
    return {str(each.value) for each in extension.value}
