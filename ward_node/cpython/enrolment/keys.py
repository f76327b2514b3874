"""Keys, requests and certificates of a box, by `cryptography`. A box's key is made here and never
leaves it."""

from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from ward_node.contract import claim


def make() -> bytes:
    """A new key, PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def request(key_pem: bytes, name: str) -> str:
    """A certificate request for `name`, PEM. Raises ValueError when it is no key of ours."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    made = builder.sign(_key(key_pem), hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def fingerprint(certificate_pem: str) -> str:
    """The letters of a claim that stand for this authority. Raises ValueError."""
    found = x509.load_pem_x509_certificate(certificate_pem.encode()).public_key()
    digest = hashes.Hash(hashes.SHA256())
    digest.update(found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
    return claim.fingerprint(digest.finalize().hex())


def unfit(key_pem: bytes, chain_pem: str, root_pem: str) -> str:
    """Why a certificate is of no use to this key, or ""."""
    try:
        chain = x509.load_pem_x509_certificates(chain_pem.encode())
        root = x509.load_pem_x509_certificate(root_pem.encode())
        if chain[0].public_key() != _key(key_pem).public_key():
            return "it is for another key"
        for below, above in zip(chain, [*chain[1:], root], strict=True):
            below.verify_directly_issued_by(above)
    except InvalidSignature:
        return "it is not of the hospital's authority"
    except (ValueError, TypeError) as error:
        return str(error)
    return ""


def name_and_times(chain_pem: bytes) -> tuple[str, datetime, datetime]:
    """Whose a certificate is, and from when to when it holds. Raises ValueError."""
    found = x509.load_pem_x509_certificate(chain_pem)
    (name,) = found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(name.value), found.not_valid_before_utc, found.not_valid_after_utc


def _key(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("the key is of another kind")
    return key
