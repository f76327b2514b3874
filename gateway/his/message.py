"""From the bytes of a frame to what is known of them. Never raises: what cannot be read is told."""

from collections.abc import Callable
from dataclasses import dataclass

from gateway.his import adt, encoding, exams, header, infusing, money, refusals
from gateway.his.encoding import Text
from gateway.his.events import HisEvent
from gateway.his.framing import MAX_MESSAGE_BYTES, Broken
from gateway.his.header import Header
from gateway.his.refusals import REFUSED, Refusal, RefusedError
from gateway.his.segments import MAX_SEGMENT_CHARS

ANSWER_ENCODING = "utf-8"


@dataclass(frozen=True)
class Parsed:
    """A message as far as it was understood. Either `events` or `refusal` is there.
    `encoding`: the Python codec of message and answer. `text`: decoded, "" when it cannot be."""

    encoding: str
    text: str
    header: Header | None
    events: tuple[HisEvent, ...]
    refusal: Refusal | None


def parse(raw: bytes, peer_encoding: str | None = None) -> Parsed:
    """Read a whole message. `peer_encoding`: what an engineer set for this sender."""
    try:
        decoded = encoding.decode(raw, peer_encoding)
    except encoding.WrongEncodingError as error:
        refusal = Refusal(
            REFUSED, refusals.WRONG_DATA, refusals.WRONG_ENCODING,
            {"tried": ", ".join(error.tried)},
        )  # fmt: skip
        return _unread(raw, refusal)
    if len(decoded.text.split("\r", 1)[0]) > MAX_SEGMENT_CHARS:
        most = str(MAX_SEGMENT_CHARS)
        # Unread, for what cannot be a header is neither kept nor echoed in its length.
        return _unread(
            raw,
            Refusal(REFUSED, refusals.WRONG_DATA, refusals.LONG_SEGMENT,
                    {"segment": "MSH", "most": most}),
        )  # fmt: skip
    found = header.read(decoded.text)
    try:
        events = _events(decoded, found)
        return Parsed(decoded.encoding, decoded.text, found, events, None)
    except RefusedError as error:
        return Parsed(decoded.encoding, decoded.text, found, (), error.refusal)


def parse_broken(broken: Broken, most: int = MAX_MESSAGE_BYTES) -> Parsed:
    """Read what came of a broken frame, so that the answer can name the message."""
    return _unread(broken.head, refusals.of_broken(broken, most))


def _unread(raw: bytes, refusal: Refusal) -> Parsed:
    """The header alone. Its line is split as bytes are, each a character, and only the ASCII of
    it is echoed: no name stands there."""
    start = max(0, raw.find(b"MSH"))
    line = raw[start : start + 4096].replace(b"\n", b"\r").split(b"\r", 1)[0]
    text = line.decode("ascii", errors="ignore")
    return Parsed(ANSWER_ENCODING, "", header.read(text), (), refusal)


def _events(decoded: Text, found: Header | None) -> tuple[HisEvent, ...]:
    if not decoded.text:
        raise RefusedError(REFUSED, refusals.SEGMENT_MISSING, refusals.EMPTY)
    if found is None:
        raise RefusedError(REFUSED, refusals.SEGMENT_MISSING, refusals.NO_HEADER)
    if found.wrong_marks:
        raise RefusedError(REFUSED, refusals.WRONG_DATA, refusals.WRONG_MARKS)
    if not found.control_id:
        raise RefusedError(REFUSED, refusals.FIELD_MISSING, refusals.NO_CONTROL_ID)
    if not found.type:
        raise RefusedError(REFUSED, refusals.FIELD_MISSING, refusals.NO_TYPE)
    events = READERS.get(found.type)
    if events is None:
        raise RefusedError(
            REFUSED, refusals.UNKNOWN_TYPE, refusals.UNSUPPORTED_TYPE,
            type=found.kind, used=", ".join(READERS),
        )  # fmt: skip
    reader = events.get(found.event)
    if reader is None:
        raise RefusedError(
            REFUSED, refusals.UNKNOWN_EVENT, refusals.UNSUPPORTED_EVENT,
            type=found.kind, used=", ".join(events),
        )  # fmt: skip
    return reader(decoded.text, found, decoded.encoding)


def _stay(text: str, found: Header, codec: str) -> tuple[HisEvent, ...]:
    return (adt.read(text, found, codec),)


Reader = Callable[[str, Header, str], tuple[HisEvent, ...]]
# By MSH-9: which messages are of use, and who reads them.
READERS: dict[str, dict[str, Reader]] = {
    "ADT": dict.fromkeys(adt.KINDS, _stay),
    "BAR": {"P01": money.accounts, "P02": money.accounts},
    "DFT": {"P03": money.charges},
    "OMG": {"O19": exams.orders},
    "ORM": {"O01": exams.orders},
    "RAS": {"O17": infusing.orders},
    "RDE": {"O11": infusing.orders},
    "RGV": {"O15": infusing.orders},
    "SIU": dict.fromkeys(exams.APPOINTMENTS, exams.appointment),
}
