"""Why a call is not what was asked of it."""


class NoSuchCallError(LookupError):
    """There is no call of this number."""

    error_id = "no-such-call"


class CallEndedError(Exception):
    """Somebody has been at the bed already: the call is over."""

    error_id = "call-ended"


class RemoteEndRefusedError(Exception):
    """Only presence at the bed ends a call: nobody has spoken with the patient from here."""

    error_id = "remote-end-refused"


class UnknownWardError(LookupError):
    """There is no ward of this name."""

    error_id = "unknown-ward"
