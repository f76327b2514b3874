"""Making claims, taking them, renewing and revoking certificates."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from central.audit import model as audit
from central.console import limits
from central.console import model as counts
from central.console.marks import N_
from central.enrolment import claims, model
from central.errors import FieldError
from central.proving import service as proving
from central.store import Row, Tx
from central.wards import model as wards

ROLES = ("bedside", "station")
# Names that brokers know as programs of ours: a box of that name would be taken for one.
RESERVED = re.compile(
    r"(bridge|web|demo|hospital|broker|keeper|endpoint|central|all|ward)([.-].*)?"
)
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
BED = re.compile(r"[^/+#\s]{1,32}")
MOST_BEDS = 64
MOST_CONFIG_BYTES = 8 * 1024
REFUSALS_KEPT = 200

CLAIM_UNKNOWN = "claim-unknown"
CLAIM_USED = "claim-used"
CLAIM_EXPIRED = "claim-expired"
CLAIM_REVOKED = "claim-revoked"
CERTIFICATE_REVOKED = "certificate-revoked"
WHY = {
    CLAIM_UNKNOWN: N_("no claim has this secret: mistyped, or guessed"),
    CLAIM_USED: N_("the claim was used already, with another key"),
    CLAIM_EXPIRED: N_("the claim has expired"),
    CLAIM_REVOKED: N_("the claim was revoked"),
    CERTIFICATE_REVOKED: N_("the certificate was revoked, or is not one of ours"),
    "request-refused": N_("the certificate request is not as it must be"),
    "too-many": N_("too many wrong claims were tried; later ones wait"),
}

Sign = Callable[[str], claims.Certificate]


class UnknownClaimError(Exception):
    """There is no claim of this number."""

    error_id = "claim-number-unknown"


class RefusedError(Exception):
    """A box is not given what it asks for. error_id is one of WHY; detail is for the engineer."""

    def __init__(self, error_id: str, detail: str = "", claim: int | None = None) -> None:
        super().__init__(f"{error_id}: {detail}" if detail else error_id)
        self.error_id = error_id
        self.detail = detail
        self.claim = claim


@dataclass(frozen=True)
class Made:
    """A claim that was made: its number, its secret, which is nowhere else, and its box."""

    id: int
    secret: str
    node: str
    is_broker: bool = False


def make(
    tx: Tx,
    key: bytes,
    *,
    ward: str,
    role: str,
    by: str,
    node: str = "",
    beds: tuple[str, ...] = (),
    config: dict[str, Any] | None = None,
    lasts_ms: int = claims.LASTS_MS,
) -> Made:
    """A claim for a place: box `node` (named here when "") of `ward`, with `beds`; without them
    with those it has, or else those of the ward that have no box. What is not set up yet is. For a
    box that has its place already the claim replaces it: whoever uses it takes the place over, and
    the old one's certificates are revoked. Raises FieldError."""
    config = config or {}
    node = node.strip()
    if role == "bedside" and not beds:
        beds = _beds_meant(tx, ward, node)
    _check(tx, ward, role, beds, config, lasts_ms)
    node = node or _free_name(tx, ward, role)
    _place(tx, ward, role, node, beds)
    now_ms = tx.clock.real_ms()
    secret = claims.new_secret()
    revoke_open(tx, node, by)
    claim = tx.insert(
        "claims", digest=claims.digest(key, secret), ward=ward, node=node, role=role,
        config=json.dumps(config, ensure_ascii=False), made_ms=now_ms, made_by=by,
        expires_ms=now_ms + lasts_ms,
    )  # fmt: skip
    audit.append(tx, by, "claim.make", f"node/{node}", detail={"claim": claim})
    return Made(claim, secret, node)


def _beds_meant(tx: Tx, ward: str, node: str) -> tuple[str, ...]:
    rows = wards.beds(tx, ward)
    own = tuple(row["bed"] for row in rows if row["node"] == node)
    return own or tuple(row["bed"] for row in rows if row["node"] is None)


def _check(
    tx: Tx, ward: str, role: str, beds: tuple[str, ...], config: dict[str, Any], lasts_ms: int
) -> None:
    if wards.ward(tx, ward) is None:
        raise FieldError("ward", N_("There is no such ward. Set it up first."))
    if role not in ROLES:
        raise FieldError("role", N_("Choose bedside or station."))
    if role == "station" and beds:
        raise FieldError("beds", N_("A station has no beds; leave this empty."))
    if role == "bedside" and not beds:
        raise FieldError(
            "beds",
            N_("Enter the beds that the box serves, such as 1 2 3; each of the ward has one."),
        )
    if len(beds) > MOST_BEDS or len(set(beds)) < len(beds) or not all(map(BED.fullmatch, beds)):
        raise FieldError(
            "beds", N_("Each bed once, at most %(most)s, without the signs / + #"), most=MOST_BEDS
        )
    check_lasts(lasts_ms)
    if len(json.dumps(config)) > MOST_CONFIG_BYTES:
        raise FieldError("config", N_("The settings are too long."))


