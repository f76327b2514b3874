"""What a box measures of itself, and what central measures of it, in plain words."""

from typing import Any

from central.console.context import _, lasted
from central.console.marks import N_

_SET_CLOCK = N_(
    "let it take the time from the network; if many boxes show this, check the centre's"
)
# By code: what is wrong, and what to do, as in `shown.BOX`.
FAULTS = {
    "clock-slow": (N_("The clock of box %(node)s is slow since %(since)s"), _SET_CLOCK),
    "clock-fast": (N_("The clock of box %(node)s is fast since %(since)s"), _SET_CLOCK),
    "speaker-gone": (
        N_("The loudspeaker of box %(node)s is unplugged or broken since %(since)s"),
        N_("check the plug of its sound adapter, and watch the board for calls meanwhile"),
    ),
    "speaker-failed": (
        N_("The loudspeaker of box %(node)s could not play at %(since)s"),
        N_("see the detail, and check its sound adapter"),
    ),
    "speaker-silent": (
        N_("The loudspeaker of box %(node)s is not heard since %(since)s"),
        N_("check its cable and amplifier, and whether something covers the microphone"),
    ),
    "speaker-faint": (
        N_("The loudspeaker of box %(node)s sounds too faintly since %(since)s"),
        N_("check its cone, its cable and the amplifier's knob"),
    ),
    "microphone-failed": (
        N_("The loudspeaker of box %(node)s cannot be tested since %(since)s"),
        N_("check the plug of its microphone"),
    ),
    "mains-lost": (
        N_("Box %(node)s runs on its battery since %(since)s"),
        N_("bring the mains back before the battery is empty"),
    ),
    "battery-low": (
        N_("The battery of box %(node)s is nearly empty since %(since)s"),
        N_("bring the mains back now, and walk the ward when the box goes out"),
    ),
    "undervoltage": (
        N_("Box %(node)s gets too little voltage since %(since)s"),
        N_("replace its supply or the cable to it, before it restarts by itself"),
    ),
    "hot": (
        N_("Box %(node)s is too hot since %(since)s"),
        N_("give it air, and see whether something stands on it"),
    ),
    "disk-low": (
        N_("The disk of box %(node)s is nearly full since %(since)s"),
        N_("make room on it, or replace its memory card with a larger one"),
    ),
    "throttled": (
        N_("Box %(node)s slows itself down since %(since)s"),
        N_("check its supply and whether it is too hot"),
    ),
}
# Less than this is as right as can be measured over a network.
RIGHT_WITHIN_MS = 1_000
TESTS = {
    "heard": N_("loudspeaker heard %(time)s ago"),
    "faint": N_("loudspeaker too faint, %(time)s ago"),
    "silent": N_("loudspeaker not heard, %(time)s ago"),
    "noisy": N_("loudspeaker not tested, the room is too loud"),
    "untested": N_("loudspeaker not tested yet"),
    "untestable": N_("loudspeaker not testable, no microphone"),
    "gone": N_("loudspeaker unplugged or broken"),
}


def lines(health: dict[str, Any], told_ago_ms: int) -> list[str]:
    """One line each for what a box's last heartbeat told, which came `told_ago_ms` ago; none for
    what it does not tell."""
    told = (
        _clock(health), *_speaker(health, told_ago_ms), _power(health), _warmth(health),
        _room(health),
    )  # fmt: skip
    return [line for line in told if line]


def _clock(health: dict[str, Any]) -> str | None:
    behind_ms = health.get("clock_behind_ms")
    if behind_ms is None:
        return _("has no clock of its own") if health.get("has_clock") is False else None
    if abs(behind_ms) < RIGHT_WITHIN_MS:
        return _("clock right")
    words = _("clock %(time)s slow") if behind_ms > 0 else _("clock %(time)s fast")
    return words % {"time": lasted(abs(behind_ms))}


def _speaker(health: dict[str, Any], told_ago_ms: int) -> tuple[str | None, str | None]:
    """What the test says; and where nothing is heard, when it was last driven at least."""
    test = health.get("speaker_test")
    if test not in TESTS:
        return None, None
    tested_ms, driven_ms = health.get("speaker_tested_ago_ms"), health.get("speaker_driven_ago_ms")
    found = _(TESTS[test], time=lasted(None if tested_ms is None else tested_ms + told_ago_ms))
    if test == "heard":
        return found, None
    if driven_ms is None:
        return found, _("not driven since its start")
    return found, _("driven without error %(time)s ago", time=lasted(driven_ms + told_ago_ms))


def _warmth(health: dict[str, Any]) -> str | None:
    told_c = health.get("temperature_c")
    return None if told_c is None else _("%(n)s °C", n=told_c)


def _room(health: dict[str, Any]) -> str | None:
    free_pct = health.get("disk_free_pct")
    return None if free_pct is None else _("disk %(pct)s %% free", pct=free_pct)


def _power(health: dict[str, Any]) -> str | None:
    supply, battery_pct = health.get("supply"), health.get("battery_pct")
    if health.get("undervoltage"):
        return _("too little voltage")
    if supply == "battery":
        if battery_pct is None:
            return _("on battery")
        return _("on battery, %(pct)s %% left", pct=battery_pct)
    if supply == "mains":
        return _("on mains")
    if health.get("undervoltage") is False:
        return _("voltage right")
    return _("power not measured") if supply == "unknown" else None
