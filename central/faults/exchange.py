"""Faults of the telephone exchange in plain words."""

from central.console.marks import N_

# The node that such faults are noted under; no box is called so.
NODE = "exchange"
# A telephone's own fault, noted and ended by how it answers.
CODING = "voice-coding"
# By code: what is wrong, and what to do, as in `shown.BOX`.
FAULTS = {
    "exchange-away": (
        N_("The telephone exchange does not answer since %(since)s, boards and boxes go on"),
        N_("see whether it runs and central.json has its address, and carry messages by foot"),
    ),
    "exchange-wrong-password": (
        N_("The telephone exchange refuses our password since %(since)s"),
        N_("write the password of its ari.conf into central.json and restart the bridge"),
    ),
    "exchange-unsuitable": (
        N_("What answers as the telephone exchange since %(since)s cannot be used"),
        N_("it must be Asterisk 20.14, 21.9, 22.4 or newer with ARI: update it"),
    ),
    "exchange-replaced": (
        N_("Another program steers the telephone exchange in our name since %(since)s"),
        N_("find the second bridge and stop it"),
    ),
    "speech-unavailable": (
        N_("Something could not be spoken at a telephone at %(since)s"),
        N_("install the voice espeak-ng, or let the words be recorded"),
    ),
    CODING: (
        N_("Telephone %(device)s speaks a voice coding the exchange does not know since %(since)s"),
        N_("set its codecs to G.711 (alaw, ulaw) or G.722"),
    ),
    "locked-out": (
        N_("%(device)s gave the telephone exchange wrong passwords and is locked out at %(since)s"),
        N_("if it is a telephone of yours give it its password, else find out who it is"),
    ),
    "wrong-passwords": (
        N_("Wrong passwords come from %(device)s since %(since)s, where good telephones are, too"),
        N_("find the telephone that has an old password, or who is guessing there"),
    ),
    "calls-spent": (
        N_("The calls outside of “%(device)s” are spent for today since %(since)s"),
        N_("see in the call records who called so often, then raise the limit or bar him"),
    ),
    "minutes-spent": (
        N_("The minutes outside of “%(device)s” are spent for today since %(since)s"),
        N_("see in the call records who called so long, then raise the limit or bar him"),
    ),
    "menu-unfit": (
        N_("The menu %(device)s is not as planned since %(since)s, callers hear an earlier one"),
        N_("see under Menus what is wrong with its newest version, and save it anew"),
    ),
}


def named(device: str) -> str:
    """As people know it: a line or class by its name in the directory, which the exchange calls
    trunk-world or from-local."""
    return device.removeprefix("trunk-").removeprefix("from-")
