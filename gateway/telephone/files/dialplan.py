"""extensions.conf: who may dial what, and what rings.

Every number of the house stands in it as itself: nothing that somebody dials is ever put into a
command, but for the digits of a number outside. Who calls from outside reaches the numbers named
for him and no other, so never a line to the world. A number that the application answers rings
telephones by itself when the application is away, or dies while it has the call.
"""

from gateway.telephone import text
from gateway.telephone.directory import Directory, Line, Rights, Route, Trunk
from gateway.telephone.exchange import APP, TAKE_BACK, TAKE_BACK_S, TO_BE_HELD, Exchange
from gateway.telephone.files import (
    findme,
    limits,
    mailboxes,
    outward,
    parking,
    picking_up,
    recording,
    rooms,
    services,
    speed,
)
from gateway.telephone.files.findme import from_phones, together
from gateway.telephone.text import Context, Extension

LINES = "lines"
# What every phone of the house may dial beside them.
IN_THE_HOUSE = (picking_up.CONTEXT, rooms.CONTEXT)
# Where spoken menus put callers through to, wherever these call from: never outside.
MENUS = "menus"
# Where a caller goes whom nobody answers, if a menu has set BACK: to the application, told
# UNANSWERED, and not into a mailbox.
UNANSWERED, BACK = "menu_unanswered", "WARDLINE_BACK"
OUTSIDE_RING_S = 90
# The longest that can be dialled, as of `Route`.
MOST_DIALLED = 17
# Q.850, which a phone is told as 403.
CALL_REJECTED = 21


def from_encrypted(rights: str) -> str:
    """The context of those phones of the class that may not call in clear."""
    return f"encrypted-{text.word(rights)}"


def from_trunk(name: str) -> str:
    """The context that calls from outside come into; no permission class has one of this name."""
    return f"inbound-{text.word(name)}"


def extensions_conf(exchange: Exchange, directory: Directory) -> str:
    trunks = {each.name: each for each in directory.trunks}
    inside = {each.number: services.CONTEXT for each in directory.services}
    must_encrypt = {each.rights for each in directory.phones if each.encryption == "required"}
    return text.file(
        *(_from_phones(directory, each) for each in directory.rights),
        *(_from_encrypted(each) for each in sorted(must_encrypt)),
        *(_from_trunk(each, inside) for each in directory.trunks),
        *(_route(directory, each, trunks[each.trunk]) for each in directory.routes),
        *(outward.caps(from_phones(each.name), each) for each in directory.rights),
        *outward.counting(exchange.timezone),
        *services.contexts(directory),
        Context(LINES, [_line(exchange, directory, each) for each in directory.lines]),
        Context(MENUS, [], (services.CONTEXT, LINES, rooms.CONTEXT)),
        _unanswered(),
        findme.reach(exchange, directory),
        *picking_up.contexts(directory),
        *rooms.contexts(directory),
        *mailboxes.contexts(directory),
        *recording.contexts(directory),
        include="extensions_local.conf",
    )


def _from_phones(directory: Directory, rights: Rights) -> Context:
    outside = [f"route-{text.word(name)}" for name in rights.routes]
    house = (services.CONTEXT, LINES, *IN_THE_HOUSE, *parking.includes(directory))
    codes = speed.codes(directory, rights.name)
    return Context(from_phones(rights.name), codes, (*house, *outside))


def _from_encrypted(rights: str) -> Context:
    """Whatever is dialled goes on to the class's own context, but not from a phone whose
    signalling comes in clear."""
    steps: list[str | tuple[str, str]] = [
        'GotoIf($["${CHANNEL(pjsip,secure)}" = "1"]?secure)',
        f"Hangup({CALL_REJECTED})",
        ("secure", f"Goto({from_phones(rights)},${{FILTER(0-9*#,${{EXTEN}})}},1)"),
    ]
    lengths = range(1, MOST_DIALLED)
    patterns = [f"_{first}{'X' * more}" for more in lengths for first in ("X", "*", "**")]
    return Context(from_encrypted(rights), [Extension(each, steps) for each in patterns])


