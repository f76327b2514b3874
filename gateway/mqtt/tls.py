"""How central's processes show who they are where the broker takes certificates."""

import ssl
from typing import Any


def context(broker: dict[str, Any]) -> ssl.SSLContext | None:
    """broker: as in central.json, where "tls" names the files root, certificate and key; None
    where it does not. They are read anew for each connection. Raises OSError (ssl.SSLError is
    one), KeyError."""
    files = broker.get("tls")
    if files is None:
        return None
    made = ssl.create_default_context(cafile=files["root"])
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(files["certificate"], files["key"])
    return made
