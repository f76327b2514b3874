"""Tables that every capability uses: timers, commands to nodes, events taken in."""

from sqlite_utils import Database, Migrations

migrations = Migrations("central")


@migrations()
def m001_shared(db: Database) -> None:
    db.executescript(
        """
        -- A due moment in hospital time. Rows, so that a restart re-arms them.
        CREATE TABLE timers (
            id INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL, kind TEXT NOT NULL,
            ref TEXT NOT NULL, body TEXT NOT NULL DEFAULT '{}', fired_ms INTEGER, late_ms INTEGER,
            failure TEXT
        );
        CREATE INDEX timers_due ON timers (due_ms) WHERE fired_ms IS NULL;
        CREATE INDEX timers_ref ON timers (kind, ref) WHERE fired_ms IS NULL;

        -- What a node is asked to do. Sent after the commit, again until acknowledged or expired.
        CREATE TABLE commands (
            id INTEGER PRIMARY KEY, ward TEXT NOT NULL, node TEXT NOT NULL, type TEXT NOT NULL,
            bed TEXT, body TEXT NOT NULL, created_ms INTEGER NOT NULL,
            expires_real_ms INTEGER NOT NULL, sent_real_ms INTEGER,
            attempts INTEGER NOT NULL DEFAULT 0, result TEXT, reason TEXT
        );
        CREATE INDEX commands_open ON commands (node) WHERE result IS NULL;

        -- Every event a node reported, once: the proof that a repeat is a repeat.
        CREATE TABLE events (
            node TEXT NOT NULL, boot INTEGER NOT NULL, seq INTEGER NOT NULL, ward TEXT NOT NULL,
            bed TEXT, type TEXT NOT NULL, about TEXT NOT NULL, happened_ms INTEGER NOT NULL,
            stored_ms INTEGER NOT NULL, failure TEXT, PRIMARY KEY (node, boot, seq)
        ) WITHOUT ROWID;

        -- Written to find out whether the disk takes writes again.
        CREATE TABLE probe (id INTEGER PRIMARY KEY CHECK (id = 1), at_ms INTEGER NOT NULL);

        -- What could not be understood, kept for an engineer with the reason.
        CREATE TABLE quarantine (
            id INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, topic TEXT NOT NULL, ward TEXT,
            node TEXT, payload BLOB NOT NULL, reason TEXT NOT NULL
        );
        """
    )


@migrations()
def m002_events_waiting(db: Database) -> None:
    db.executescript(
        """
        -- Events that are stored and receipted, in the order they came, until the rules have
        -- acted on them: what a crash between the two leaves is acted on at the next start.
        CREATE TABLE events_waiting (
            id INTEGER PRIMARY KEY, node TEXT NOT NULL, boot INTEGER NOT NULL,
            seq INTEGER NOT NULL, UNIQUE (node, boot, seq)
        );
        """
    )


@migrations()
def m003_waiting_details(db: Database) -> None:
    # What the node said besides, which only the rules want: see `central.events.store`.
    db.execute("ALTER TABLE events_waiting ADD COLUMN details TEXT NOT NULL DEFAULT '{}'")


@migrations()
def m004_unanswered(db: Database) -> None:
    # Looked for each second, in the order of their ids: without it all of history is read.
    db.execute("CREATE INDEX commands_unanswered ON commands (id) WHERE result IS NULL")


@migrations()
def m005_open_by_type(db: Database) -> None:
    # In a flood each new command looks for older ones of its type, among thousands that are open.
    db.executescript(
        """
        DROP INDEX commands_open;
        CREATE INDEX commands_open ON commands (node, type) WHERE result IS NULL;
        CREATE INDEX commands_open_of_ward ON commands (ward, type) WHERE result IS NULL;
        """
    )
