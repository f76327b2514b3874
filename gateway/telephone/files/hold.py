"""What somebody hears who is kept waiting: held, parked, or the first in a conference room."""

from gateway.telephone import text
from gateway.telephone.exchange import INSIDE
from gateway.telephone.text import Section

# The folder of its sounds, beside all the others; Asterisk plays whatever is in it, in turn.
FOLDER = "sounds/hold"
# Asterisk's own name for what is heard where nothing else was asked for.
CLASS = "default"


def musiconhold_conf() -> str:
    return text.file(
        Section("general"),
        Section(CLASS, [("mode", "files"), ("directory", f"{INSIDE}/{FOLDER}")]),
    )
