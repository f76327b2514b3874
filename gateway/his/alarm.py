"""A nurse call as ORU^R40 to an alarm manager: IHE's Alert Communication Management, PCD-04.

The places of the facets (OBX-4) and their MDC codes are those of ISO/IEEE 11073-10101. That has no
code for the kinds of nurse call, so these are named in a coding system of our own.
"""

from dataclasses import dataclass
from datetime import datetime

from gateway.his import header
from gateway.his.ack import OWN_APP, escape
from gateway.his.header import Header

START, CONTINUE, END = "start", "continue", "end"
HIGH, MEDIUM, LOW = "PH", "PM", "PL"
CODING = "99WARDLINE"
_PROFILE = "IHE_PCD_ACM_001^IHE PCD^1.3.6.1.4.1.19376.1.6.1.4.1^ISO"
_OWN = Header()
# Names of HL7 table 0211 of what may be sent.
CHARSETS = {"utf-8": "UNICODE UTF-8", "gb18030": "GB 18030-2000"}
# Answers: taken, and never in this form. All others are asked again.
TAKEN, REFUSED = ("AA", "CA"), ("AR", "CR")


@dataclass(frozen=True)
class Alarm:
    """One moment of a call. `call`: the same for all of its messages; `kind` and `text`: what it
    is ("toilet", "Toilet call"); `begun_at`, `at`: when it began and when this happened;
    `accepted`: somebody is on the way. `patient`: PID-3, "" where it is not told."""

    call: str
    phase: str
    kind: str
    text: str
    priority: str
    ward: str
    bed: str
    begun_at: datetime
    at: datetime
    accepted: bool = False
    patient: str = ""


def build(
    alarm: Alarm, control_id: str, sent_at: datetime, *, app: str = "", facility: str = "",
    encoding: str = "utf-8",
) -> bytes:  # fmt: skip
    """The message, unframed. `app` and `facility`: MSH-5 and 6, the receiver's."""

    def field(text: str) -> str:
        return escape(text, _OWN)

    active = alarm.phase != END
    at, bed = _stamp(alarm.at), field(alarm.bed)
    entity = f"{field(alarm.call)}^{OWN_APP}"
    event = f"{field(alarm.kind)}^{field(alarm.text)}^{CODING}"
    # MSH-18 to 21 end the header.
    msh = ["MSH", header.DEFAULT_MARKS, OWN_APP, "", field(app), field(facility), _stamp(sent_at),
           "", "ORU^R40^ORU_R40", control_id, "P", "2.6", "", "", "AL", "NE", "",
           CHARSETS[encoding], "", "", _PROFILE]  # fmt: skip
    parent = "" if alarm.phase == START else f"^{field(alarm.call)}&{OWN_APP}"
    obr = ["OBR", "1", entity, entity, "196616^MDC_EVT_ALARM^MDC", "", "",
           _stamp(alarm.begun_at), *[""] * 21, parent]  # fmt: skip
    facets = [
        ("CWE", "196616^MDC_EVT_ALARM^MDC", event),
        ("CWE", "68480^MDC_ATTR_ALERT_SOURCE^MDC", f"{bed}^{field(alarm.ward)}^{CODING}"),
        ("ST", "68481^MDC_ATTR_EVENT_PHASE^MDC", alarm.phase),
        ("ST", "68482^MDC_ATTR_ALARM_STATE^MDC", "active" if active else "inactive"),
        ("ST", "68483^MDC_ATTR_ALARM_INACTIVATION_STATE^MDC",
         "audio-paused" if active and alarm.accepted else "enabled"),
        ("ST", "68484^MDC_ATTR_ALARM_PRIORITY^MDC", alarm.priority),
        ("ST", "68485^MDC_ATTR_ALERT_TYPE^MDC", "SP"),
        ("ST", "68546^MDC_ATTR_ALERT_TEXT^MDC", field(alarm.text)),
    ]  # fmt: skip
    segments = [
        msh,
        ["PID", "", "", f"{field(alarm.patient)}^^^^PI" if alarm.patient else ""],
        ["PV1", "", "I" if alarm.bed else "U", f"{field(alarm.ward)}^^{bed}"],
        obr,
        *(
            ["OBX", str(n), kind, name, f"1.0.0.0.{n}", value, "", "", "", "", "", "F", "", "", at]
            for n, (kind, name, value) in enumerate(facets, 1)
        ),
    ]
    return "".join("|".join(each).rstrip("|") + "\r" for each in segments).encode(encoding)


def verdict(answer: bytes, control_id: str) -> tuple[str, str]:
    """(MSA-1, what the receiver says) of an answer to the message of this id; ("", why) where it
    is none."""
    text = answer.decode("utf-8", "backslashreplace").replace("\r\n", "\r").replace("\n", "\r")
    found = header.read(text)
    separator = found.separator if found else "|"
    for line in text.split("\r"):
        if line.startswith("MSA" + separator):
            fields = [*(each.strip() for each in line.split(separator)), "", "", ""]
            if fields[2] != control_id:
                return "", f"the answer is about the message {fields[2][:40]!r}"
            return fields[1], fields[3][:200]
    return "", "the answer has no MSA segment"


def _stamp(at: datetime) -> str:
    return at.strftime("%Y%m%d%H%M%S%z")
