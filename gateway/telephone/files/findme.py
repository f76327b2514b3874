"""The steps that ring a line: its own phones, and where else its person may be found by the hour.

Asterisk goes by the clock itself, so it all works while the application is away. Whoever is looked
for elsewhere is rung by way of the context REACH, where his own find-me goes on and no voicemail
answers; a number outside by way of the owner's permission class, so never past it.
"""

from collections.abc import Iterable, Sequence

from gateway.telephone import text
from gateway.telephone.directory import Directory, Line
from gateway.telephone.exchange import Exchange
from gateway.telephone.personal import DAY_MIN, DAYS, LONGEST_CHAIN, FindMe, Hours, Target
from gateway.telephone.text import Context, Extension

REACH = "reach"
Step = str | tuple[str, str]


def from_phones(rights: str) -> str:
    """The context that phones of a permission class dial in."""
    return f"from-{text.word(rights)}"


def endpoint(device: str) -> str:
    return f"PJSIP/{text.word(device)}"


def together(devices: Sequence[str]) -> str:
    return "&".join(map(endpoint, devices))


def reach(exchange: Exchange, directory: Directory) -> Context:
    """The lines that others are found at."""
    wanted = {
        target.number for find in directory.find for target in find.targets if not target.outside
    }
    lines = [line for line in directory.lines if line.number in wanted]
    return Context(REACH, [_reached(exchange, directory, line) for line in lines])


def _reached(exchange: Exchange, directory: Directory, line: Line) -> Extension:
    return Extension(
        line.number,
        [
            # No directory has a loop; should one ever have, this ends it.
            "Set(__PASSED_ON=$[0${PASSED_ON} + 1])",
            f"GotoIf($[${{PASSED_ON}} >= {LONGEST_CHAIN}]?nobody)",
            *rings(exchange, directory, line, options=""),
            "GotoIf($[0${HANGUPCAUSE} = 0]?nobody)",
            "Hangup(${HANGUPCAUSE})",
            ("busy", "Hangup(17)"),
            ("nobody", "Hangup(20)"),
        ],
    )


def rings(exchange: Exchange, directory: Directory, line: Line, *, options: str) -> list[Step]:
    """The steps that ring `line`. Whoever they do not put through goes on behind them, or at the
    step "busy". A phone that has as many calls as it may is left out. None when nothing could ever
    ring."""
    find = directory.find_of.get(line.number, FindMe(line.number, ()))
    if not line.devices and not find.targets:
        return []
    free = [
        f'Set(FREE=${{FREE}}${{IF($["${{DEVICE_STATE({each})}}" != "BUSY"]?&{each})}})'
        for each in map(endpoint, line.devices)
    ]
    turns: list[Step] = []
    for target in find.targets:
        leg = _leg(find, target)
        if find.together:
            free += _at(exchange, target.hours, f"Set(FREE=${{FREE}}&{leg})")
        else:
            turns += _at(exchange, target.hours, f"Dial({leg},{target.ring_s},{options})")
    if turns:
        turns.insert(0, ("elsewhere", "NoOp()"))
    return [
        f"Set(_PICKUPMARK={text.pattern(line.number)})",
        "Set(FREE=)",
        *free,
        f'GotoIf($["${{FREE}}" = ""]?{"elsewhere" if turns else "busy"})',
        f"Dial(${{FREE:1}},{line.ring_s},{options})",
        *turns,
    ]


def _leg(find: FindMe, target: Target) -> str:
    number = text.pattern(target.number)
    if target.outside:
        # /n: a limit of the call's length is kept by the channel that the way outside began on.
        return f"Local/{number}@{from_phones(find.rights)}/n"
    return f"Local/{number}@{REACH}"


def _at(exchange: Exchange, hours: Hours, application: str) -> Iterable[str]:
    """The step, done in those hours of the hospital only."""
    if hours.always:
        return [application]
    zone = exchange.timezone
    return [f"ExecIfTime({each},*,*,{zone}?{application})" for each in _spans(hours)]


def _spans(hours: Hours) -> Iterable[str]:
    """As Asterisk writes them: both ends are within, and a night's morning is of the next day."""
    days = sorted(set(hours.days))
    begin, end = hours.begin_min % DAY_MIN, hours.end_min % DAY_MIN or DAY_MIN
    if begin < end:
        yield f"{_clock(begin)}-{_clock(end - 1)},{_week(days)}"
        return
    yield f"{_clock(begin)}-23:59,{_week(days)}"
    yield f"00:00-{_clock(end - 1)},{_week([(day + 1) % 7 for day in days])}"


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _week(days: Sequence[int]) -> str:
    return "&".join(DAYS[day] for day in sorted(days))
