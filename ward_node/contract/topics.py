"""Every MQTT topic of Wardline, built and taken apart here and nowhere else.

    wardline/1/<ward>/<node>/<kind>

`1` is the protocol version. State is retained; events, commands and alarms never are.
"""

ROOT = "wardline"
VERSION = 1

# The node name that stands for "every node of this ward", and the ward for "every ward".
ALL = "all"
# The node name under which central speaks of itself inside a ward.
CENTRAL = "central"

# From a node
STATE = "state"  # retained: birth (ready), will (lost), clean end (stopped)
BEDS = "beds"  # retained: what each bed is doing, for reconciliation
HEARTBEAT = "heartbeat"
EVENT = "event"
ACK = "ack"
LOG = "log"  # an excerpt of the box's log, which central asked for

# To a node
CONFIG = "config"  # retained
COMMAND = "command"
RECEIPT = "receipt"
CLOCK = "clock"  # to ALL nodes of a ward, QoS 0
VOICE = "voice"  # the same: somebody who speaks now, in blocks of sound

# Between central's own processes
CHANGED = "changed"

FROM_NODE = (STATE, BEDS, HEARTBEAT, EVENT, ACK, LOG)
TO_NODE = (CONFIG, COMMAND, RECEIPT, CLOCK, VOICE)
# What central says to all boxes of a ward at once.
TO_ALL = (CLOCK, VOICE)
# What a station hears of the other boxes of its ward, to act for central when that is away.
HEARD_BY_STATION = (EVENT, BEDS, RECEIPT)
KINDS = FROM_NODE + TO_NODE + (CHANGED,)
RETAINED = (STATE, BEDS, CONFIG)
# Seconds after which a broker may drop what it could not hand on. A node sends an event again,
# older and perhaps over by then, until it is receipted: copies piling up in a broker that is cut
# off would all arrive at its return, saying that it happened just now.
EXPIRY_S = {EVENT: 3, VOICE: 2}
# What of these comes late is worthless, so nothing may queue it.
AT_MOST_ONCE = (HEARTBEAT, CLOCK, VOICE)


def topic(ward: str, node: str, kind: str) -> str:
    """The topic of `kind` for one node. Raises ValueError for an unknown kind or a name
    that would change the topic's shape."""
    if kind not in KINDS:
        raise ValueError("unknown message kind: " + kind)
    for name in (ward, node):
        if not name or "/" in name or "+" in name or "#" in name:
            raise ValueError("a ward or node name may not be empty or hold / + #: " + name)
    return "/".join((ROOT, str(VERSION), ward, node, kind))


def every(kind: str) -> str:
    """The subscription filter for `kind` from all nodes of all wards."""
    return "/".join((ROOT, str(VERSION), "+", "+", kind))


def of_ward(ward: str, kind: str) -> str:
    """The subscription filter for `kind` from, or to, all nodes of one ward."""
    return "/".join((ROOT, str(VERSION), ward, "+", kind))


def parse(text: str) -> "tuple[str, str, str]":
    """(ward, node, kind) of a topic. Raises ValueError with the reason."""
    parts = text.split("/")
    if len(parts) != 5 or parts[0] != ROOT:
        raise ValueError("not a Wardline topic: " + text)
    if parts[1] != str(VERSION):
        raise ValueError("protocol version " + parts[1] + " is not spoken here: " + text)
    if parts[4] not in KINDS:
        raise ValueError("unknown message kind: " + parts[4])
    return parts[2], parts[3], parts[4]


def qos(kind: str) -> int:
    """The MQTT quality of service of a kind."""
    return 0 if kind in AT_MOST_ONCE else 1


def retained(kind: str) -> bool:
    return kind in RETAINED
