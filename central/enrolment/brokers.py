"""A ward's broker comes to its place by a claim of its own, as boxes do. It makes one key and is
given three certificates for it: its own as a server, and one for each of its two connections to the
hospital's broker. Where it stands its ward's boxes are told from then on."""

import json
import re
from typing import Any

from central.audit import model as audit
from central.console.marks import N_
from central.enrolment import claims, model, service
from central.enrolment.service import Made
from central.enrolment.settings import Settings
from central.errors import FieldError
from central.store import Row, Tx
from central.wards import model as wards

PORT = 8883
HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
# A ward whose name ends so would be taken for a connection of another one.
SUFFIXES = ("-events", "-broker")


def ensure_possible(settings: Settings) -> None:
    """A broker must be told where the hospital's is. Raises FieldError."""
    if settings.hospital_port is None:
        raise FieldError(
            "role",
            N_("central.json does not say where the hospital's broker is: provisioning.hospital"),
        )


def make(
    tx: Tx,
    key: bytes,
    *,
    ward: str,
    host: str,
    by: str,
    port: int = PORT,
    lasts_ms: int = claims.LASTS_MS,
) -> Made:
    """A claim for the broker of `ward`, which its boxes will find at `host` and `port`. Whoever
    uses it takes the place over. Raises FieldError."""
    host = host.strip()
    if wards.ward(tx, ward) is None:
        raise FieldError("ward", N_("There is no such ward. Set it up first."))
    name = claims.broker_of(ward)
    if service.NAME.fullmatch(name) is None or ward.endswith(SUFFIXES):
        raise FieldError("ward", N_("A ward with this number can have no broker of its own."))
    if HOST.fullmatch(host) is None:
        raise FieldError(
            "host", N_("Where the ward's boxes reach the broker: an address such as 10.0.3.2.")
        )
    if not 1 <= port <= 65_535:
        raise FieldError("port", N_("A number from 1 to 65535."))
    service.check_lasts(lasts_ms)
    now_ms = tx.clock.real_ms()
    service.revoke_open(tx, name, by)
    secret = claims.new_secret()
    claim = tx.insert(
        "claims", digest=claims.digest(key, secret), ward=ward, node=name, role=claims.BROKER,
        config=json.dumps({"host": host, "port": port}), made_ms=now_ms, made_by=by,
        expires_ms=now_ms + lasts_ms,
    )  # fmt: skip
    audit.append(tx, by, "claim.make", f"node/{name}", detail={"claim": claim})
    return Made(claim, secret, name, is_broker=True)


def came(tx: Tx, claim: Row) -> None:
    """Its claim was used: from now on boxes of the ward are told where it is."""
    told = json.loads(claim["config"])
    tx.execute(
        "INSERT OR REPLACE INTO ward_brokers (ward, name, host, port, since_ms)"
        " VALUES (?, ?, ?, ?, ?)",
        (claim["ward"], claim["node"], told["host"], told["port"], tx.clock.real_ms()),
    )


def place(tx: Tx, ward: str) -> dict[str, Any] | None:
    """Where the broker of a ward is, None where it did not come by a claim."""
    row = model.ward_broker(tx, ward)
    return None if row is None else {"host": row["host"], "port": row["port"]}
