"""What belongs to one extension, at whichever telephone its person sits: plain data."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

DAY_MIN = 24 * 60
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
FIND_S = 20
# Extensions that pass a call on to one another, the first included.
LONGEST_CHAIN = 4


@dataclass(frozen=True)
class SpeedDial:
    """A short code ("*012") that dials `number`. owner: the extension whose phones have it; "" is
    every phone of the house."""

    code: str
    number: str
    owner: str = ""


@dataclass(frozen=True)
class Hours:
    """A time of day from `begin_min` until just before `end_min`, minutes after midnight (a night
    ends before it begins), on `days` of the week, Monday 0."""

    begin_min: int = 0
    end_min: int = DAY_MIN
    days: tuple[int, ...] = tuple(range(7))

    @property
    def always(self) -> bool:
        return self.begin_min % DAY_MIN == self.end_min % DAY_MIN and len(set(self.days)) == 7


@dataclass(frozen=True)
class Target:
    """Where somebody may be found. outside: `number` is one of the world, as it is dialled from a
    phone of the owner's permission class. ring_s: how long it is tried, in turn."""

    number: str
    hours: Hours = Hours()
    ring_s: int = FIND_S
    outside: bool = False


@dataclass(frozen=True)
class FindMe:
    """Where else a call for the extension `owner` rings: together with its own phones, or after
    them in turn. rights: the permission class by which it dials outside."""

    owner: str
    targets: tuple[Target, ...]
    together: bool = False
    rights: str = ""


def matches(pattern: str, number: str) -> bool:
    """Whether `number` is one of a pattern of fixed length (X any digit, Z 1 to 9, N 2 to 9)."""
    return len(pattern) == len(number) and all(map(_fits, pattern, number))


def _fits(sign: str, digit: str) -> bool:
    return digit.isdecimal() and (
        sign == digit or digit >= {"X": "0", "Z": "1", "N": "2"}.get(sign, ":")
    )


def loop(passes_on: Mapping[str, Collection[str]]) -> tuple[str, ...]:
    """A way round in which calls would be passed on for ever, its first number again at its end;
    () where there is none. passes_on: for each extension those it passes calls on to."""
    done: set[str] = set()
    for start in passes_on:
        found = _loop_from((start,), passes_on, done)
        if found:
            return found
    return ()


def _loop_from(
    way: tuple[str, ...], passes_on: Mapping[str, Collection[str]], done: set[str]
) -> tuple[str, ...]:
    if way[-1] in done:
        return ()
    for each in passes_on.get(way[-1], ()):
        if each in way:
            return (*way[way.index(each) :], each)
        found = _loop_from((*way, each), passes_on, done)
        if found:
            return found
    done.add(way[-1])
    return ()


def chain(passes_on: Mapping[str, Collection[str]], start: str) -> tuple[str, ...]:
    """The longest way of a call from `start`, where there is no loop."""
    ways = (chain(passes_on, each) for each in passes_on.get(start, ()))
    return (start, *max(ways, key=len, default=()))


def passes_on(find: Iterable[FindMe]) -> dict[str, tuple[str, ...]]:
    """For each extension those it passes calls on to, whatever the hour."""
    return {
        each.owner: tuple(target.number for target in each.targets if not target.outside)
        for each in find
    }


def without_loops(find: Iterable[FindMe]) -> tuple[tuple[FindMe, ...], tuple[tuple[str, ...], ...]]:
    """`find` less every target that closes a loop, and those loops. Rows that somebody changed by
    hand shall cost one target, not the directory."""
    kept: list[FindMe] = []
    loops: list[tuple[str, ...]] = []
    for each in find:
        targets: list[Target] = []
        for target in each.targets:
            trial = FindMe(each.owner, (*targets, target))
            found = loop(passes_on([*kept, trial]))
            if found:
                loops.append(found)
            else:
                targets.append(target)
        kept.append(FindMe(each.owner, tuple(targets), each.together, each.rights))
    return tuple(kept), tuple(loops)
