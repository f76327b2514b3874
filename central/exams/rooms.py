"""Setting up the rooms: their names, their ways, and what the hospital's systems call them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.exams import days, model, taking
from central.exams.moving import CHANGED
from central.exams.reasons import UNMAPPED_ROOM
from central.hospital.taking import retry
from central.hospital.told import Told
from central.store import Tx
from central.wards import model as wards

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,15}")
NAME_MOST = 40
USUAL_MOST_MIN = 600
WALK_MOST_MIN = 120
BACK_MOST = 20
URGE_MOST_S = 3600


@dataclass(frozen=True)
class Room:
    """What somebody wants a room to be; the columns of exam_rooms. `walks`: minutes by ward, of
    wards whose way differs from `walk_min`."""

    code: str
    name_zh: str
    name_en: str
    usual_min: int = 15
    walk_min: int = 10
    back_places: int = 3
    urge_after_s: int = 120
    margin_min: int = 5
    walks: Mapping[str, int] = field(default_factory=dict)


def put(tx: Tx, room: Room, by: str) -> None:
    """Add a room or change it. Raises FieldError."""
    _check(tx, room)
    fields = {key: value for key, value in vars(room).items() if key != "walks"}
    fields |= {"name_zh": room.name_zh.strip(), "name_en": room.name_en.strip()}
    names = ", ".join(fields)
    marks = ", ".join(f":{name}" for name in fields)
    sets = ", ".join(f"{name} = excluded.{name}" for name in fields)
    tx.execute(
        f"INSERT INTO exam_rooms ({names}) VALUES ({marks})"
        f" ON CONFLICT (code) DO UPDATE SET {sets}",
        fields,
    )
    tx.execute("DELETE FROM exam_walks WHERE room = ?", (room.code,))
    for ward, minutes in room.walks.items():
        tx.insert("exam_walks", room=room.code, ward=ward, minutes=minutes)
    audit.append(
        tx, by, "exam_room.put", f"exam_room/{room.code}", detail={"name": fields["name_zh"]}
    )
    tx.changed(CHANGED, CHANGED)


def _check(tx: Tx, room: Room) -> None:
    if not _CODE.fullmatch(room.code):
        raise FieldError(
            "code", N_("A short code has 1 to 16 letters, digits, dashes or underscores.")
        )
    for name in ("name_zh", "name_en"):
        given = getattr(room, name).strip()
        if not given or len(given) > NAME_MOST:
            raise FieldError(name, N_("Enter a name of at most %(most)s characters."),
                             most=NAME_MOST)  # fmt: skip
    for name, least, most in (
        ("usual_min", 1, USUAL_MOST_MIN), ("walk_min", 0, WALK_MOST_MIN),
        ("back_places", 0, BACK_MOST), ("urge_after_s", 0, URGE_MOST_S),
        ("margin_min", 0, WALK_MOST_MIN),
    ):  # fmt: skip
        _within(name, getattr(room, name), least, most)
    for ward, minutes in room.walks.items():
        if wards.ward(tx, ward) is None:
            raise FieldError("walks", N_("There is no ward %(ward)s."), ward=ward)
        _within(f"walk-{ward}", minutes, 0, WALK_MOST_MIN)


def _within(field: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise FieldError(
            field, N_("Enter a number from %(least)s to %(most)s."), least=least, most=most
        )


def remove(tx: Tx, code: str, by: str, zone: tzinfo | None = None) -> None:
    """Forget a room for which nobody is booked any more. Raises FieldError."""
    today = days.day_of(tx.now_ms, zone)
    waiting = tx.value(
        "SELECT count(*) FROM exam_bookings WHERE room = ? AND day >= ?"
        " AND state NOT IN ('done', 'cancelled')",
        (code, today),
    )
    if waiting:
        raise FieldError(
            "code", N_("%(n)s examinations are still booked there. Let the hospital's system move"
                       " them first."), n=waiting
        )  # fmt: skip
    if tx.execute("DELETE FROM exam_rooms WHERE code = ?", (code,)).rowcount:
        audit.append(tx, by, "exam_room.remove", f"exam_room/{code}")
        tx.changed(CHANGED, CHANGED)


def map_code(
    tx: Tx, sender: str, code: str, room: str | None, by: str, zone: tzinfo | None = None
) -> int:
    """Say that what `sender` calls `code` is this room; None: none of ours. What was booked under
    it, and is not under way yet, goes there; messages that waited are applied. Returns how many
    were. Raises FieldError."""
    sender, code = sender.strip(), code.strip()
    if not sender:
        raise FieldError("sender", N_("Enter the sender, as the messages page shows it."))
    if not code:
        raise FieldError("code", N_("Enter the room's code, as the messages page shows it."))
    if room is not None and model.room(tx, room) is None:
        raise FieldError("room", N_("There is no examination room %(room)s."), room=room)
    tx.execute(
        "INSERT INTO exam_room_codes (sender, code, room, by, at_ms) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (sender, code) DO UPDATE SET room = excluded.room, by = excluded.by,"
        " at_ms = excluded.at_ms",
        (sender, code, room, by, tx.now_ms),
    )
    audit.append(tx, by, "exam_room.map", f"exam_code/{sender}/{code}", detail={"room": room})
    tx.changed(CHANGED, CHANGED)
    taking.mapped(tx, sender, code, Told("", sender, zone))
    return retry(tx, zone, held_for={UNMAPPED_ROOM})


def unmap_code(tx: Tx, sender: str, code: str, by: str) -> None:
    """The next message with this code waits. What is booked stays."""
    if tx.execute(
        "DELETE FROM exam_room_codes WHERE sender = ? AND code = ?", (sender, code)
    ).rowcount:
        audit.append(tx, by, "exam_room.unmap", f"exam_code/{sender}/{code}")
        tx.changed(CHANGED, CHANGED)
