"""Our own acknowledgements: python-hl7's `create_ack` stamps UTC and forgets MSH-18."""

from datetime import datetime

from gateway.his.header import Header
from gateway.his.refusals import ACCEPTED, Refusal

OWN_APP = "WARDLINE"
DEFAULT_VERSION = "2.5.1"
MAX_TEXT = 250

# MSH-15 and 16: when an answer is wanted.
_WANTED = {"AL": (True, True), "SU": (True, False), "ER": (False, True), "NE": (False, False)}
_COMMIT = {"AA": "CA", "AE": "CE", "AR": "CR"}


def build(
    header: Header | None,
    refusal: Refusal | None,
    *,
    encoding: str,
    own_id: str,
    at: datetime,
) -> bytes | None:
    """The answer to a message, unframed, in the sender's encoding; None when its MSH-15 and 16
    want none. `refusal` None means accepted. `at`: local time with its zone. `own_id`: MSH-10
    of the answer, unique for us. `header` None: of a message whose header cannot be read."""
    header = header or Header()
    verdict = refusal.code if refusal else ACCEPTED
    code = _code(header, verdict)
    if code is None:
        return None
    field, marks = header.separator, header.marks
    kind = marks[0].join(["ACK", header.event, "ACK"] if header.event else ["ACK"])
    msh = [
        "MSH" + field + marks, header.to_app or OWN_APP, header.to_facility, header.app,
        header.facility, at.strftime("%Y%m%d%H%M%S%z"), "", kind, own_id,
        header.processing or "P", header.version or DEFAULT_VERSION, "", "", "", "", "",
        header.charset,
    ]  # fmt: skip
    segments = [msh, ["MSA", code, header.control_id]]
    if refusal is not None:
        text = escape(str(refusal)[:MAX_TEXT], header)
        condition = marks[0].join([refusal.condition, text, "HL70357"])
        segments[1].append(text)
        segments.append(["ERR", "", "", condition, "E", "", "", "", text])
    message = "".join(field.join(each).rstrip(field) + "\r" for each in segments)
    # What is echoed came in this encoding, and our own words are ASCII.
    return message.encode(encoding)


def _code(header: Header, verdict: str) -> str | None:
    """MSA-1: AA, AE or AR; in the enhanced mode CA, CE or CR where MSH-15 wants a commit answer,
    the application's answer where only MSH-16 wants one, None where neither does."""
    if not header.enhanced:
        return verdict
    good = verdict == ACCEPTED
    for wish, code in ((header.accept_ack, _COMMIT[verdict]), (header.application_ack, verdict)):
        on_success, on_error = _WANTED.get(wish, (bool(wish), bool(wish)))
        if on_success if good else on_error:
            return code
    return None


def escape(text: str, header: Header) -> str:
    """`text` as the content of a field, with the sender's own marks."""
    marks = dict(zip("SRET", header.marks, strict=False)) | {"F": header.separator}
    mark = header.marks[2:3]
    letters = {sign: f"{mark}{letter}{mark}" if mark else " " for letter, sign in marks.items()}
    return "".join(letters.get(each, each if each >= " " else " ") for each in text)
