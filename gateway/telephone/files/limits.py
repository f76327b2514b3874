"""How many calls one telephone may have in the exchange: one that is broken, or in wrong hands,
must not take up the whole of it."""

MOST_OF_A_PHONE = 10
# The group that every call of a phone is in, by the phone.
GROUP = "phone"


def counted(device: str) -> str:
    """The variable of an endpoint that lets its calls be counted."""
    return f"GROUP({GROUP})={device}"


def check(label: str) -> str:
    """The step that goes to `label` when the phone that calls has too many calls."""
    mine = f"${{GROUP_COUNT(${{GROUP({GROUP})}}@{GROUP})}}"
    return f'GotoIf($["${{GROUP({GROUP})}}" != "" & {mine} > {MOST_OF_A_PHONE}]?{label})'
