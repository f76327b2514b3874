"""Plans of opening hours, and the days that are unlike their weekday; dates as 2026-10-01."""

from datetime import date

from sqlite_utils import Database, Migrations

from central.hours.rules import Band, Calendar, Plan, Special
from central.store import Row, Tx

migrations = Migrations("hours")
# Of the service desk; menus ask for it by this name.
SERVICE = "service"


@migrations()
def m001_hours(db: Database) -> None:
    db.executescript(
        """
        -- on_holidays: 1, holidays change nothing.
        CREATE TABLE hours_plans (
            name TEXT PRIMARY KEY, label TEXT NOT NULL, on_holidays INTEGER NOT NULL
        );
        -- day: 0 is Monday. An end that is not behind the beginning is on the next day.
        CREATE TABLE hours_bands (
            plan TEXT NOT NULL REFERENCES hours_plans (name) ON DELETE CASCADE,
            day INTEGER NOT NULL, begin_min INTEGER NOT NULL, end_min INTEGER NOT NULL,
            PRIMARY KEY (plan, day, begin_min)
        ) WITHOUT ROWID;
        -- kind: holiday, or working: a make-up day with the times of the weekday as_day.
        CREATE TABLE hours_days (
            date TEXT PRIMARY KEY, kind TEXT NOT NULL CHECK (kind IN ('holiday', 'working')),
            name TEXT NOT NULL, as_day INTEGER NOT NULL
        );
        INSERT INTO hours_plans VALUES ('service', '服务台', 0);
        -- Every day from 08:00 to 17:30, until somebody says otherwise.
        WITH RECURSIVE week (day) AS (SELECT 0 UNION SELECT day + 1 FROM week WHERE day < 6)
        INSERT INTO hours_bands SELECT 'service', day, 480, 1050 FROM week;
        """
    )


def plans(tx: Tx) -> list[Row]:
    return tx.all("SELECT * FROM hours_plans ORDER BY name != ?, name", (SERVICE,))


def row(tx: Tx, name: str) -> Row | None:
    return tx.one("SELECT * FROM hours_plans WHERE name = ?", (name,))


def plan(tx: Tx, name: str) -> Plan | None:
    """As the rules want it."""
    found = row(tx, name)
    if found is None:
        return None
    bands = tx.all("SELECT * FROM hours_bands WHERE plan = ? ORDER BY day, begin_min", (name,))
    return Plan(
        tuple(Band(each["day"], each["begin_min"], each["end_min"]) for each in bands),
        bool(found["on_holidays"]),
    )


def days(tx: Tx, first: date | None = None) -> list[Row]:
    """Days that are unlike their weekday, from `first` on."""
    since = "" if first is None else first.isoformat()
    return tx.all("SELECT * FROM hours_days WHERE date >= ? ORDER BY date", (since,))


def calendar(tx: Tx, first: date | None = None) -> Calendar:
    return {
        date.fromisoformat(each["date"]): Special(each["kind"], each["name"], each["as_day"])
        for each in days(tx, first)
    }
