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
ADMIN = "admin"
# Role: its English name, which is also its message id.
ROLES = {
    NURSE: N_("Nurse"),
    HEAD_NURSE: N_("Head nurse"),
    DUTY_MANAGER: N_("Duty manager"),
    ENGINEER: N_("Engineer"),
    TELEPHONE_ADMIN: N_("Telephone administrator"),
    REGISTRY: N_("Registry clerk"),
    ADMIN: N_("Administrator"),
}
# Role: the page it begins with.
FIRST_PAGES = {
    NURSE: "/board",
    HEAD_NURSE: "/wards",
    DUTY_MANAGER: "/wards",
    ENGINEER: "/faults",
    TELEPHONE_ADMIN: "/telephone",
    REGISTRY: "/patients",
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
    """A board on a wall or counter, known by its device token: sees one ward and accepts."""

    role = NURSE
    lang = None
    kiosk = True

    def __init__(self, row: Row) -> None:
        self.number = int(row["id"])
        self.name = f"screen-{row['id']}"
        self.display = row["label"]
        self.ward = row["ward"]

    def get_id(self) -> str:
        return f"screen:{self.number}"


def describe(role: str) -> Any:
    return ROLES.get(role, role)
