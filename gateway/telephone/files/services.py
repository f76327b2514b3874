"""Numbers that the application answers, and what rings when it does not.

A call that telephones can answer instead is left to the application for TAKE_BACK_S at a time:
should it die or hang over it, Asterisk takes it back (`holding.py` puts that off while it lives).
So is one in a spoken menu, whose caller would wait for words that never come: he hears an apology,
and then a person, or that he shall call again.
"""

from collections.abc import Iterable

from gateway.telephone import text
from gateway.telephone.directory import Directory, Service
from gateway.telephone.exchange import APP, TAKE_BACK, TAKE_BACK_S, TO_BE_HELD
from gateway.telephone.files import limits
from gateway.telephone.files.findme import together
from gateway.telephone.text import Context, Extension

CONTEXT = "services"
FALLBACK_RING_S = 120
# Purposes that begin so are spoken menus.
MENU = "menu_"
# What is said in place of a menu: before a person is rung, and when there is none.
INSTEAD, LATER = "menu-instead", "menu-later"


def contexts(directory: Directory) -> Iterable[Context]:
    """That of the numbers, then one for each of them."""
    yield Context(CONTEXT, [_number(each) for each in directory.services])
    for each in directory.services:
        yield _answered(directory, each)


def _number(service: Service) -> Extension:
    steps: list[str | tuple[str, str]] = [
        limits.check("many"),
        f"Goto({_with_us(service)},{text.pattern(service.number)},1)",
        ("many", "Congestion(10)"),
    ]
    return Extension(service.number, steps)


def _with_us(service: Service) -> str:
    """The context of a call that the application has."""
    return f"service-{text.pattern(service.number).replace('*', 'star-')}"


def _answered(directory: Directory, service: Service) -> Context:
    """The application answers. Telephones ring when it is away, gives the call back, or has not
    said for TAKE_BACK_S that it still has it, when Asterisk goes to T."""
    number = service.number
    devices = directory.devices_of(service.fallback)
    application = f"{APP},{text.word(service.purpose)}"
    is_menu = service.purpose.startswith(MENU)
    if not (devices or is_menu):
        alone = Extension(number, [f"Stasis({application})", "Congestion(10)"])
        return Context(_with_us(service), [alone])
    steps: list[str | tuple[str, str]] = [
        f"Set({TAKE_BACK}={TAKE_BACK_S})",
        f"Stasis({application},{TO_BE_HELD})",
        ("instead", f"Set({TAKE_BACK}=0)"),
        *(_sorry(INSTEAD, "ring") if is_menu and devices else ()),
        *([("ring", f"Dial({together(devices)},{FALLBACK_RING_S})")] if devices else []),
        *(_sorry(LATER, "end") if is_menu else ()),
        # Before the words were ever made there is the tone at least.
        *([] if devices else ['GotoIf($["${PLAYBACKSTATUS}" = "SUCCESS"]?over)']),
        ("end", "Hangup(${HANGUPCAUSE})" if devices else "Congestion(10)"),
        *([] if devices else [("over", "Hangup()")]),
    ]
    late = Extension("T", [f"Goto({number},instead)"])
    return Context(_with_us(service), [Extension(number, steps), late])


def _sorry(words: str, after: str) -> tuple[str, str]:
    """Said to who has heard something of the menu, and to nobody else."""
    return f'GotoIf($["${{CHANNEL(state)}}" != "Up"]?{after})', f"Playback({words})"
