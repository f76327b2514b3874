"""extensions.conf: who may dial what, and what rings.

Every number of the house stands in it as itself: nothing that somebody dials is ever put into a
command. A number that the application answers rings telephones by itself when the application
is away.
"""

from collections.abc import Sequence

from gateway.telephone import text
from gateway.telephone.directory import Directory, Line, Service
from gateway.telephone.exchange import APP, HANDS_FREE_HEADERS
from gateway.telephone.text import Context, Extension

LINES = "lines"
SERVICES = "services"
# Runs on the called side before it rings: the phone shall answer by itself.
HANDS_FREE = "hands-free"
FALLBACK_RING_S = 120


def from_phones(rights: str) -> str:
    """The context that phones of a permission class dial in."""
    return f"from-{text.word(rights)}"


def extensions_conf(directory: Directory) -> str:
    return text.file(
        *(Context(from_phones(each.name), (), (SERVICES, LINES)) for each in directory.rights),
        Context(SERVICES, [_service(directory, each) for each in directory.services]),
        Context(LINES, [_line(each) for each in directory.lines]),
        Context(HANDS_FREE, [_hands_free()]),
        include="extensions_local.conf",
    )


def _line(line: Line) -> Extension:
    if not line.devices:
        return Extension(line.number, ["Congestion(10)"])
    return Extension(
        line.number,
        [
            f"Dial({_together(line.devices)},{line.ring_s},tT)",
            'GotoIf($["${DIALSTATUS}" = "BUSY"]?busy)',
            "Hangup(${HANGUPCAUSE})",
            ("busy", "Busy(10)"),
        ],
        hint=_together(line.devices),
    )


def _service(directory: Directory, service: Service) -> Extension:
    devices = directory.devices_of(service.fallback)
    instead = f"Dial({_together(devices)},{FALLBACK_RING_S})" if devices else "Congestion(10)"
    return Extension(
        service.number,
        [
            f"Stasis({APP},{text.word(service.purpose)})",
            'GotoIf($["${STASISSTATUS}" != "FAILED"]?done)',
            instead,
            ("done", "Hangup()"),
        ],
    )


def _hands_free() -> Extension:
    return Extension(
        "s",
        [f"Set(PJSIP_HEADER(add,{name})={value})" for name, value in HANDS_FREE_HEADERS.items()]
        + ["Return()"],
    )


def _together(devices: Sequence[str]) -> str:
    return "&".join(f"PJSIP/{text.word(each)}" for each in devices)
