"""What a phone can do by keys alone during a call, and how a ringing one is picked up."""

from gateway.telephone import text
from gateway.telephone.text import Section

# Picks up whatever rings in a group of the phone's own.
PICK_UP = "*8"
# Before a number: picks up what rings there, if that is in a group of the phone's own.
PICK_UP_AT = "**"
BLIND_TRANSFER = "*2"
ATTENDED_TRANSFER = "*3"
PARK = "*7"
# The call is recorded from now on, or no more.
RECORD = "*1"
# Of who speaks with a third one before passing the call on: all three hear each other, and may so
# become four; or he speaks with the other one again.
ALL_TOGETHER = "*4"
THE_OTHER = "*5"
# Between two keys of these. Of itself the exchange gives one second, which is short for somebody
# who looks for the key.
NEXT_KEY_WITHIN_MS = 2_500


def features_conf() -> str:
    return text.file(
        Section(
            "general",
            [
                ("pickupexten", PICK_UP),
                ("featuredigittimeout", str(NEXT_KEY_WITHIN_MS)),
                ("atxferthreeway", ALL_TOGETHER),
                ("atxferswap", THE_OTHER),
            ],
        ),
        Section(
            "featuremap",
            [
                ("blindxfer", BLIND_TRANSFER),
                ("atxfer", ATTENDED_TRANSFER),
                ("parkcall", PARK),
                ("automixmon", RECORD),
            ],
        ),
    )
