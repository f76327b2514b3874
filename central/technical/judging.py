"""Which technical call a ward's faults amount to. Sans-IO: fault rows in, verdicts out."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from central.calls import types
from central.store import Row

# A call that came and could not be read: it is over when a person has seen to it, and the next one
# is another.
UNREAD_BED, UNREAD_BOX = "unread-call", "unread-event"
UNREAD = (UNREAD_BED, UNREAD_BOX)
# Beds cannot call, or their calls are not acted on.
OUTAGE = {
    UNREAD_BED: "faults.unread_call",
    UNREAD_BOX: "faults.unread_event",
    "lost": "faults.node_lost",
    "gone": "faults.bus_gone",
    "silent": "faults.silent",
    "garbled": "faults.silent",
    "address_clash": "faults.silent",
    "stuck": "faults.stuck",
    "racing": "faults.racing",
    "proof-failed": "proving.failed",
    "call-unheard": "proving.unheard",
    "rule-failed": "faults.rule_failed",
}
# A person must see to it soon; the beds can call meanwhile.
FAULT = {
    "battery-low": "technical.battery_low",
    "mains-lost": "technical.mains_lost",
    "undervoltage": "technical.power",
    "throttled": "technical.power",
    "speaker-gone": "technical.speaker",
    "speaker-failed": "technical.speaker",
    "speaker-silent": "technical.speaker",
    "speaker-faint": "technical.speaker_faint",
    "selftest": "technical.selftest",
    "proof-overdue": "proving.overdue",
}
# Where several devices fail it is one sentence, however many they are.
BEDS = "technical.beds"
DEVICES = "technical.devices"
# Codes that mean all beds of a box.
OF_WHOLE_BOX = ("lost", "gone")
# Where the mains fail they fail for all boxes: that is one matter, and the words name no box.
OF_ALL = ("mains-lost", "battery-low")
# A device that failed so often within FLAPS_WITHIN_MS is believed to be well only when it has
# stayed so for SETTLED_MS: until then its call goes on, rather than come and go.
FLAPS = 3
FLAPS_WITHIN_MS = 10 * 60_000
SETTLED_MS = 60_000


class Verdict(NamedTuple):
    """A technical call that should be open: its type, what the station says, the faults in it
    as "node/device/code", the gravest first, and the beds concerned. `bed` and `number` are
    values of the words."""

    type: str
    words: str
    bed: str
    number: int
    faults: tuple[str, ...]
    beds: tuple[str, ...] = ()


def name(fault: Row) -> str:
    when = f"@{fault['raised_ms']}" if fault["code"] in UNREAD else ""
    return f"{fault['node']}/{fault['device']}/{fault['code']}{when}"


def unwell(faults: Sequence[Row], now_ms: int) -> tuple[list[Row], int | None]:
    """Of the faults raised lately, newest last: those that are not over, one row per device and
    code; and when to look again (None: only when something changes)."""
    by_name: dict[str, list[Row]] = {}
    for fault in faults:
        by_name.setdefault(name(fault), []).append(fault)
    found, again_ms = [], None
    for rows in by_name.values():
        cleared_ms = rows[-1]["cleared_ms"]
        lately = [row for row in rows if row["raised_ms"] > now_ms - FLAPS_WITHIN_MS]
        settles_ms = None if cleared_ms is None else cleared_ms + SETTLED_MS
        if settles_ms is not None and (len(lately) < FLAPS or now_ms >= settles_ms):
            continue
        found.append(rows[-1])
        if settles_ms is not None:
            again_ms = settles_ms if again_ms is None else min(again_ms, settles_ms)
    return found, again_ms


def verdicts(unwell: Sequence[Row], away: bool, beds: Mapping[str, Sequence[str]]) -> list[Verdict]:
    """`away`: no box of the ward is in contact, so that nobody there hears a call about it.
    `beds`: the beds of each box."""
    found = []
    if away:
        gone = tuple(name(fault) for fault in unwell if fault["code"] == "lost")
        found.append(Verdict(types.CUT_OFF, "technical.cut_off", "", len(gone), gone))
        unwell = [fault for fault in unwell if fault["code"] != "lost"]
    for type, words in ((types.OUTAGE, OUTAGE), (types.FAULT, FAULT)):
        order = list(words)
        of_type = sorted(
            (fault for fault in unwell if fault["code"] in words),
            key=lambda fault: (order.index(fault["code"]), fault["raised_ms"], fault["id"]),
        )
        if of_type:
            told = tuple(name(fault) for fault in of_type)
            concerned = _concerned(of_type, beds)
            said = _sentence(of_type, words, len(concerned))
            found.append(Verdict(type, *said, told, concerned))
    return found


def _concerned(faults: Sequence[Row], beds: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The beds that `faults` concern, short names first, so that 2 stands before 10."""
    concerned: set[str] = set()
    for fault in faults:
        if fault["code"] in OF_WHOLE_BOX:
            concerned.update(beds.get(fault["node"], ()))
        elif fault["device"].startswith("bed "):
            concerned.add(fault["device"].removeprefix("bed "))
    return tuple(sorted(concerned, key=lambda bed: (len(bed), bed)))


def _sentence(
    faults: Sequence[Row], words: Mapping[str, str], concerned: int
) -> tuple[str, str, int]:
    """(words, bed, number): of one device what it has, of several how many beds are concerned."""
    devices = {(fault["node"], fault["device"]) for fault in faults}
    of_all = all(fault["code"] in OF_ALL for fault in faults)
    if len(devices) > 1 and concerned != 1 and not of_all:
        return (BEDS, "", concerned) if concerned else (DEVICES, "", len(devices))
    return words[faults[0]["code"]], faults[0]["device"].removeprefix("bed "), 1
