"""What central.json says of provisioning.

    "provisioning": {
        "folder": "/var/lib/wardline/provisioning",
        "host": "0.0.0.0", "port": 8884,
        "address": "https://10.0.0.5:8884/",
        "brokers": {"3": {"host": "10.0.3.2", "port": 8883}}
    }

folder: the authority's; host and port: where the endpoint listens; address: where boxes find it;
brokers: where the boxes of each ward find theirs, unless the ward's broker came by a claim of its
own, which says so; hospital: where the hospital's broker listens, on the endpoint's machine.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from central.config import ConfigError
from central.secret_file import secret
from gateway.mqtt import claim

KEY = "provisioning"


@dataclass(frozen=True)
class Settings:
    """See above. database: of central, beside which the key of the claims' digests lies."""

    folder: Path
    host: str
    port: int
    address: str
    database: Path
    brokers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    hospital_port: int | None = None

    @property
    def here(self) -> str:
        """The centre's own name or address, as boxes know it."""
        return urlsplit(self.address).hostname or ""

    @property
    def root(self) -> Path:
        """The authority's own certificate, which everybody may read."""
        return self.folder / "authority" / "root.pem"

    @property
    def updates(self) -> Path:
        """Signed versions of boxes, as they are handed out."""
        return self.folder / "updates"

    def digest_key(self) -> bytes:
        """What makes a digest of a claim useless to who has the database. Raises OSError."""
        return secret(self.database.parent / "claims.secret")

    def fingerprint(self) -> str:
        """The letters that boxes know the authority by. Raises OSError, ValueError."""
        found = x509.load_pem_x509_certificate(self.root.read_bytes()).public_key()
        digest = hashes.Hash(hashes.SHA256())
        digest.update(found.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        return claim.fingerprint(digest.finalize().hex())


def from_config(config: Mapping[str, Any]) -> Settings | None:
    """None where nothing is said of provisioning. Raises ConfigError."""
    given = config.get(KEY)
    if given is None:
        return None
    try:
        settings = Settings(
            Path(given["folder"]),
            str(given.get("host", "0.0.0.0")),
            int(given["port"]),
            str(given["address"]),
            Path(config["database"]),
            {
                str(ward): {"host": str(each["host"]), "port": int(each["port"])}
                for ward, each in given.get("brokers", {}).items()
            },
            int(given["hospital"]["port"]) if "hospital" in given else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(f"central.json: {KEY}: {error!r} is missing or wrong") from error
    if not settings.address.startswith("https://"):
        raise ConfigError(f"central.json: {KEY}.address must begin with https://")
    return settings
