"""Why a message waits or was taken with a remark, whatever it is about. The rules of each
capability have their own.

Each text is the message id of the screens' catalogues, `%(name)s` placeholders included.
"""

from central.console.marks import N_

MISTAKE = N_("Applying it failed by a mistake of ours: %(detail)s. Tell Wardline's makers.")
UNUSED = N_(
    "Nothing here uses messages of this kind yet. It is applied by itself when something does."
)
SAME_ID = N_("The sender used the control id %(id)s before, for a different message.")
SET_ASIDE = N_("Set aside by %(by)s.")
PURGED = N_("The text of this message is no longer kept, so it cannot be applied again.")
CUT = N_(
    "Only the first %(kept)s of its %(size)s bytes are kept, so it cannot be applied again. Let"
    " the sender send it again."
)
