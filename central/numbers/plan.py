"""What can be dialled, in order, and what gets in each other's way. No I/O: it is told what the
exchange is told, and keeps no list of its own.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from central.console.marks import N_
from gateway.telephone.directory import Directory, Route
from gateway.telephone.files import features

# Kinds of entries; their words stand in `web.KINDS`.
EXTENSION, RING_GROUP, SERVICE, MENU, ROOM, PARKING = (
    "extension", "ring_group", "service", "menu", "room", "parking",
)  # fmt: skip
FEATURE, SPEED, EMERGENCY, OUTWARD, INBOUND = "feature", "speed", "emergency", "outward", "inbound"
MENU_PURPOSE = "menu_"
EMERGENCY_PURPOSE = "emergency"
# Digits that a character of a route's pattern stands for.
_DIGITS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
# Free numbers are told in blocks as large as this, where anything of the block is given.
BLOCK = 100


@dataclass(frozen=True)
class Words:
    """An English message id with its values."""

    message: str
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Entry:
    """number: as it is dialled; a pattern of a route stands as it is. what: in words, or a name
    that somebody gave. page: (kind, ref) of the directory where it is edited, or None: it is the
    same in every house. more: what else is to be said of it."""

    number: str
    kind: str
    what: Words | str
    page: tuple[str, str] | None = None
    more: tuple[Words, ...] = ()


@dataclass(frozen=True)
class Names:
    """What stands beside the numbers: labels of extensions and rooms by number, places by the
    number that they have, menus that callers can hear."""

    labels: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, Sequence[str]] = field(default_factory=dict)
    menus: frozenset[str] = frozenset()


def entries(house: Directory, names: Names) -> list[Entry]:
    """All of them: digits first, in the order of a telephone book, then what begins with a star."""
    found = [
        *_lines(house, names),
        *_services(house, names),
        *_rooms(house, names),
        *_outward(house),
        *_speed(house, names),
        *_features(house),
    ]
    return sorted(found, key=lambda each: (each.number.startswith("*"), each.number, each.kind))


def _at(names: Names, number: str) -> tuple[Words, ...]:
    """That menus lead to the number by the name of a place."""
    return tuple(Words(each) for each in names.places.get(number, ()))


def _lines(house: Directory, names: Names) -> Iterator[Entry]:
    for line in house.lines:
        n = len(line.devices)
        more = list(_at(names, line.number))
        if n > 1:
            more.append(Words(N_("%(n)s telephones ring together"), {"n": n}))
        if line.number in house.find_of:
            others = [each.number for each in house.find_of[line.number].targets]
            more.append(Words(N_("rings at %(numbers)s, too"), {"numbers": ", ".join(others)}))
        elif not n:
            more.append(Words(N_("no telephone rings for it")))
        if line.mailbox:
            more.append(Words(N_("has a mailbox")))
        yield Entry(
            line.number, RING_GROUP if n > 1 else EXTENSION, names.labels.get(line.number, ""),
            ("extensions", line.number), tuple(more),
        )  # fmt: skip
    for trunk in house.trunks:
        for outside, inside in trunk.inbound:
            words = Words(N_("our number outside, rings %(number)s"), {"number": inside})
            yield Entry(outside, INBOUND, words, ("trunks", trunk.name))


def _services(house: Directory, names: Names) -> Iterator[Entry]:
    for each in house.services:
        kind = SERVICE
        if each.purpose.startswith(MENU_PURPOSE):
            kind = MENU
        elif each.purpose == EMERGENCY_PURPOSE:
            kind = EMERGENCY
        more = _at(names, each.number)
        if each.fallback:
            told = {"numbers": ", ".join(each.fallback)}
            more = (*more, Words(N_("%(numbers)s ring when it is away"), told))
        # The words of a purpose are the page's: menus have titles that the hospital gives.
        yield Entry(each.number, kind, each.purpose, ("services", each.number), more)


def _rooms(house: Directory, names: Names) -> Iterator[Entry]:
    for room in house.rooms:
        more = _at(names, room.number)
        if room.pin:
            more = (*more, Words(N_("asks for a PIN")))
        yield Entry(
            room.number, ROOM, names.labels.get(room.number, ""), ("rooms", room.number), more
        )
    if house.parking is not None:
        page = ("parking", house.parking.number)
        yield Entry(house.parking.number, PARKING, Words(N_("parks a call")), page)
        for place in house.parking.places:
            yield Entry(place, PARKING, Words(N_("takes up the call that is parked there")), page)


def _outward(house: Directory) -> Iterator[Entry]:
    for route in house.routes:
        classes = [each.name for each in house.rights if route.name in each.routes]
        may = Words(N_("for: %(classes)s"), {"classes": ", ".join(classes)})
        if not classes:
            may = Words(N_("no permission class may dial it"))
        for pattern in route.patterns:
            kind = EMERGENCY if route.always else OUTWARD
            yield Entry(pattern, kind, _way(route, pattern), ("routes", route.name), (may,))


def _way(route: Route, pattern: str) -> Words:
    fixed = pattern[: len(pattern) - len(pattern.lstrip("0123456789"))]
    told = {"trunk": route.trunk, "prefix": fixed, "n": len(pattern) - len(fixed)}
    if fixed == pattern:
        return Words(N_("outside over %(trunk)s"), told)
    if not fixed:
        return Words(N_("outside over %(trunk)s: %(n)s digits"), told)
    return Words(N_("outside over %(trunk)s: %(prefix)s and %(n)s digits"), told)


def _speed(house: Directory, names: Names) -> Iterator[Entry]:
    for dial in house.speed:
        more: tuple[Words, ...] = ()
        if dial.owner:
            more = (Words(N_("on the telephones of %(number)s"), {"number": dial.owner}),)
        label = names.labels.get(dial.number, "")
        words = Words(N_("dials %(number)s"), {"number": f"{dial.number} {label}".strip()})
        yield Entry(dial.code, SPEED, words, ("speed-dials", dial.owner), more)


def _features(house: Directory) -> Iterator[Entry]:
    standing = {
        features.PICK_UP: N_("answers a telephone of one's group that rings"),
        features.PICK_UP_AT: N_("and a number: answers what rings there"),
        features.BLIND_TRANSFER: N_("in a call: passes it on at once"),
        features.ATTENDED_TRANSFER: N_("in a call: passes it on after asking"),
        features.ALL_TOGETHER: N_("while passing on: all three together"),
        features.THE_OTHER: N_("while passing on: speaks with the other one"),
    }
    if house.parking is not None:
        standing[features.PARK] = N_("in a call: parks it")
    if house.record_by_key:
        standing[features.RECORD] = N_("in a call: records it, or no more")
    for code, words in standing.items():
        yield Entry(code, FEATURE, Words(words))


# --- what gets in each other's way ---


def clashes(house: Directory, names: Names) -> list[Words]:
    """Each in words, with its numbers."""
    return [
        *_hidden(house),
        *_ambiguous(house),
        *_speed_clashes(house),
        *_begun(house),
        *_lost_menus(house, names),
    ]


def _own(house: Directory) -> list[str]:
    """Every number that the house itself answers."""
    numbers = [each.number for each in house.lines]
    numbers += [each.number for each in house.services]
    numbers += [each.number for each in house.rooms]
    if house.parking is not None:
        numbers += [house.parking.number, *house.parking.places]
    return sorted(numbers)


def _matches(pattern: str, number: str) -> bool:
    return len(pattern) == len(number) and all(
        digit in _DIGITS.get(each, each) for each, digit in zip(pattern, number, strict=True)
    )


def _hidden(house: Directory) -> Iterator[Words]:
    """Numbers outside that nobody can dial, for the house has the same."""
    message = N_("%(number)s is a number of the house, so %(pattern)s outside cannot be dialled"
                 " where it is the same (route %(route)s).")  # fmt: skip
    for route in house.routes:
        for pattern in route.patterns:
            for number in _own(house):
                if _matches(pattern, number):
                    told = {"number": number, "pattern": pattern, "route": route.name}
                    yield Words(message, told)


def overlap(one: str, other: str) -> bool:
    """Whether some number fits both patterns."""
    return len(one) == len(other) and all(
        set(_DIGITS.get(a, a)) & set(_DIGITS.get(b, b)) for a, b in zip(one, other, strict=True)
    )


def _ambiguous(house: Directory) -> Iterator[Words]:
    """Two routes for the same numbers in one class: which is taken is the exchange's choice."""
    message = N_("%(one)s (route %(a)s) and %(other)s (route %(b)s) have numbers in common, and"
                 " %(name)s may dial both.")  # fmt: skip
    routes = {each.name: each for each in house.routes}
    told = set()
    for rights in house.rights:
        mine = [routes[name] for name in rights.routes]
        for n, a in enumerate(mine):
            for b in mine[n + 1 :]:
                for one in a.patterns:
                    for other in b.patterns:
                        if overlap(one, other) and (one, other) not in told:
                            told.add((one, other))
                            values = {"one": one, "other": other, "a": a.name, "b": b.name}
                            yield Words(message, values | {"name": rights.name})


