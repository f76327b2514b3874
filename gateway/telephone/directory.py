"""What an exchange must know of people and phones: plain data, checked where it is made."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

_DEVICE = re.compile(r"[0-9a-f]{12}")
_NUMBER = re.compile(r"[0-9]{2,8}")
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


@dataclass(frozen=True)
class Rights:
    """A permission class: what a phone of it may dial beyond the numbers of the house."""

    name: str


@dataclass(frozen=True)
class Phone:
    """A telephone. number: the extension it shows when it calls; groups: the pick-up groups
    whose ringing phones it may answer; lines: calls at once before it counts as busy."""

    device: str
    password: str = field(repr=False)
    rights: str
    number: str
    name: str = ""
    lang: str = "zh"
    groups: tuple[str, ...] = ()
    lines: int = 2


@dataclass(frozen=True)
class Line:
    """An extension of the house and the phones that ring for it, all at once."""

    number: str
    devices: tuple[str, ...]
    ring_s: int = 60


@dataclass(frozen=True)
class Service:
    """A number that the application answers, told `purpose`. When it is away the lines of
    `fallback` ring instead, all at once; with none the caller hears the congestion tone."""

    number: str
    purpose: str
    fallback: tuple[str, ...] = ()


@dataclass(frozen=True)
class Directory:
    """Everything an exchange knows. Raises DirectoryError where it contradicts itself."""

    rights: tuple[Rights, ...] = ()
    phones: tuple[Phone, ...] = ()
    lines: tuple[Line, ...] = ()
    services: tuple[Service, ...] = ()

    def __post_init__(self) -> None:
        devices = _unique("phone", (each.device for each in self.phones))
        rights = _unique("permission class", (each.name for each in self.rights))
        lines = [each.number for each in self.lines]
        for number in _unique("number", [*lines, *(each.number for each in self.services)]):
            extension(number)
        for phone in self.phones:
            device_name(phone.device)
            extension(phone.number)
            _known(phone.rights, rights, f"permission class of phone {phone.device}")
        for line in self.lines:
            for device in line.devices:
                _known(device, devices, f"phone of line {line.number}")
        for service in self.services:
            for number in service.fallback:
                _known(number, set(lines), f"fallback of {service.number}")

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


def _known(name: str, known: set[str], what: str) -> None:
    if name not in known:
        raise DirectoryError(f"the {what} is unknown: {name}")
