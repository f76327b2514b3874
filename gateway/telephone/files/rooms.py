"""Conference rooms: whoever dials the number hears all others who did."""

from collections.abc import Iterable

from gateway.telephone import text
from gateway.telephone.directory import Directory, Room
from gateway.telephone.files import hold
from gateway.telephone.text import Context, Extension, Section

CONTEXT = "rooms"
MOST_MEMBERS = 50


def confbridge_conf() -> str:
    """A tone tells those inside that somebody came or went; who is alone hears that he waits.
    Nothing is said but for the PIN."""
    bridge = [("type", "bridge"), ("max_members", str(MOST_MEMBERS)), ("sound_join", "beep"),
              ("sound_leave", "beeperr")]  # fmt: skip
    user = [("type", "user"), ("announce_only_user", "no"), ("dsp_drop_silence", "yes"),
            ("music_on_hold_when_empty", "yes"), ("music_on_hold_class", hold.CLASS)]  # fmt: skip
    return text.file(
        Section("general"),
        Section("default_bridge", bridge),
        Section("default_user", user),
        Section("default_menu", [("type", "menu")]),
    )


def contexts(directory: Directory) -> Iterable[Context]:
    yield Context(CONTEXT, [_room(each) for each in directory.rooms])


def _room(room: Room) -> Extension:
    number = text.pattern(room.number)
    pin = [f"Set(CONFBRIDGE(user,pin)={text.pattern(room.pin)})"] if room.pin else []
    return Extension(number, ["Answer()", *pin, f"ConfBridge({number})", "Hangup()"])
