"""Voicemail: Asterisk takes the messages and lights the lamp; listening is the application's.

Asterisk's own menu for listening strings its sentences together from some seventy sounds, and has
its own log-in. Ours (central/voicemail) says whole sentences and knows whose phone it is. It takes
a message that was heard out of INBOX, which Asterisk notices.
"""

from collections.abc import Iterable

from gateway.telephone import text
from gateway.telephone.directory import Directory, Line
from gateway.telephone.text import Context, Extension, Section

CONTEXT = "leaving-a-message"
# Asterisk's own name for a set of mailboxes; a folder of its spool is called so.
HOUSE = "house"
# What is said before the tone, by the name of its sound.
GREETING = "leave-a-message"
MOST_MESSAGES = 100
# Its end must come before MOST_PROMPT_S when it is played with the words around it.
LEAST_S, MOST_S = 2, 90
# Whether a message was taken out is looked at so often.
POLL_S = 1


def mailbox(number: str) -> str:
    """What Asterisk calls the mailbox of a line."""
    return f"{text.pattern(number)}@{HOUSE}"


def voicemail_conf(directory: Directory) -> str:
    """No e-mail: whoever runs Asterisk has no programme for it, the application sends it."""
    general = {
        "format": "wav",
        "maxmsg": MOST_MESSAGES,
        "minsecs": LEAST_S,
        "maxsecs": MOST_S,
        "attach": "no",
        "pollmailboxes": "yes",
        "pollfreq": POLL_S,
    }
    # The password is for Asterisk's own menu, which no number leads to.
    boxes = [(text.pattern(each.number), "-") for each in directory.lines if each.mailbox]
    return text.file(
        Section("general", [(key, str(value)) for key, value in general.items()]),
        Section(HOUSE, boxes),
    )


def otherwise(line: Line) -> str:
    """What becomes of a caller whom nobody answered; "", where there is no mailbox."""
    return f"Goto({CONTEXT},{text.pattern(line.number)},1)" if line.mailbox else ""


def contexts(directory: Directory) -> Iterable[Context]:
    yield Context(CONTEXT, [_leave(each) for each in directory.lines if each.mailbox])


def _leave(line: Line) -> Extension:
    return Extension(
        line.number,
        [
            "Answer()",
            f"Playback({GREETING})",
            f"VoiceMail({mailbox(line.number)},s)",
            "Hangup()",
        ],
    )
