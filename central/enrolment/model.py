"""Claims, certificates, and what was refused."""

from sqlite_utils import Database, Migrations

from central.store import Row, Tx

migrations = Migrations("enrolment")
migrate_after = ("wards",)


@migrations()
def m001_enrolment(db: Database) -> None:
    db.executescript(
        """
        -- digest: of the secret, with a key outside the database. key_id: of the key that used the
        -- claim, which may fetch the same chain again. config: what the box is given besides.
        -- All moments in real time, ms.
        CREATE TABLE claims (
            id INTEGER PRIMARY KEY, digest TEXT NOT NULL UNIQUE, ward TEXT NOT NULL,
            node TEXT NOT NULL, role TEXT NOT NULL, config TEXT NOT NULL DEFAULT '{}',
            made_ms INTEGER NOT NULL, made_by TEXT NOT NULL, expires_ms INTEGER NOT NULL,
            used_ms INTEGER, used_from TEXT, key_id TEXT, serial TEXT,
            revoked_ms INTEGER, revoked_by TEXT
        );
        CREATE INDEX claims_node ON claims (node);
        -- Every certificate that was issued for a box, broker or program. serial: hexadecimal.
        CREATE TABLE certificates (
            serial TEXT PRIMARY KEY, name TEXT NOT NULL, ward TEXT, key_id TEXT NOT NULL,
            chain TEXT NOT NULL, claim INTEGER REFERENCES claims (id), begins_ms INTEGER NOT NULL,
            ends_ms INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
            revoked_ms INTEGER, revoked_by TEXT, why TEXT
        );
        CREATE INDEX certificates_name ON certificates (name);
        CREATE INDEX certificates_revoked ON certificates (revoked_ms) WHERE revoked_ms IS NOT NULL;
        -- The latest ones, for the engineer. claim: where it was a real one.
        CREATE TABLE enrolment_refusals (
            id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, address TEXT NOT NULL,
            reason TEXT NOT NULL, detail TEXT NOT NULL, claim INTEGER
        );
        """
    )


@migrations()
def m002_newcomers(db: Database) -> None:
    # Boxes that have taken a place and have not been heard there yet. by: who made the claim.
    db.execute(
        "CREATE TABLE newcomers"
        " (node TEXT PRIMARY KEY, by TEXT NOT NULL, since_ms INTEGER NOT NULL)"
    )


@migrations()
def m003_ward_brokers(db: Database) -> None:
    # Brokers of wards that came by a claim, and where boxes find them.
    db.execute(
        "CREATE TABLE ward_brokers (ward TEXT PRIMARY KEY, name TEXT NOT NULL, host TEXT NOT NULL,"
        " port INTEGER NOT NULL, since_ms INTEGER NOT NULL)"
    )


def ward_broker(tx: Tx, ward: str) -> Row | None:
    return tx.one("SELECT * FROM ward_brokers WHERE ward = ?", (ward,))


def ward_broker_called(tx: Tx, name: str) -> Row | None:
    return tx.one("SELECT * FROM ward_brokers WHERE name = ?", (name,))


def given(tx: Tx, claim_id: int) -> dict[str, str]:
    """By name, the newest chain of each certificate that a claim gave and that holds."""
    rows = tx.all(
        "SELECT name, chain, max(issued_ms) FROM certificates"
        " WHERE claim = ? AND revoked_ms IS NULL GROUP BY name",
        (claim_id,),
    )
    return {row["name"]: row["chain"] for row in rows}


def claims(tx: Tx, limit: int = 200) -> list[Row]:
    """The newest first."""
    return tx.all("SELECT * FROM claims ORDER BY id DESC LIMIT ?", (limit,))


def claims_of(tx: Tx, node: str) -> list[Row]:
    return tx.all("SELECT * FROM claims WHERE node = ?", (node,))


def claim(tx: Tx, claim_id: int) -> Row | None:
    return tx.one("SELECT * FROM claims WHERE id = ?", (claim_id,))


def by_digest(tx: Tx, digest: str) -> Row | None:
    return tx.one("SELECT * FROM claims WHERE digest = ?", (digest,))


def certificate(tx: Tx, serial: str) -> Row | None:
    return tx.one("SELECT * FROM certificates WHERE serial = ?", (serial,))


def certificates(tx: Tx) -> list[Row]:
    """The newest of each name that is not revoked, by name."""
    return tx.all(
        "SELECT *, max(issued_ms) FROM certificates WHERE revoked_ms IS NULL GROUP BY name"
        " ORDER BY ward, name"
    )


def newest(tx: Tx) -> dict[str, Row]:
    """By name, the certificate that was issued last, revoked or not."""
    rows = tx.all("SELECT *, max(issued_ms) FROM certificates GROUP BY name")
    return {row["name"]: row for row in rows}


def standing(tx: Tx, name: str) -> list[Row]:
    """The certificates of a name that are not revoked."""
    return tx.all(
        "SELECT * FROM certificates WHERE name = ? AND revoked_ms IS NULL ORDER BY issued_ms",
        (name,),
    )


def revoked(tx: Tx) -> list[Row]:
    """Every certificate ever revoked, in the order it happened."""
    return tx.all(
        "SELECT * FROM certificates WHERE revoked_ms IS NOT NULL ORDER BY revoked_ms, serial"
    )


def in_its_carton(tx: Tx, node: str) -> bool:
    """Whether claims were made for a place and no box has used one yet."""
    return bool(
        tx.value("SELECT count(*) > 0 AND max(used_ms) IS NULL FROM claims WHERE node = ?", (node,))
    )


def take_newcomer(tx: Tx, node: str) -> Row | None:
    """The entry of a box that was not heard before; there is none from then on."""
    return tx.one("DELETE FROM newcomers WHERE node = ? RETURNING *", (node,))


def refusals(tx: Tx, limit: int = 20) -> list[Row]:
    """The newest first."""
    return tx.all("SELECT * FROM enrolment_refusals ORDER BY id DESC LIMIT ?", (limit,))
