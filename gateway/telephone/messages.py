"""Messages that callers left, in Asterisk's spool.

    spool/voicemail/house/<extension>/INBOX/msg0000.txt, .wav   new ones: what lights the lamp
    spool/messages/<extension>-<msg_id>.wav                     each, for as long as it is kept

Asterisk gives the names in INBOX again once they are free, so a message goes by the id in its text
file. It may be played while it is still in INBOX and when it is there no more.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.telephone.exchange import INSIDE
from gateway.telephone.files.mailboxes import HOUSE

KEPT = "messages"
_ID = re.compile(r"[0-9]{1,20}-[0-9a-f]{1,16}")
_NUMBER = re.compile(r"[0-9]{2,8}")
_CALLER = re.compile(r"<\+?([0-9]{1,20})>$|^\+?([0-9]{1,20})$")
_WHOLE = re.compile(r"[0-9]{1,12}")
# More is no file of Asterisk's.
MOST_BYTES = 65_536


class MessageWrongError(ValueError):
    """A text file that tells of no message; says why."""

    error_id = "message-wrong"


@dataclass(frozen=True)
class Message:
    """id: of all messages of the house. number: whose it is. caller: digits, or "" of one who did
    not show his number."""

    id: str
    number: str
    caller: str
    came_ms: int
    duration_s: int


def read(number: str, text: str) -> Message:
    """What Asterisk wrote of a message for `number`. Raises MessageWrongError."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith(";"):
            values.setdefault(key.strip(), value.strip())
    id = values.get("msg_id", "")
    if not _ID.fullmatch(id):
        raise MessageWrongError(f"a message for {number} has no id")
    caller = _CALLER.search(values.get("callerid", ""))
    return Message(
        id=f"{number}-{id}",
        number=number,
        caller=(caller[1] or caller[2]) if caller else "",
        came_ms=_whole(values, "origtime") * 1000,
        duration_s=_whole(values, "duration"),
    )


def _whole(values: Mapping[str, str], key: str) -> int:
    value = values.get(key, "")
    if not _WHOLE.fullmatch(value):
        raise MessageWrongError(f"{key} of a message is no number")
    return int(value)


class Spool:
    """The messages of the exchange in `folder`. All methods touch files: not for an event loop."""

    def __init__(self, folder: Path) -> None:
        self._inboxes = folder / "spool" / "voicemail" / HOUSE
        self._kept = folder / "spool" / KEPT

    def look(self) -> list[Message]:
        """Every message that waits in an INBOX, kept from now on. One that cannot be read is passed
        over. Raises OSError."""
        found = []
        for text, message in self._waiting():
            kept = self.path(message.id)
            if not kept.exists():
                self._kept.mkdir(mode=0o700, exist_ok=True)
                kept.hardlink_to(text.with_suffix(".wav"))
            found.append(message)
        return found

    def heard(self, id: str) -> None:
        """It waits no more; the lamp may go out. Raises OSError."""
        number = id.partition("-")[0]
        for text, message in self._waiting(number):
            if message.id == id:
                text.unlink(missing_ok=True)
                text.with_suffix(".wav").unlink(missing_ok=True)

    def delete(self, id: str) -> None:
        """It is no more. Raises OSError."""
        self.heard(id)
        self.path(id).unlink(missing_ok=True)

    def path(self, id: str) -> Path:
        """The sound of a message."""
        return self._kept / f"{id}.wav"

    def _waiting(self, number: str = "*") -> Iterator[tuple[Path, Message]]:
        """Each text file in INBOX whose message is whole: Asterisk writes it last."""
        for text in sorted(self._inboxes.glob(f"{number}/INBOX/msg[0-9][0-9][0-9][0-9].txt")):
            owner = text.parent.parent.name
            try:
                if not _NUMBER.fullmatch(owner) or text.stat().st_size > MOST_BYTES:
                    continue
                message = read(owner, text.read_text(errors="replace"))
            except (FileNotFoundError, MessageWrongError):
                continue
            if text.with_suffix(".wav").exists():
                yield text, message


def media(id: str) -> str:
    """What Asterisk plays to say a message."""
    return f"sound:{INSIDE}/spool/{KEPT}/{id}"