def check_lasts(lasts_ms: int) -> None:
    """Raises FieldError."""
    if not 60_000 <= lasts_ms <= claims.LONGEST_MS:
        raise FieldError("lasts", N_("Between one minute and seven days."))


def _free_name(tx: Tx, ward: str, role: str) -> str:
    base = f"{ward}-{'box' if role == 'bedside' else 'station'}"
    for number in range(1, 1_000):
        name = base if number == 1 else f"{base}-{number}"
        if wards.node(tx, name) is None:
            return name
    raise FieldError("node", N_("Enter a name for the box."))


def _place(tx: Tx, ward: str, role: str, node: str, beds: tuple[str, ...]) -> None:
    """Set up the box and its beds as far as they are not."""
    if NAME.fullmatch(node) is None or RESERVED.fullmatch(node):
        raise FieldError(
            "node",
            N_("Letters, digits, dot, dash; at most 64; and not the name of one of our programs."),
        )
    row = wards.node(tx, node)
    if row is None:
        wards.add_node(tx, node, ward, role)
    elif (row["ward"], row["role"]) != (ward, role):
        raise FieldError(
            "node", N_("%(node)s is the name of another box, in ward %(ward)s."), node=node,
            ward=row["ward"],
        )  # fmt: skip
    for bed in beds:
        known = wards.bed(tx, ward, bed)
        if known is None:
            wards.add_bed(tx, ward, bed, node)
        elif known["node"] is None:
            tx.execute(
                "UPDATE beds SET node = ? WHERE ward = ? AND bed = ?", (node, ward, bed)
            )  # fmt: skip
            tx.changed(ward, wards.FLEET)
        elif known["node"] != node:
            raise FieldError(
                "beds", N_("Bed %(bed)s has a box already: %(node)s"), bed=bed, node=known["node"]
            )


def revoke_open(tx: Tx, node: str, by: str) -> None:
    """Take back what claims for a place are open: two boxes could have it."""
    for row in model.claims_of(tx, node):
        if claims.state(row, tx.clock.real_ms()) == claims.OPEN:
            revoke_claim(tx, row["id"], by)


def revoke_claim(tx: Tx, claim: int, by: str) -> None:
    """From the commit on it gives nothing; a certificate it gave stays.
    Raises UnknownClaimError."""
    row = model.claim(tx, claim)
    if row is None:
        raise UnknownClaimError(claim)
    if row["revoked_ms"] is None:
        tx.execute(
            "UPDATE claims SET revoked_ms = ?, revoked_by = ? WHERE id = ?",
            (tx.clock.real_ms(), by, claim),
        )
        audit.append(tx, by, "claim.revoke", f"node/{row['node']}", detail={"claim": claim})


def count_attempt(tx: Tx, address: str) -> None:
    """Before a claim is looked at, in a transaction of its own. Raises LockedOutError."""
    limits.count_attempt(tx, claims.limits(address))


def forgive_attempt(tx: Tx, address: str) -> None:
    for each in claims.limits(address):
        counts.forgive(tx, each.subject, all_of_it=False)


def look_up(tx: Tx, digest: str) -> Row:
    """The claim of this digest. Raises RefusedError."""
    row = model.by_digest(tx, digest)
    if row is None:
        raise RefusedError(CLAIM_UNKNOWN)
    return row


def take(tx: Tx, row: Row, key_id: str, address: str, sign: Sign) -> Row:
    """Use a claim with a key; the certificate it gives. Once, whoever asks at the same moment: the
    row is looked at again in this transaction. Raises RefusedError."""
    now = model.claim(tx, row["id"])
    assert now is not None
    now_ms = tx.clock.real_ms()
    given = claims.gives(now, key_id, now_ms)
    if given == "again":
        kept = model.certificate(tx, now["serial"])
        if kept is None or kept["revoked_ms"] is not None:
            raise RefusedError(CERTIFICATE_REVOKED, now["node"], now["id"])
        return kept
    if given != "new":
        ids = {
            claims.USED: CLAIM_USED,
            claims.EXPIRED: CLAIM_EXPIRED,
            claims.REVOKED: CLAIM_REVOKED,
        }
        raise RefusedError(ids[claims.state(now, now_ms)], now["node"], now["id"])
    names = claims.names_of(now)
    before = [each for name in names for each in model.standing(tx, name)]
    made, *_ = [_issue(tx, name, _ward_of(now), key_id, sign, now["id"]) for name in names]
    tx.execute(
        "UPDATE claims SET used_ms = ?, used_from = ?, key_id = ?, serial = ? WHERE id = ?",
        (now_ms, address, key_id, made["serial"], now["id"]),
    )
    for each in before:
        _revoke(tx, each, "system", "replaced")
    tx.execute(
        "INSERT OR REPLACE INTO newcomers (node, by, since_ms) VALUES (?, ?, ?)",
        (now["node"], now["made_by"], now_ms),
    )
    audit.append(
        tx, "system", "claim.use", f"node/{now['node']}",
        detail={"claim": now["id"], "address": address, "replaced": len(before)},
    )  # fmt: skip
    return made