def _speed_clashes(house: Directory) -> Iterator[Words]:
    services = {each.number for each in house.services}
    for dial in house.speed:
        if dial.code in services:
            message = N_("%(code)s is a speed dial and a service: the speed dial is dialled.")
            yield Words(message, {"code": dial.code})
        if not any(house.reaches(each.name, dial.number) for each in house.rights):
            message = N_("The speed dial %(code)s dials %(number)s, which no telephone may dial.")
            yield Words(message, {"code": dial.code, "number": dial.number})


def _begun(house: Directory) -> Iterator[Words]:
    """A telephone that dials digit by digit takes the shorter for the whole."""
    numbers = [each for each in _own(house) if each.isdecimal()]
    for n, short in enumerate(numbers):
        longer = [each for each in numbers[n + 1 :] if each.startswith(short)]
        if longer:
            message = N_("%(short)s is the beginning of %(longer)s: a telephone that sends digits"
                         " one by one reaches the shorter.")  # fmt: skip
            yield Words(message, {"short": short, "longer": ", ".join(longer[:5])})


def _lost_menus(house: Directory, names: Names) -> Iterator[Words]:
    for each in house.services:
        menu = each.purpose.removeprefix(MENU_PURPOSE)
        if each.purpose.startswith(MENU_PURPOSE) and menu not in names.menus:
            message = N_("%(number)s leads to a spoken menu that is not there any more.")
            yield Words(message, {"number": each.number})


# --- what is free ---


def free(house: Directory) -> list[tuple[str, str]]:
    """Ranges of numbers that nobody has, from and to, in those blocks of which something is given;
    without those that a route takes outside."""
    taken = {each for each in _own(house) if each.isdecimal() and len(each) >= 3}
    # Three digits with a 1 first are the world's own: 110, 119, 120.
    taken -= {each for each in taken if len(each) == 3 and each.startswith("1")}
    blocks = sorted({(each[:-2], len(each)) for each in taken})
    patterns = [pattern for route in house.routes for pattern in route.patterns]
    found: list[tuple[str, str]] = []
    for head, length in blocks:
        numbers = (f"{head}{n:02}" for n in range(BLOCK))
        found += _ranges(
            each for each in numbers
            if each not in taken
            and not any(_matches(pattern, each) for pattern in patterns)
            and not any(each.startswith(other) for other in taken if len(other) < length)
        )  # fmt: skip
    return found


def _ranges(numbers: Iterable[str]) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for each in numbers:
        if found and int(found[-1][1]) + 1 == int(each):
            found[-1] = (found[-1][0], each)
        else:
            found.append((each, each))
    return found
