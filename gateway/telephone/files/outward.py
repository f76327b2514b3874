"""How much may be called outside: at once and in one day, by trunk and by permission class.

The exchange counts by itself, in its own database, so that the caps hold while the application is
away and over a restart. What is counted is the call's end at the trunk, from answer to hang-up,
whoever is connected to it by then. One lock makes asking and counting one step.
"""

import re

from gateway.telephone import text
from gateway.telephone.directory import Rights, Trunk
from gateway.telephone.text import Context, Extension

# Told to the application with who has no room left ("trunk-NAME", "from-CLASS"), and for what: one
# of WHY.
REFUSED = "outward_refused"
# The application has so long to tell him, should it die over it.
REFUSAL_S = 60
WHY = ("at_once", "calls", "minutes")
FAMILY = "outward"
# No call outside lasts longer, whoever forgets to hang up.
LONGEST_S = 24 * 3600
_ZONE = re.compile(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*")


def ask(trunk: Trunk) -> str:
    """The step that sets NO_ROOM and NO_ROOM_FOR, or counts one call and sets LEFT_S. The class is
    that of the context in which the number was dialled; in any other the call ends here."""
    return f"Gosub(caps-${{CONTEXT}},s,1({_caps(trunk.endpoint, trunk)}))"


def limit(route_s: int) -> str:
    """The option of Dial that ends the call at the route's limit or the day's, in ms."""
    own = route_s or LONGEST_S
    return f"L($[${{LEFT_S}} < {own} ? ${{LEFT_S}} :: {own}]000)"


def leg(trunk: Trunk) -> str:
    """The options of Dial that count the call's end at the trunk."""
    return f"b(outward^leg^1({text.word(trunk.endpoint)}^${{CONTEXT}}))U(outward-answered)"


def caps(context: str, rights: Rights) -> Context:
    """What `ask` goes through for those who dial in `context`."""
    trunk = ",".join(f"${{ARG{each}}}" for each in range(1, 5))
    asked = f"Gosub(outward,room,1({trunk},{_caps(context, rights)}))"
    return Context(f"caps-{text.word(context)}", [Extension("s", [asked, "Return()"])])


def _caps(name: str, capped: Trunk | Rights) -> str:
    figures = (capped.most_calls, capped.day_calls, capped.day_minutes * 60)
    return ",".join((text.word(name), *map(str, figures)))


def counting(timezone: str) -> list[Context]:
    """What all of it is counted by, once in the dial plan."""
    if not _ZONE.fullmatch(timezone):
        raise text.UnsafeTextError(f"{timezone!r} is no time zone such as Asia/Shanghai")
    return [
        Context(
            "outward",
            [
                Extension("room", _room(timezone)),
                Extension("has", _has()),
                Extension("leg", _leg()),
                Extension("ended", _ended()),
            ],
        ),
        Context("outward-answered", [Extension("s", ["Set(ANSWERED_AT=${EPOCH})", "Return()"])]),
    ]


Steps = list[str | tuple[str, str]]


def _room(timezone: str) -> Steps:
    """Of ARG1 and its caps ARG2 to ARG4 (at once, calls, seconds), and ARG5 and its caps."""
    return [
        "Set(NO_ROOM=)",
        f"Set(LEFT_S={LONGEST_S})",
        f"Set(TODAY=${{STRFTIME(${{EPOCH}},{timezone},%Y-%m-%d)}})",
        "Set(LOCKED=${LOCK(outward)})",
        "Gosub(outward,has,1(${ARG1},${ARG2},${ARG3},${ARG4}))",
        'GotoIf($["${NO_ROOM}" != ""]?none)',
        "Gosub(outward,has,1(${ARG5},${ARG6},${ARG7},${ARG8}))",
        'GotoIf($["${NO_ROOM}" != ""]?none)',
        _add("${ARG1}/placed", "1"),
        _add("${ARG5}/placed", "1"),
        "Goto(done)",
        # Who is refused takes no room while he hears so.
        ("none", "Set(GROUP(${ARG1})=)"),
        "Set(GROUP(${ARG5})=)",
        _add("${NO_ROOM}/${NO_ROOM_FOR}", "1"),
        ("done", "Set(LOCKED=${UNLOCK(outward)})"),
        "Return()",
    ]


def _has() -> Steps:
    """Whether ARG1 has room, by its caps ARG2 to ARG4."""
    day = _stored("${ARG1}/day")
    return [
        f'GotoIf($["{day}" = "${{TODAY}}"]?counted)',
        f"Set({_key('${ARG1}/day')}=${{TODAY}})",
        *(f"Set({_key(f'${{ARG1}}/{each}')}=0)" for each in ("placed", "seconds", *WHY)),
        ("counted", "Set(GROUP(${ARG1})=calls)"),
        "Set(NO_ROOM_FOR=at_once)",
        "GotoIf($[${ARG2} > 0 & ${GROUP_COUNT(calls@${ARG1})} > ${ARG2}]?none)",
        # One whose caller has gone, having passed it on, is at the trunk still.
        "GotoIf($[${ARG2} > 0 & ${GROUP_COUNT(leg@${ARG1})} >= ${ARG2}]?none)",
        "Set(NO_ROOM_FOR=calls)",
        f"GotoIf($[${{ARG3}} > 0 & {_stored('${ARG1}/placed')} >= ${{ARG3}}]?none)",
        "GotoIf($[${ARG4} = 0]?room)",
        "Set(NO_ROOM_FOR=minutes)",
        f"Set(LEFT_THERE_S=$[${{ARG4}} - {_stored('${ARG1}/seconds')}])",
        "GotoIf($[${LEFT_THERE_S} <= 0]?none)",
        "Set(LEFT_S=$[${LEFT_S} < ${LEFT_THERE_S} ? ${LEFT_S} :: ${LEFT_THERE_S}])",
        ("room", "Return()"),
        ("none", "Set(NO_ROOM=${ARG1})"),
        "Return()",
    ]


def _leg() -> Steps:
    """On the call's end at the trunk, before it rings there. ARG1, ARG2: trunk and class."""
    return [
        "Set(GROUP(${ARG1})=leg)",
        "Set(GROUP(${ARG2})=leg)",
        "Set(CHANNEL(hangup_handler_push)=outward,ended,1(${ARG1},${ARG2}))",
        "Return()",
    ]


def _ended() -> Steps:
    lasted = "${EPOCH} - ${ANSWERED_AT}"
    return [
        'GotoIf($["${ANSWERED_AT}" = ""]?done)',
        "Set(LOCKED=${LOCK(outward)})",
        _add("${ARG1}/seconds", lasted),
        _add("${ARG2}/seconds", lasted),
        "Set(LOCKED=${UNLOCK(outward)})",
        ("done", "Return()"),
    ]


def _key(name: str) -> str:
    return f"DB({FAMILY}/{name})"


def _stored(name: str) -> str:
    return f"${{{_key(name)}}}"


def _add(name: str, more: str) -> str:
    return f"Set({_key(name)}=$[{_stored(name)} + {more}])"