def _from_trunk(trunk: Trunk, inside: dict[str, str]) -> Context:
    """A caller from outside may say who he is, but not that he is one of the house: his name is
    not shown, and a number of ours neither."""
    stranger: list[str | tuple[str, str]] = [
        "Set(CALLERID(name)=)",
        "Set(CALLERID(num)=${FILTER(0-9+,${CALLERID(num)})})",
        f"GotoIf($[{_is_one_of(LINES)} + {_is_one_of(services.CONTEXT)} = 0]?told)",
        "Set(CALLERID(num)=anonymous)",
    ]
    numbers = [
        Extension(
            outside,
            [*stranger, ("told", f"Goto({inside.get(number, LINES)},{text.pattern(number)},1)")],
        )
        for outside, number in trunk.inbound
    ]
    return Context(from_trunk(trunk.name), numbers)


def _is_one_of(context: str) -> str:
    """1 when the caller's number stands in that context."""
    return f"0${{DIALPLAN_EXISTS({context},${{CALLERID(num)}},1)}}"


def _route(directory: Directory, route: Route, trunk: Trunk) -> Context:
    name = text.word(trunk.endpoint)
    digits = f"${{FILTER(0-9,${{EXTEN:{route.strip}}})}}"
    dial = f"Dial(PJSIP/{digits}@{name},{OUTSIDE_RING_S},"
    may = recording.may(directory)
    if route.always:
        limit = f"L({route.limit_s * 1000})" if route.limit_s else ""
        steps: list[str | tuple[str, str]] = [f"{dial}{limit})", "Hangup(${HANGUPCAUSE})"]
    else:
        steps = [
            limits.check("full"),
            outward.ask(trunk),
            'GotoIf($["${NO_ROOM}" != ""]?full)',
            *recording.ask(directory, "", "outward"),
            f"{dial}{may}{outward.limit(route.limit_s)}{outward.leg(trunk)})",
            "Hangup(${HANGUPCAUSE})",
            ("full", 'GotoIf($["${NO_ROOM}" = ""]?congested)'),
            f"Set({TAKE_BACK}={outward.REFUSAL_S})",
            f"Stasis({APP},{outward.REFUSED},${{NO_ROOM}},${{NO_ROOM_FOR}})",
            f"Set({TAKE_BACK}=0)",
            ("congested", "Congestion(10)"),
        ]
    return Context(
        f"route-{text.word(route.name)}",
        [Extension(f"_{pattern}", steps) for pattern in route.patterns],
    )


def _line(exchange: Exchange, directory: Directory, line: Line) -> Extension:
    number = text.pattern(line.number)
    message = mailboxes.otherwise(line)
    # Who calls from outside may not pass himself on: MAY is of our phones alone.
    options = f"tk{recording.called_may(directory)}${{MAY}}"
    rings = findme.rings(exchange, directory, line, options=options)
    back = f'GotoIf($["${{{BACK}}}" != ""]?{UNANSWERED},s,1)'
    if not rings:
        return Extension(number, [back, message or "Congestion(10)"])
    busy = ['GotoIf($["${DIALSTATUS}" = "BUSY"]?busy)', "Hangup(${HANGUPCAUSE})"]
    return Extension(
        number,
        [
            limits.check("many"),
            *recording.ask(directory, number),
            *rings,
            *([] if message else [back, *busy]),
            ("busy", back),
            message or "Busy(10)",
            ("many", "Congestion(10)"),
        ],
        hint=together(line.devices),
    )


def _unanswered() -> Context:
    """Should the application be away by then, or die over it, the call ends with an apology."""
    steps: list[str | tuple[str, str]] = [
        f"Set({BACK}=)",
        f"Set({TAKE_BACK}={TAKE_BACK_S})",
        f"Stasis({APP},{UNANSWERED},{TO_BE_HELD})",
        ("away", f"Set({TAKE_BACK}=0)"),
        f"Playback({services.LATER})",
        "Hangup()",
    ]
    return Context(UNANSWERED, [Extension("s", steps), Extension("T", ["Goto(s,away)"])])
