"""Short codes. One goes to its number in the very context it was dialled in, as if that had been
dialled: it can reach nothing that the phone's permission class may not.

What a code dials at the phones of one extension is a variable of those phones.
"""

from gateway.telephone import text
from gateway.telephone.directory import Directory, Phone
from gateway.telephone.personal import SpeedDial
from gateway.telephone.text import Extension

# Q.850, which a phone is told as 404.
NO_SUCH_NUMBER = 1


def variables(directory: Directory, phone: Phone) -> list[str]:
    """NAME=value for each code of the phone's own extension, as far as its class reaches."""
    return [
        f"{_variable(each)}={text.pattern(each.number)}"
        for each in directory.speed_of.get(phone.number, ())
        if directory.reaches(phone.rights, each.number)
    ]


def codes(directory: Directory, rights: str) -> list[Extension]:
    """Those that phones of a class have: the house's, as far as the class reaches, and their
    own."""
    numbers = {phone.number for phone in directory.phones if phone.rights == rights}
    reached = [each for each in directory.speed if directory.reaches(rights, each.number)]
    own = {each.code for each in reached if each.owner in numbers}
    house = {each.code: each.number for each in reached if not each.owner}
    return [
        Extension(code, _steps(SpeedDial(code, house.get(code, "")), code in own))
        for code in sorted(own | house.keys())
    ]


def _steps(house: SpeedDial, own: bool) -> list[str]:
    variable = f"${{{_variable(house)}}}"
    return [
        *([f'GotoIf($["{variable}" != ""]?{variable},1)'] if own else []),
        f"Goto({text.pattern(house.number)},1)" if house.number else f"Hangup({NO_SUCH_NUMBER})",
    ]


def _variable(dial: SpeedDial) -> str:
    return f"SPEED_{text.word(dial.code.removeprefix('*'))}"
