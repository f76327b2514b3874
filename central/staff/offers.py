"""What the staff's menu may ask and do: each for whoever has logged in, within his rights."""

import json
from collections.abc import Mapping, Sequence

from central.calls import bedside, errors, rights
from central.calls import model as calls
from central.calls import service as calling
from central.escalation import phones
from central.flows.offers import OK, Answer, Asking, Offer
from central.flows.reading import Said
from central.notices import model as notices
from central.notices import service as noticing
from central.staff import members
from central.staff.members import Member
from central.store import Row, Tx
from central.words import spoken
from gateway.mqtt import kinds

NONE, NOT_YOURS, GONE = "none", "not_yours", "gone"
# A page has the rest.
MOST_NOTICES = 10
# What nobody has to confirm any more is heard again for so long.
HEARD_AGAIN_MS = 12 * 3_600_000


def call(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """The call after that of `after`, the most urgent first."""
    who = members.member(tx, asking.staff)
    if who is None:
        return Answer(NOT_YOURS)
    rows = members.open_calls(tx, who)
    row = _next(rows, values["after"])
    if row is None:
        return Answer(NONE)
    return Answer(
        OK,
        {
            "id": row["id"],
            "said": _said(tx, row, asking.lang),
            "count": len(rows),
            "state": row["state"],
        },
    )


def _next(rows: Sequence[Row], after: str) -> Row | None:
    """The row behind the one of that id; the first, where that one is gone."""
    ids = [str(row["id"]) for row in rows]
    place = ids.index(after) + 1 if after in ids else 0
    return rows[place] if place < len(rows) else None


def _said(tx: Tx, row: Row, lang: str) -> str:
    """Where, what, since when, and who goes: as the ringing telephone says it."""
    words_id, values = bedside.words_at_station(tx, row)
    said = spoken(lang, words_id, **values)
    waited_ms = (tx.now_ms - row["opened_ms"]) // phones.SINCE_MS * phones.SINCE_MS
    if waited_ms >= phones.SINCE_MS:
        said = spoken(lang, "escalation.phone_since", what=said, ms=waited_ms)
    if row["state"] == calls.ACCEPTED:
        by = members.display(tx, row["accepted_by"] or "")
        return _joined(lang, said, spoken(lang, "staff.accepted_by", name=by))
    return said


def _joined(lang: str, *said: str) -> str:
    return (" " if lang == "en" else "").join(said)


def accept(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """As at the board and at the ringing telephone."""
    who, row = members.member(tx, asking.staff), calls.one(tx, _id(values["call"]))
    if who is None or row is None or not rights.sees(tx, row, who.role, who.ward):
        return Answer(NOT_YOURS)
    try:
        calling.accept(tx, row["id"], who.user, who.via)
    except errors.CallEndedError:
        return Answer(GONE)
    return Answer()


def _id(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() else 0


def notice(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """The notice after that of `after`: what nobody has confirmed first."""
    who = members.member(tx, asking.staff)
    if who is None or who.role not in (*rights.STAFF, "admin"):
        return Answer(NOT_YOURS)
    row = _next(_notices(tx, who), values["after"])
    if row is None:
        return Answer(NONE)
    waits = row["state"] in (notices.OPEN, notices.UNHEARD)
    said = notices.text(row, asking.lang)
    return Answer(OK, {"id": row["id"], "said": said, "waits": "yes" if waits else "no"})


def _notices(tx: Tx, who: Member) -> list[Row]:
    rows = [
        row
        for ward in members.own_wards(tx, who)
        for row in notices.latest(tx, ward, MOST_NOTICES)
        if row["state"] in (notices.OPEN, notices.UNHEARD)
        or tx.now_ms - row["created_ms"] < HEARD_AGAIN_MS
    ]
    waiting = (notices.OPEN, notices.UNHEARD)
    rows.sort(key=lambda row: (row["state"] not in waiting, not row["urgent"], -row["id"]))
    return rows[:MOST_NOTICES]


def confirm(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """As on the page of notices."""
    who, row = members.member(tx, asking.staff), notices.one(tx, _id(values["notice"]))
    if who is None or who.role not in (*rights.STAFF, "admin") or row is None:
        return Answer(NOT_YOURS)
    if not members.sees_ward(tx, who, row["ward"]):
        return Answer(NOT_YOURS)
    if row["state"] not in (notices.OPEN, notices.UNHEARD):
        return Answer(GONE)
    noticing.accept(tx, row["id"], who.user, via=who.via)
    return Answer()


def message(tx: Tx, asking: Asking, values: Mapping[str, str]) -> Answer:
    """What the station of the ward has said last, in the words in which it said it."""
    who = members.member(tx, asking.staff)
    if who is None or who.role not in (*rights.STAFF, "admin"):
        return Answer(NOT_YOURS)
    marks = ", ".join("?" * len(wards := members.own_wards(tx, who)))
    row = tx.one(
        "SELECT c.body FROM commands c JOIN nodes n ON n.id = c.node AND n.role = 'station'"
        f" WHERE c.type = ? AND c.ward IN ({marks}) ORDER BY c.id DESC LIMIT 1",
        (kinds.SPEAK, *wards),
    )
    words = None if row is None else json.loads(row["body"]).get("words")
    if not words:
        return Answer(NONE)
    return Answer(OK, {"said": Said(((words["lang"], words["text"]),))})


_HIS = {NOT_YOURS: "whoever has logged in may not, or has no log-in for the console"}

OFFERS = [
    Offer(
        "staff.call",
        call,
        "an open call that whoever has logged in sees, the one behind `after`; state: open or"
        " accepted",
        takes={"after": 12},
        gives={"id": "", "said": "", "count": "count", "state": ""},
        others={NONE: "there is none behind it"} | _HIS,
        of_staff=True,
    ),
    Offer(
        "staff.accept",
        accept,
        "accepts a call",
        takes={"call": 12},
        others={GONE: "somebody has been at the bed"} | _HIS,
        of_staff=True,
        acts=True,
    ),
    Offer(
        "staff.notice",
        notice,
        "a notice of the ward of whoever has logged in, the one behind `after`; waits: yes or no",
        takes={"after": 12},
        gives={"id": "", "said": "", "waits": ""},
        others={NONE: "there is none behind it"} | _HIS,
        of_staff=True,
    ),
    Offer(
        "staff.confirm",
        confirm,
        "confirms a notice",
        takes={"notice": 12},
        others={GONE: "it was confirmed or taken back"} | _HIS,
        of_staff=True,
        acts=True,
    ),
    Offer(
        "staff.message",
        message,
        "what the ward's station has said last",
        gives={"said": ""},
        others={NONE: "it has said nothing"} | _HIS,
        of_staff=True,
    ),
]
