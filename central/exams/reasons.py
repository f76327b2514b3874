"""Why a message about an examination waits or was taken with a remark."""

from central.console.marks import N_

# It waits for a person.
UNMAPPED_ROOM = N_(
    "The examination room %(code)s is not mapped to one of our rooms. Say which room it is, or"
    " that it is not ours."
)
NO_NUMBER = N_("The message names neither a booking nor an order, so its examination is unknown.")
OTHER_PATIENT = N_(
    "The booking %(booking)s belongs to patient %(patient)s. Apply it anyway to give it to the"
    " patient of this message, or set it aside."
)

# It was taken, with a remark.
OLDER = N_("A newer message about this examination was applied before this one came.")
NOTHING_NEW = N_("The same was told before: nothing changed.")
NOT_OUR_ROOM = N_("The examination room %(code)s is not one of ours.")
NO_TIME = N_("No time or no room was told yet, so no number is given.")
GONE_ON = N_("The examination is under way or done, as its room says: that stays so.")
