"""What an exchange must know of people and phones: plain data, checked where it is made."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from gateway.telephone import personal
from gateway.telephone.personal import FindMe, SpeedDial

_DEVICE = re.compile(r"[0-9a-f]{12}")
_NUMBER = re.compile(r"[0-9]{2,8}")
_SERVICE = re.compile(r"\*?[0-9]{2,8}")
_OUTSIDE = re.compile(r"[0-9]{2,15}")
_PIN = re.compile(r"([0-9]{4,8})?")
_FIXED = re.compile(r"[0-9XZN]{2,16}")
_HOST = re.compile(r"[0-9A-Za-z.-]{1,64}(:[0-9]{2,5})?")
_CODE = re.compile(r"\*0[0-9]{2}")
_DIALLED = re.compile(r"[0-9]{2,16}")
_SEPARATORS = re.compile(r"[:.\-\s]")


class DirectoryError(ValueError):
    """A directory that contradicts itself or holds what is no number, name or address."""

    error_id = "directory-wrong"


def device_name(hardware_address: str) -> str:
    """The name of a phone by its hardware address: 00:15:65:0A:1B:2C → 0015650a1b2c. A phone is
    never named after its extension, which is what a stranger would try first."""
    name = _SEPARATORS.sub("", hardware_address).lower()
    if not _DEVICE.fullmatch(name):
        raise DirectoryError(f"{hardware_address!r} is no hardware address")
    return name


def extension(number: str) -> str:
    """`number`, if it is one that the house may have. Raises DirectoryError."""
    if not _NUMBER.fullmatch(number):
        raise DirectoryError(f"{number!r} is no extension: 2 to 8 digits")
    return number


def service_number(number: str) -> str:
    """`number`, if it is one that a service may have: a star may come first. Raises
    DirectoryError."""
    if not _SERVICE.fullmatch(number):
        raise DirectoryError(f"{number!r} is no number of a service: 2 to 8 digits, or * before")
    return number


@dataclass(frozen=True)
class Trunk:
    """A line to the world at `host` ("192.0.2.7:5060"). most_calls: outward at once; day_calls and
    day_minutes: outward in one day, 0 is without end; inbound: the numbers under which the world
    knows us, each with the line or service that it rings."""

    name: str
    host: str
    user: str = ""
    password: str = field(default="", repr=False)
    most_calls: int = 4
    inbound: tuple[tuple[str, str], ...] = ()
    day_calls: int = 0
    day_minutes: int = 0

    @property
    def endpoint(self) -> str:
        """What it is called in the exchange, where no phone is called so."""
        return f"trunk-{self.name}"


@dataclass(frozen=True)
class Route:
    """Numbers outside that may be dialled, by patterns of fixed length (X any digit, N 2 to 9, Z 1
    to 9); the first `strip` digits are ours and not passed on. limit_s: a call ends after so long;
    0 is never. always: no cap holds it up, as for the police."""

    name: str
    trunk: str
    patterns: tuple[str, ...]
    strip: int = 0
    limit_s: int = 0
    always: bool = False


@dataclass(frozen=True)
class Rights:
    """A permission class: by which routes a phone of it may dial beyond the house. most_calls,
    day_calls, day_minutes: of all its phones together, as of a trunk; 0 is without end."""

    name: str
    routes: tuple[str, ...] = ()
    most_calls: int = 0
    day_calls: int = 0
    day_minutes: int = 0


# Whether a phone's voice is encrypted (SRTP, its keys told over TLS): not at all; when the phone
# can; or in every call, and it cannot call in clear.
ENCRYPTIONS = ("none", "optional", "required")


@dataclass(frozen=True)
class Phone:
    """A telephone. number: the extension it shows when it calls; groups: the pick-up groups
    whose ringing phones it may answer; lines: calls at once before it counts as busy; encryption:
    one of ENCRYPTIONS."""

    device: str
    password: str = field(repr=False)
    rights: str
    number: str
    name: str = ""
    lang: str = "zh"
    groups: tuple[str, ...] = ()
    lines: int = 2
    encryption: str = "none"


@dataclass(frozen=True)
class Line:
    """An extension of the house and the phones that ring for it, all at once. mailbox: whoever is
    not answered may leave a message."""

    number: str
    devices: tuple[str, ...]
    ring_s: int = 60
    mailbox: bool = False


@dataclass(frozen=True)
class Service:
    """A number that the application answers, told `purpose`. When it is away the lines of
    `fallback` ring instead, all at once; with none the caller hears the congestion tone."""

    number: str
    purpose: str
    fallback: tuple[str, ...] = ()


@dataclass(frozen=True)
class Room:
    """A number whose callers all hear each other. pin: what they must enter before; "" is
    nothing."""

    number: str
    pin: str = field(default="", repr=False)


@dataclass(frozen=True)
class Parking:
    """A call that is passed on to `number` waits at one of `places`, which is told to whoever
    passed it on. Who dials the place has the call. After wait_s it rings where it came from."""

    number: str
    places: tuple[str, ...]
    wait_s: int = 90


# Which way a call goes, as a rule of recording sees it.
WAYS = ("internal", "outward", "inward")


@dataclass(frozen=True)
class Recorded:
    """Calls that are recorded from their beginning: of this extension, from phones of this
    permission class, that go this way; all of what is said, "" is any."""

    id: int
    extension: str = ""
    rights: str = ""
    direction: str = ""


@dataclass(frozen=True)
class Directory:
    """Everything an exchange knows. Raises DirectoryError where it contradicts itself."""

    rights: tuple[Rights, ...] = ()
    phones: tuple[Phone, ...] = ()
    lines: tuple[Line, ...] = ()
    services: tuple[Service, ...] = ()
    trunks: tuple[Trunk, ...] = ()
    routes: tuple[Route, ...] = ()
    rooms: tuple[Room, ...] = ()
    parking: Parking | None = None
    speed: tuple[SpeedDial, ...] = ()
    find: tuple[FindMe, ...] = ()
    recorded: tuple[Recorded, ...] = ()
    record_by_key: bool = False

    def __post_init__(self) -> None:
        self._check_house()
        self._check_outside()
        self._check_personal()

    def _check_house(self) -> None:
        devices = _unique("phone", (each.device for each in self.phones))
        rights = _unique("permission class", (each.name for each in self.rights))
        lines = [each.number for each in self.lines]
        for number in _unique("number", [*lines, *self._others()]):
            service_number(number)
        for number in (*lines, *self._dialled_by_digits()):
            extension(number)
        for phone in self.phones:
            device_name(phone.device)
            extension(phone.number)
            _known(phone.rights, rights, f"permission class of phone {phone.device}")
            _known(phone.encryption, set(ENCRYPTIONS), f"encryption of phone {phone.device}")
        for line in self.lines:
            for device in line.devices:
                _known(device, devices, f"phone of line {line.number}")
        for service in self.services:
            for number in service.fallback:
                _known(number, set(lines), f"fallback of {service.number}")
        for room in self.rooms:
            _matching(_PIN, room.pin, f"PIN of room {room.number}")
        if self.parking is not None:
            _in_a_row(self.parking.places)
        for rule in self.recorded:
            what = f"of recording rule {rule.id}"
            _known(rule.extension, {"", *lines}, f"extension {what}")
            _known(rule.rights, {"", *rights}, f"permission class {what}")
            _known(rule.direction, {"", *WAYS}, f"direction {what}")

    def _others(self) -> Iterable[str]:
        """Every number that is no line's."""
        yield from (each.number for each in self.services)
        yield from self._dialled_by_digits()

    def _dialled_by_digits(self) -> Iterable[str]:
        yield from (each.number for each in self.rooms)
        if self.parking is not None:
            yield from (self.parking.number, *self.parking.places)

    def _check_outside(self) -> None:
        numbers = {each.number for each in self.lines} | {each.number for each in self.services}
        trunks = _unique("trunk", (each.name for each in self.trunks))
        routes = _unique("route", (each.name for each in self.routes))
        for trunk in self.trunks:
            _matching(_HOST, trunk.host, f"address of trunk {trunk.name}")
            for outside, inside in trunk.inbound:
                _matching(_OUTSIDE, outside, f"number of trunk {trunk.name}")
                _known(inside, numbers, f"number that {outside} of trunk {trunk.name} rings")
        for route in self.routes:
            _known(route.trunk, trunks, f"trunk of route {route.name}")
            for pattern in route.patterns:
                _matching(_FIXED, pattern, f"pattern of route {route.name}")
        for rights in self.rights:
            for name in rights.routes:
                _known(name, routes, f"route of permission class {rights.name}")

    def _check_personal(self) -> None:
        lines = {each.number for each in self.lines}
        rights = {each.name for each in self.rights}
        _unique("speed dial", (f"{each.code} of {each.owner or 'all'}" for each in self.speed))
        for dial in self.speed:
            _matching(_CODE, dial.code, "speed dial")
            _matching(_DIALLED, dial.number, f"number of speed dial {dial.code}")
            if dial.owner:
                _known(dial.owner, lines, f"owner of speed dial {dial.code}")
        for owner in _unique("find-me", (each.owner for each in self.find)):
            _known(owner, lines, "extension of a find-me")
        for find in self.find:
            for target in find.targets:
                if not target.hours.days or not set(target.hours.days) <= set(range(7)):
                    raise DirectoryError(f"find-me target of {find.owner} has no day of the week")
                if target.outside:
                    _matching(_DIALLED, target.number, f"find-me target of {find.owner}")
                    _known(find.rights, rights, f"permission class of {find.owner}'s find-me")
                else:
                    _known(target.number, lines, f"find-me target of {find.owner}")
        round_ = personal.loop(personal.passes_on(self.find))
        if round_:
            raise DirectoryError(f"find-me goes round for ever: {' → '.join(round_)}")

    @cached_property
    def mailboxes(self) -> frozenset[str]:
        """The lines that have one."""
        return frozenset(each.number for each in self.lines if each.mailbox)

    @cached_property
    def find_of(self) -> dict[str, FindMe]:
        """Where the person of each extension may be found."""
        return {each.owner: each for each in self.find}

    @cached_property
    def speed_of(self) -> dict[str, tuple[SpeedDial, ...]]:
        """The speed dials of each extension; of "" the house's."""
        found: dict[str, tuple[SpeedDial, ...]] = {}
        for each in self.speed:
            found[each.owner] = (*found.get(each.owner, ()), each)
        return found

    def reaches(self, rights: str, number: str) -> bool:
        """Whether a phone of the class `rights` may dial `number`, in the house or beyond."""
        if number in {*(each.number for each in self.lines), *self._others()}:
            return True
        may = {name for each in self.rights if each.name == rights for name in each.routes}
        patterns = (
            pattern for each in self.routes if each.name in may for pattern in each.patterns
        )
        return any(personal.matches(pattern, number) for pattern in patterns)

    def devices_of(self, numbers: Iterable[str]) -> tuple[str, ...]:
        """The phones of several lines, each once."""
        by_number = {line.number: line.devices for line in self.lines}
        found = [device for number in numbers for device in by_number[number]]
        return tuple(dict.fromkeys(found))


def _unique(what: str, names: Iterable[str]) -> set[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise DirectoryError(f"the {what} {name} stands twice in the directory")
        seen.add(name)
    return seen


def _in_a_row(places: Sequence[str]) -> None:
    first = int(places[0]) if places and places[0].isdecimal() else 0
    if not first or list(places) != [str(first + each) for each in range(len(places))]:
        raise DirectoryError("the places for parked calls are no numbers in a row")


def _known(name: str, known: set[str], what: str) -> None:
    if name not in known:
        raise DirectoryError(f"the {what} is unknown: {name}")


def _matching(shape: "re.Pattern[str]", text: str, what: str) -> None:
    if not shape.fullmatch(text):
        raise DirectoryError(f"the {what} cannot be used: {text!r}")
