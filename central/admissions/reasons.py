"""Why a message about a patient's stay waits or was taken with a remark.

Each text is the message id of the screens' catalogues, `%(name)s` placeholders included.
"""

from central.console.marks import N_

# It waits for a person.
UNMAPPED = N_(
    "The location %(code)s is not mapped to one of our beds. Say which bed it is, or that it is"
    " not ours."
)
NO_BED = N_(
    "The location %(code)s is mapped to ward %(ward)s bed %(bed)s, which does not exist. Correct"
    " the mapping."
)
BED_TAKEN = N_(
    "Ward %(ward)s bed %(bed)s is taken by another patient. This message is applied by itself"
    " when the bed becomes free."
)
OLDER = N_(
    "A newer message about this visit was applied before this one came. Apply it anyway, or"
    " set it aside."
)
VISIT_OVER = N_(
    "This visit is over: the patient was discharged or the admission cancelled. Apply it anyway,"
    " or set it aside."
)
NO_TRANSFER = N_(
    "No transfer of this patient is known that could be taken back. Apply it anyway to put the"
    " patient where the message says, or set it aside."
)

# It was taken, with a remark.
UNKNOWN_VISIT = N_("No admission of this visit had been received.")
NOT_OURS = N_("The location %(code)s is not one of our wards.")
NOTHING_TO_DO = N_("The patient was there already: nothing changed.")
NOTHING_TO_END = N_("The visit was not known or over already: nothing changed.")
NOT_DISCHARGED = N_("The patient was not discharged: nothing changed.")
SECOND_ADMISSION = N_(
    "The visit was admitted before, to ward %(ward)s bed %(bed)s: the patient was moved."
)
OTHER_STAY = N_(
    "The same patient also lies in ward %(ward)s bed %(bed)s under another visit. Ask the ward"
    " which is right."
)
DISPLACED = N_("The patient who was in ward %(ward)s bed %(bed)s is now without a bed.")
SUPERSEDED = N_("Message %(id)s, which came later, told where the patient is.")
