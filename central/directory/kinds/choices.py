"""What a form offers to be chosen: pairs of what is sent and its words."""

from central.capabilities import modules
from central.console import model as users_model
from central.console.context import _, lang, read, ward_name
from central.console.marks import N_
from central.directory import model
from central.directory.kinds.kind import joined
from central.flows import service as flows
from central.store import Tx
from central.telephone.desk import ALL
from central.wards import model as wards_model
from gateway.telephone.directory import ENCRYPTIONS

ENCRYPTED = {
    "none": N_("no"),
    "optional": N_("where the other end can"),
    "required": N_("always, or it cannot call"),
}
LANGS = {"zh": "中文", "en": "English"}
# What Wardline answers itself, by the word the exchange tells it. Menus have their own titles.
PURPOSES = {
    "emergency": N_("Emergency number"),
    "desk": N_("Log in at a phone, and out again"),
    "broadcast": N_("Announcement to the whole house"),
    "broadcast_urgent": N_("Urgent announcement to the whole house"),
    "voicemail": N_("Listening to one's messages"),
}


def purpose(code: str) -> str:
    """What the service of that name is, in words."""
    if code in PURPOSES:
        return _(PURPOSES[code])
    title = flows.titles(read()).get(code, {}).get(lang())
    return _("Menu: %(title)s", title=title) if title else code


def encryptions(_tx: Tx) -> list[tuple[str, str]]:
    return [(each, _(ENCRYPTED[each])) for each in ENCRYPTIONS]


def yes_or_no(_tx: Tx) -> list[tuple[str, str]]:
    return [("0", _("no")), ("1", _("yes"))]


def wards(tx: Tx) -> list[tuple[str, str]]:
    return [(row["id"], ward_name(row["id"])) for row in wards_model.wards(tx)]


def users(tx: Tx) -> list[tuple[str, str]]:
    return [(row["name"], f"{row['display']} ({row['name']})") for row in users_model.users(tx)]


def people(tx: Tx) -> list[tuple[str, str]]:
    return [(str(row["id"]), row["name"]) for row in model.people(tx)]


def extensions(tx: Tx) -> list[tuple[str, str]]:
    return [(row["number"], f"{row['number']} {row['label']}") for row in model.extensions(tx)]


def phones(tx: Tx) -> list[tuple[str, str]]:
    rows = sorted(model.phones(tx), key=lambda row: (row["number"], row["device"]))
    return [(row["device"], f"{row['number']} {row['label']}") for row in rows]


def classes(tx: Tx) -> list[tuple[str, str]]:
    rows = tx.all("SELECT name, label FROM permission_classes ORDER BY name")
    return [(row["name"], row["label"]) for row in rows]


def langs(_tx: Tx) -> list[tuple[str, str]]:
    return list(LANGS.items())


def purposes(tx: Tx) -> list[tuple[str, str]]:
    """What a phone can reach that has no number yet."""
    answered = {each for part in modules("phone") for each in getattr(part, "ARRIVALS", {})}
    answered = {each for each in answered if not each.endswith(ALL)} | set(flows.titles(tx))
    taken = {row["purpose"] for row in tx.all("SELECT purpose FROM services")}
    return [(each, purpose(each)) for each in sorted((answered | set(PURPOSES)) - taken)]


def trunks(tx: Tx) -> list[tuple[str, str]]:
    rows = tx.all("SELECT name, host FROM trunks ORDER BY name")
    return [(row["name"], f"{row['name']} ({row['host']})") for row in rows]


def routes(tx: Tx) -> list[tuple[str, str]]:
    patterns = joined(tx, "SELECT route, pattern FROM route_patterns")
    rows = tx.all("SELECT name FROM routes ORDER BY name")
    return [(row["name"], f"{row['name']}: {patterns.get(row['name'], '')}") for row in rows]
