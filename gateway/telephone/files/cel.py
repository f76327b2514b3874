"""What the exchange writes down of each call: one JSON object a line, appended to one file.

A file and no database: Asterisk opens it anew for each line, so it can be put aside under another
name at any moment and nobody waits for a lock; a line that is written is there though both programs
die. Of cel_sqlite3_custom five failed tries to write lose the event, and each costs a sync.
"""

from gateway.telephone import text
from gateway.telephone.text import Section

# In the exchange's folder.
WRITTEN = "log/cel-custom/calls.json"
EVENTS = (
    "CHAN_START",
    "CHAN_END",
    "ANSWER",
    "HANGUP",
    "APP_START",
    "BRIDGE_ENTER",
    "BRIDGE_EXIT",
    "BLINDTRANSFER",
    "ATTENDEDTRANSFER",
    "PICKUP",
)
# Applications whose start is written down.
APPLICATIONS = ("stasis",)
# No names of callers, and no arguments: a person's keys may be among these.
FIELDS = (
    "EventType",
    "EventTime",
    "Num",
    "Exten",
    "Context",
    "ChanName",
    "AppName",
    "UniqueID",
    "LinkedID",
    "EventExtra",
)


def cel_conf() -> str:
    return text.file(
        Section(
            "general",
            [
                ("enable", "yes"),
                ("apps", ",".join(APPLICATIONS)),
                ("events", ",".join(EVENTS)),
            ],
        )
    )


def cel_custom_conf() -> str:
    name = WRITTEN.rpartition("/")[2]
    return text.file(Section(name, [("format", "json"), ("fields", ",".join(FIELDS))]))
