"""Why a message about fees waits, or was taken with a remark."""

from central.console.marks import N_

# It waits for a person.
NO_ORIGINAL = N_(
    "%(id)s takes back %(amount)s without naming the charge that it takes back. Ask the sender"
    " for it, or apply the message anyway: then it counts by itself."
)
OTHER_PATIENT = N_(
    "Charge %(id)s was told of patient %(patient)s before. Apply it anyway to move it to this"
    " patient, or set it aside."
)
SETTLED_OTHER = N_(
    "Settlement %(id)s was told of patient %(patient)s before. Apply it anyway to move it to this"
    " patient, or set it aside."
)
NOT_A_SUM = N_(
    "The settlement's parts do not sum to its whole of %(amount)s. Ask the sender which is right;"
    " until then the estimate stands."
)

# It was taken, with a remark.
UNKNOWN_PATIENT = N_("Patient %(patient)s is not known yet; it is kept under this number.")
WAITS = N_(
    "%(id)s takes back charge %(original)s, which has not come yet. It counts as soon as the"
    " charge is here."
)
NOT_HIS = N_(
    "%(id)s takes back charge %(original)s of another patient. It does not count until one of"
    " both is corrected."
)
TOO_MUCH = N_("More was taken back of charge %(id)s than was charged.")
OLDER = N_("A newer message told of %(id)s before this one came: nothing changed.")
REPLACED = N_("%(id)s had been told differently before; what this message says counts.")
