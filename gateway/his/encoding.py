"""Bytes to text, before anything is split: 464 common Han characters carry `|`, `^`, `~` or `\\`
as their second GB18030 byte, so a message split as bytes loses names such as 乗 and 亅.

Nothing is ever decoded with replacement characters: a name is read right or the message refused.
"""

import codecs
from dataclasses import dataclass

# Names of HL7 table 0211, and what Chinese senders write, by letters and digits alone.
_DECLARED = {
    "UNICODEUTF8": "utf-8",
    "UTF8": "utf-8",
    "GB180302000": "gb18030",
    "GB18030": "gb18030",
    "GB18030GB": "gb18030",
    "GBK": "gb18030",
    "GB2312": "gb18030",
    "GB23121980": "gb18030",
    "BIG5": "big5",
    **{f"8859{part}": f"iso8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
}
GUESSES = ("utf-8", "gb18030")
# What an engineer may set for a sender.
CHOICES = ("utf-8", "gb18030", "big5", "iso8859-1")
_BOM = "\ufeff"
_HEADER_BYTES = 4096
_MSH_18 = 17


class WrongEncodingError(ValueError):
    """The bytes are no text in the encoding they should be in."""

    error_id = "his-wrong-encoding"

    def __init__(self, tried: tuple[str, ...]) -> None:
        super().__init__(f"not valid as {' or '.join(tried)}")
        self.tried = tried


@dataclass(frozen=True)
class Text:
    """A decoded message with CR line ends and no byte order mark, and its Python codec."""

    text: str
    encoding: str


def decode(raw: bytes, peer_encoding: str | None = None) -> Text:
    """Decode by MSH-18 where it names a known encoding and is true, else as set for the peer,
    else as strict UTF-8, then GB18030. "ASCII" is what senders write who never thought of it,
    so it counts as nothing said. Raises WrongEncodingError."""
    declared = declared_encoding(raw)
    if declared is None and peer_encoding is None:
        tried: tuple[str, ...] = GUESSES
    else:
        tried = tuple(dict.fromkeys(each for each in (declared, peer_encoding) if each))
    for encoding in tried:
        try:
            return Text(_normal(raw.decode(encoding)), encoding)
        except UnicodeDecodeError:
            continue
    raise WrongEncodingError(tried)


def declared_encoding(raw: bytes) -> str | None:
    """The Python codec that MSH-18 names; None when empty or unknown."""
    head = raw[:_HEADER_BYTES].removeprefix(codecs.BOM_UTF8).lstrip()
    line = head.replace(b"\n", b"\r").split(b"\r", 1)[0]
    for encoding in (*GUESSES, "latin-1"):
        try:
            fields = line.decode(encoding)
            break
        except UnicodeDecodeError:
            continue
    if len(fields) < 4 or not fields.startswith("MSH"):
        return None
    values = fields.split(fields[3])
    if len(values) <= _MSH_18:
        return None
    # The first repetition is the message's own encoding. MSH-2 is `^~\&`: second is repetition.
    repeat = values[1][1:2] or "~"
    name = "".join(each for each in values[_MSH_18].split(repeat)[0].upper() if each.isalnum())
    return _DECLARED.get(name)


def _normal(text: str) -> str:
    """CR between segments: LF and CRLF are taken too. Where CRs divide, an LF is content."""
    text = text.removeprefix(_BOM)
    if "\r" not in text:
        return text.replace("\n", "\r").strip("\r ")
    return "\r".join(line.lstrip("\n") for line in text.split("\r")).strip("\r\n ")
