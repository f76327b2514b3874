"""How versions of a box are named and ordered: 1.4.0 comes after 1.3.12."""

MOST_DIGITS = 6


def order(version: str) -> "tuple[int, ...]":
    """Four numbers to compare by. Raises ValueError for what is no version."""
    parts = version.split(".")
    if not 2 <= len(parts) <= 4:
        raise ValueError("a version has two to four numbers, such as 1.4.0: " + repr(version))
    found = []
    for part in parts:
        if not part or len(part) > MOST_DIGITS or any(each not in "0123456789" for each in part):
            raise ValueError("a version has two to four numbers, such as 1.4.0: " + repr(version))
        found.append(int(part))
    return tuple(found + [0] * (4 - len(found)))
