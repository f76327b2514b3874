"""What the directory holds, kind by kind; the pages are the same for all of them (`web.py`)."""

from central.directory.kinds.beyond import CLASSES, ROUTES, TRUNKS
from central.directory.kinds.desks import DESKS
from central.directory.kinds.facilities import MAILBOXES, PARKING, ROOMS
from central.directory.kinds.find_me import FIND_ME
from central.directory.kinds.people import EXTENSIONS, PEOPLE
from central.directory.kinds.phones import GROUPS, PHONES
from central.directory.kinds.places import PLACES
from central.directory.kinds.services import SERVICES
from central.directory.kinds.speed_dials import SPEED_DIALS

KINDS = {
    each.path: each
    for each in (
        PEOPLE,
        EXTENSIONS,
        PHONES,
        GROUPS,
        MAILBOXES,
        ROOMS,
        PARKING,
        SERVICES,
        PLACES,
        SPEED_DIALS,
        FIND_ME,
        DESKS,
        CLASSES,
        TRUNKS,
        ROUTES,
    )
}
# The page of a thing, by what the audit calls it.
BY_CODE = {each.code: each.path for each in KINDS.values()}
