"""What was read out of the hospital's database goes the way of every message: each row, and what
follows from two pictures of who lies where, stands in the table of messages, once."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from central.audit import model as audit
from central.faults import service as faults
from central.hospital.taking import take_message
from central.hospital.ways import POLL
from central.polling import model
from central.store import HOSPITAL, Row, Tx
from gateway.his.http import reading
from gateway.his.poller import differing
from gateway.his.poller.differing import Body
from gateway.his.poller.mapping import body_of, written
from gateway.his.poller.rows import Row as Read
from gateway.his.poller.settings import Feed, Source

DEVICE_OF = "central"
AWAY, HELD = "poll-away", "poll-held"
# How often a reading that changed nothing is written down.
NOTE_EVERY_MS = 60_000


class UnknownFeedError(Exception):
    """No such table is read."""

    error_id = "poll-feed-unknown"


def begin_of(tx: Tx, source: Source, feed: Feed, now: datetime) -> datetime:
    """From when on rows are read: so far back that none is missed that was committed late."""
    row = model.feed(tx, source.name, feed.name)
    if row is None or row["place"] is None:
        return now - timedelta(days=feed.begin_days)
    place = datetime.fromisoformat(row["place"])
    return place - timedelta(seconds=feed.overlap_s)


def take_rows(
    tx: Tx, source: Source, feed: Feed, rows: Sequence[Read], now: datetime, zone: tzinfo | None
) -> int:
    """Take a page of rows and note how far it goes, in one transaction. `now`: of the database's
    kind of time; a row from the future does not carry the place beyond it. Returns how many of
    the rows were new."""
    model.know_feed(tx, source.name, feed.name)
    new = 0
    for row in rows:
        assert row.time is not None
        body = written(body_of(feed, row.values))
        digest = hashlib.sha256(body).hexdigest()
        if model.is_new(tx, source.name, feed.name, str(row.id), digest, row.time):
            _take(tx, source, feed, body, f"{feed.name}-{row.id}-{digest[:12]}", zone)
            new += 1
    if rows:
        times = [row.time for row in rows if row.time is not None]
        before = model.feed(tx, source.name, feed.name)
        known = [datetime.fromisoformat(before["place"])] if before and before["place"] else []
        place = max([*known, min(max(times), now)])
        model.set_place(
            tx, source.name, feed.name, place, place - timedelta(seconds=2 * feed.overlap_s)
        )
    _count(tx, source, feed, new)
    return new


def take_picture(
    tx: Tx, source: Source, feed: Feed, rows: Sequence[Mapping[str, object]], now: datetime,
    zone: tzinfo | None,
) -> int:  # fmt: skip
    """Take a picture of who lies where: what differs from the last one becomes messages, unless
    the picture cannot be believed. Returns how many."""
    model.know_feed(tx, source.name, feed.name)
    row = model.feed(tx, source.name, feed.name)
    assert row is not None
    before = model.stays(tx, source.name, feed.name)
    picture: dict[str, Body] = {}
    for each in rows:
        body = body_of(feed, each)
        picture.setdefault(differing.key_of(body), body)
    picture.pop("", None)  # nobody could tell whose it is
    difference = differing.compare(
        before, picture, hold_share=feed.hold_share, believe=bool(row["believe"])
    )
    model.set_stays(tx, source.name, feed.name, before, difference.known)
    sent_at = now.replace(tzinfo=None).isoformat(timespec="seconds")
    for n, body in enumerate(difference.bodies):
        # Stamped so that a later picture counts more than an earlier one.
        raw = written({**body, "sent_at": body.get("sent_at", sent_at)})
        _take(tx, source, feed, raw, f"{feed.name}-{tx.now_ms}-{n}", zone)
    held = difference.lost if difference.held else 0
    if held != row["held"] or row["believe"]:
        tx.execute(
            "UPDATE poll_feeds SET held = ?, believe = 0 WHERE source = ? AND feed = ?",
            (held, source.name, feed.name),
        )
    device = f"{source.name} {feed.name}"
    if held and not row["held"]:
        faults.raise_fault(
            tx, ward=None, node=DEVICE_OF, device=device, code=HELD,
            detail=f"{held} of {len(before)} missing in {feed.table}",
        )  # fmt: skip
    elif row["held"] and not held:
        faults.clear_fault(tx, DEVICE_OF, device, HELD)
    _count(tx, source, feed, len(difference.bodies))
    return len(difference.bodies)


def well(tx: Tx, source: str, feed: str) -> None:
    """The feed was read whole."""
    row = model.feed(tx, source, feed)
    if row is None or row["trouble"] or (row["read_ms"] or 0) < tx.now_ms - NOTE_EVERY_MS:
        model.know_feed(tx, source, feed)
        tx.execute(
            "UPDATE poll_feeds SET read_ms = ?, trouble = '', trouble_ms = NULL"
            " WHERE source = ? AND feed = ?",
            (tx.now_ms, source, feed),
        )
        faults.clear_fault(tx, DEVICE_OF, f"{source} {feed}", AWAY)


def unwell(tx: Tx, source: str, feed: str, trouble: str) -> None:
    """The feed cannot be read: a fault until it can."""
    model.know_feed(tx, source, feed)
    row = model.feed(tx, source, feed)
    if row is not None and row["trouble"] == trouble:
        return
    tx.execute(
        "UPDATE poll_feeds SET trouble = ?, trouble_ms = coalesce(trouble_ms, ?)"
        " WHERE source = ? AND feed = ?",
        (trouble, tx.now_ms, source, feed),
    )
    faults.raise_fault(
        tx, ward=None, node=DEVICE_OF, device=f"{source} {feed}", code=AWAY, detail=trouble
    )


def believe(tx: Tx, source: str, feed: str, by: str) -> None:
    """A person has seen that the picture is true: the next one is taken as it is.
    Raises UnknownFeedError."""
    row: Row | None = model.feed(tx, source, feed)
    if row is None:
        raise UnknownFeedError(source, feed)
    if row["held"]:
        tx.execute(
            "UPDATE poll_feeds SET believe = 1 WHERE source = ? AND feed = ?", (source, feed)
        )
        audit.append(tx, by, "poll.believe", f"system/{source}", detail={"n": row["held"]})


def _take(tx: Tx, source: Source, feed: Feed, raw: bytes, number: str, zone: tzinfo | None) -> None:
    parsed = reading.parse(feed.kind, raw, "utf-8", source.name, number)
    content = reading.same(feed.kind, raw, "utf-8")
    peer = f"poll/{source.name}"
    take_message(
        tx, peer, raw, parsed, zone, way=POLL, answering=lambda message: None, content=content
    )


def _count(tx: Tx, source: Source, feed: Feed, new: int) -> None:
    if new:
        tx.execute(
            "UPDATE poll_feeds SET messages = messages + ? WHERE source = ? AND feed = ?",
            (new, source.name, feed.name),
        )
        tx.changed(HOSPITAL, "his")