def _ward_of(claim: Row) -> str | None:
    """Whose broker lets in who uses a claim: a ward's own broker comes to the hospital's, too, so
    that all keepers must hear when it may no more."""
    return None if claim["role"] == claims.BROKER else claim["ward"]


def renew(tx: Tx, serial: str, key_id: str, sign: Sign) -> Row:
    """Another certificate for who shows a good one. The old one holds until it ends.
    Raises RefusedError."""
    row = model.certificate(tx, serial)
    if row is None or row["revoked_ms"] is not None:
        raise RefusedError(CERTIFICATE_REVOKED, row["name"] if row else "")
    claim = model.claim(tx, row["claim"]) if row["claim"] is not None else None
    names = (row["name"],) if claim is None else claims.names_of(claim)
    if row["name"] != names[0]:
        raise RefusedError(CERTIFICATE_REVOKED, row["name"])
    made, *_ = [_issue(tx, name, row["ward"], key_id, sign, row["claim"]) for name in names]
    audit.append(tx, "system", "certificate.renew", f"node/{row['name']}")
    return made


def record(tx: Tx, name: str, ward: str | None, key_id: str, made: claims.Certificate) -> Row:
    """Note a certificate that was issued without a claim, so that it can be revoked."""
    return _issue(tx, name, ward, key_id, lambda name: made, None)


def _issue(
    tx: Tx, name: str, ward: str | None, key_id: str, sign: Sign, claim: int | None
) -> Row:  # fmt: skip
    made = sign(name)
    tx.insert(
        "certificates", serial=made.serial, name=name, ward=ward, key_id=key_id, chain=made.chain,
        claim=claim, begins_ms=made.begins_ms, ends_ms=made.ends_ms, issued_ms=tx.clock.real_ms(),
    )  # fmt: skip
    row = model.certificate(tx, made.serial)
    assert row is not None
    return row


def revoke(tx: Tx, name: str, by: str, why: str = "") -> int:
    """From now on nobody may use the certificates of `name`; how many that were. Its open claim
    goes as well."""
    names = {name}.union(*(claims.names_of(row) for row in model.claims_of(tx, name)))
    rows = [row for each in sorted(names) for row in model.standing(tx, each)]
    for row in rows:
        _revoke(tx, row, by, why)
    revoke_open(tx, name, by)
    return len(rows)


def _revoke(tx: Tx, row: Row, by: str, why: str) -> None:
    tx.execute(
        "UPDATE certificates SET revoked_ms = ?, revoked_by = ?, why = ? WHERE serial = ?",
        (tx.clock.real_ms(), by, why, row["serial"]),
    )
    audit.append(
        tx, by, "certificate.revoke", f"node/{row['name']}", why=why,
        detail={"serial": row["serial"]},
    )  # fmt: skip


def note_refusal(tx: Tx, address: str, refused: RefusedError) -> None:
    """Keep a refusal for the engineer; only the latest, for anybody may cause them."""
    tx.insert(
        "enrolment_refusals", at_ms=tx.clock.real_ms(), address=address, reason=refused.error_id,
        detail=refused.detail[:500], claim=refused.claim,
    )  # fmt: skip
    tx.execute(
        "DELETE FROM enrolment_refusals WHERE id <= (SELECT max(id) FROM enrolment_refusals) - ?",
        (REFUSALS_KEPT,),
    )


def access(tx: Tx, ward: str | None) -> dict[str, Any]:
    """Who may use a ward's broker, or with None the hospital's: what its keeper is told. ended:
    serial and name of revoked certificates that had rights there; of other wards none had."""
    ended = {row["serial"]: row["name"] for row in model.revoked(tx) if row["ward"] in (None, ward)}
    if ward is None:
        return {"wards": [row["id"] for row in wards.wards(tx)], "ended": ended}
    nodes = [{"name": row["id"], "role": row["role"]} for row in wards.nodes(tx, ward)]
    return {"ward": ward, "nodes": nodes, "ended": ended}


def _on_birth(tx: Tx, node: str) -> None:
    """A box that is heard at its place for the first time proves each of its beds at once: who
    replaced a broken box sees before he leaves that they can call."""
    newcomer = model.take_newcomer(tx, node)
    row = wards.node(tx, node)
    if newcomer is None or row is None:
        return
    beds = [each["bed"] for each in wards.beds(tx, row["ward"]) if each["node"] == node]
    if beds:
        proving.prove_now(tx, row["ward"], beds, newcomer["by"])


BIRTHS: list[Callable[[Tx, str], None]] = [_on_birth]
