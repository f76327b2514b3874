"""Why a message is not taken, in words for the sender's engineers and for ours.

The English text is the message id of the screens' catalogues, `%(name)s` placeholders included.
"""

from dataclasses import dataclass, field

from gateway.his import framing

# MSA-1. The commit answers CA, CE and CR of the enhanced mode follow from these.
ACCEPTED = "AA"
FAILED = "AE"  # a fault of ours, or of this message's content: may be sent again
REFUSED = "AR"  # never taken in this form

# Codes of HL7 table 0357.
SEGMENT_MISSING = "100"
FIELD_MISSING = "101"
WRONG_DATA = "102"
UNKNOWN_TYPE = "200"
UNKNOWN_EVENT = "201"
INTERNAL = "207"

NO_START = "The frame does not begin with byte 0B. Send 0B, the message, 1C 0D."
NO_END = "The frame has no end: 1C 0D did not come. Send 0B, the message, 1C 0D."
NO_RETURN = "Byte 1C is not followed by 0D. Send 0B, the message, 1C 0D."
TOO_LARGE = "The message has %(size)s bytes; at most %(most)s are taken."
EMPTY = "The frame is empty."
WRONG_ENCODING = (
    "The message is not valid as %(tried)s. Set the sender's encoding, or name it in MSH-18."
)
NO_HEADER = "The message does not begin with an MSH segment."
WRONG_MARKS = "MSH-2 does not tell which marks divide the fields; it usually is ^~\\&."
NO_CONTROL_ID = "MSH-10 is empty: without a control id no answer can name this message."
NO_TYPE = "MSH-9 is empty: the kind of message is not known."
UNSUPPORTED_TYPE = "Messages of type %(type)s are not used here; %(used)s are."
UNSUPPORTED_EVENT = "The event %(type)s is not used here; of this type %(used)s are."
NO_SEGMENT = "The segment %(segment)s is missing."
LONG_SEGMENT = "The segment %(segment)s is longer than %(most)s characters."
MANY_SEGMENTS = "The message has more than %(most)s segments that are read."
NO_FIELD = "%(field)s is empty."
WRONG_FIELD = "%(field)s is %(value)s, which is not understood."
WRONG_CURRENCY = "%(field)s is in %(value)s; amounts are taken in CNY."
NO_CHARGE = "FT1-6 names no charge: CG, CD and AJ are used; payments are told by BAR."
NO_INFUSION = (
    "No order is an infusion: RXR-1 names no drip, and no rate per time is given. Others are not"
    " used here."
)
NO_PATIENT = "PID-3 is empty: the patient has no identifier."
NO_LOCATION = "PV1-3 is empty: the patient's bed is not told."
NOT_STORED = "The message could not be stored. Send it again later."
MISTAKE = "The message could not be handled because of a mistake of ours. Send it again later."

TEXTS = (
    NO_START,
    NO_END,
    NO_RETURN,
    TOO_LARGE,
    EMPTY,
    WRONG_ENCODING,
    NO_HEADER,
    WRONG_MARKS,
    NO_CONTROL_ID,
    NO_TYPE,
    UNSUPPORTED_TYPE,
    UNSUPPORTED_EVENT,
    NO_SEGMENT,
    LONG_SEGMENT,
    MANY_SEGMENTS,
    NO_FIELD,
    WRONG_FIELD,
    WRONG_CURRENCY,
    NO_CHARGE,
    NO_INFUSION,
    NO_PATIENT,
    NO_LOCATION,
    NOT_STORED,
    MISTAKE,
)


@dataclass(frozen=True)
class Refusal:
    """An answer other than AA: MSA-1, the code of table 0357, and the words."""

    code: str
    condition: str
    text: str
    values: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.text % self.values if self.values else self.text


class RefusedError(Exception):
    """The message is not taken; carries the Refusal."""

    error_id = "his-refused"

    def __init__(self, code: str, condition: str, text: str, **values: str) -> None:
        self.refusal = Refusal(code, condition, text, values)
        super().__init__(str(self.refusal))


_FRAMES = {framing.NO_START: NO_START, framing.NO_END: NO_END, framing.NO_RETURN: NO_RETURN}


def of_broken(broken: framing.Broken, most: int) -> Refusal:
    """What is told about a frame that is none. `most`: bytes a message may have."""
    if broken.reason == framing.TOO_LARGE:
        return Refusal(REFUSED, INTERNAL, TOO_LARGE, {"size": str(broken.size), "most": str(most)})
    return Refusal(REFUSED, SEGMENT_MISSING, _FRAMES[broken.reason])
