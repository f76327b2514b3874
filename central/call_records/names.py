"""What records hold as codes, in words."""

from central.call_records import joining
from central.console.marks import N_

DIRECTIONS = {
    joining.INTERNAL: N_("within the house"),
    joining.OUTWARD: N_("to outside"),
    joining.INWARD: N_("from outside"),
    joining.SERVICE: N_("to Wardline"),
    joining.NOTICE: N_("from Wardline"),
}
RESULTS = {
    joining.ANSWERED: N_("answered"),
    joining.BUSY: N_("busy"),
    joining.NO_ANSWER: N_("nobody answered"),
    joining.CANCELLED: N_("caller gave up"),
    joining.UNREACHABLE: N_("not reachable"),
    joining.FAILED: N_("failed"),
}
# Routes and services have names that the hospital gives; those that are usual have words.
ROUTES = {
    "city": N_("city calls"),
    "local": N_("city calls"),
    "mobile": N_("mobile phones"),
    "long-distance": N_("long distance"),
    "national": N_("long distance"),
    "international": N_("abroad"),
    "premium": N_("numbers at extra cost"),
    "emergency": N_("emergency numbers"),
}
PURPOSES = {
    "broadcast": N_("announcement by phone"),
    "broadcast_urgent": N_("urgent announcement by phone"),
    "emergency": N_("emergency number"),
    "desk": N_("log in at a phone"),
    "voicemail": N_("voicemail"),
}
