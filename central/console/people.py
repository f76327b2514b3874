"""Who asks: a person with a log-in, or a screen with a device token."""

from typing import Any

from flask_login import AnonymousUserMixin, UserMixin

from central.console.marks import N_
from central.store import Row

NURSE = "nurse"
HEAD_NURSE = "head_nurse"
DUTY_MANAGER = "duty_manager"
ENGINEER = "engineer"
TELEPHONE_ADMIN = "telephone_admin"
REGISTRY = "registry"
TECHNICIAN = "technician"
ADMIN = "admin"
# What the screen before an examination room is; nobody can be given it.
ROOM_SCREEN = "room_screen"
# Role: its English name, which is also its message id.
ROLES = {
    NURSE: N_("Nurse"),
    HEAD_NURSE: N_("Head nurse"),
    DUTY_MANAGER: N_("Duty manager"),
    ENGINEER: N_("Engineer"),
    TELEPHONE_ADMIN: N_("Telephone administrator"),
    REGISTRY: N_("Registry clerk"),
    TECHNICIAN: N_("Examination technician"),
    ADMIN: N_("Administrator"),
}
# Who has nothing to do with beds, boxes and calls.
WITHOUT_BEDS = (TELEPHONE_ADMIN, REGISTRY, TECHNICIAN)
# Role: the page it begins with.
FIRST_PAGES = {
    NURSE: "/board",
    HEAD_NURSE: "/wards",
    DUTY_MANAGER: "/wards",
    ENGINEER: "/faults",
    TELEPHONE_ADMIN: "/telephone",
    REGISTRY: "/patients",
    TECHNICIAN: "/exams",
    ADMIN: "/health",
}


class Anybody:
    """What pages may ask of whoever is there."""

    is_authenticated: bool
    name: str
    display: str
    role: str
    ward: str | None
    lang: str | None
    kiosk: bool
    room: str | None = None  # the examination room of a screen that hangs before one


class Nobody(Anybody, AnonymousUserMixin):
    """Not logged in."""

    name = ""
    display = ""
    role = ""
    ward = None
    lang = None
    kiosk = False


class Person(Anybody, UserMixin):
    """Somebody with a log-in name."""

    kiosk = False

    def __init__(self, row: Row) -> None:
        self.name = row["name"]
        self.display = row["display"]
        self.role = row["role"]
        self.ward = row["ward"]
        self.lang = row["lang"]

    def get_id(self) -> str:
        return f"user:{self.name}"


class Screen(Anybody, UserMixin):
    """A board on a wall or counter, known by its device token: sees one ward and accepts. Or what
    hangs before an examination room: sees its numbers."""

    lang = None
    kiosk = True

    def __init__(self, row: Row) -> None:
        self.number = int(row["id"])
        self.name = f"screen-{row['id']}"
        self.display = row["label"]
        self.ward = row["ward"]
        self.room = row["room"]
        self.role = NURSE if self.room is None else ROOM_SCREEN

    def get_id(self) -> str:
        return f"screen:{self.number}"


def describe(role: str) -> Any:
    return ROLES.get(role, role)
