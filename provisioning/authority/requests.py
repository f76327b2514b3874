"""What a certificate request must be before it is signed."""

import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

MAX_BYTES = 16 * 1024
# A name is also a user of a broker's access rules and a part of a topic.
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
CURVES = ("secp256r1", "secp384r1")
RSA_BITS = (2048, 4096)
HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)
PublicKey = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


class RequestRefusedError(Exception):
    """A certificate request that is not signed; says why."""

    error_id = "request-refused"


@dataclass(frozen=True)
class Request:
    """A request whose sender has the key. key_id: SHA-256 of the public key, in hexadecimal."""

    name: str
    key: PublicKey
    key_id: str


def read(pem: bytes, name: str) -> Request:
    """The request of `pem`, which must be for exactly `name`. Raises RequestRefusedError."""
    if len(pem) > MAX_BYTES:
        raise RequestRefusedError(f"it is longer than {MAX_BYTES} bytes")
    try:
        request = x509.load_pem_x509_csr(pem)
        asked = [(each.oid, each.value) for each in request.subject]
        extensions = list(request.extensions)
        key = request.public_key()
        hashed = request.signature_hash_algorithm
        possessed = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.UnsupportedGeneralNameType) as error:
        raise RequestRefusedError(f"it is no certificate request: {error}") from error
    except x509.DuplicateExtension as error:
        raise RequestRefusedError("it names an extension twice") from error
    if asked != [(NameOID.COMMON_NAME, name)]:
        raise RequestRefusedError(f"it is for another name than {name}")
    if extensions:
        raise RequestRefusedError("it asks for extensions; those are not the asker's to choose")
    usable = _usable(key)
    if hashed is not None and not isinstance(hashed, HASHES):
        raise RequestRefusedError(f"it is signed with {hashed.name}, which is too weak")
    if not possessed:
        raise RequestRefusedError("it is not signed with its own key")
    return Request(name, usable, key_id(usable))


def key_id(key: PublicKey) -> str:
    """SHA-256 of a public key's DER form, in hexadecimal."""
    digest = hashes.Hash(hashes.SHA256())
    digest.update(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return digest.finalize().hex()


def _usable(key: object) -> PublicKey:
    """`key` if it is of a kind that is strong enough and that brokers understand."""
    if isinstance(key, ec.EllipticCurvePublicKey) and key.curve.name in CURVES:
        return key
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    least, most = RSA_BITS
    if isinstance(key, rsa.RSAPublicKey) and least <= key.key_size <= most:
        return key
    raise RequestRefusedError(
        f"its key is of a kind that is not taken: {', '.join(CURVES)}, Ed25519,"
        f" or RSA of {least} to {most} bits"
    )
