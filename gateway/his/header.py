"""The MSH segment: who sends what, and how it wants to be answered."""

from dataclasses import dataclass

DEFAULT_MARKS = "^~\\&"
# An echoed field never breaks the answer's frame or lines.
_UNSAFE = dict.fromkeys(range(32), " ")


@dataclass(frozen=True)
class Header:
    """MSH as sent: raw field texts, to be echoed. `marks` is MSH-2, the usual ones for
    those missing; `wrong_marks`: what stood there were none, and the usual ones answer."""

    separator: str = "|"
    marks: str = DEFAULT_MARKS
    app: str = ""
    facility: str = ""
    to_app: str = ""
    to_facility: str = ""
    sent_at: str = ""
    type: str = ""
    event: str = ""
    control_id: str = ""
    processing: str = ""
    version: str = ""
    accept_ack: str = ""
    application_ack: str = ""
    charset: str = ""
    wrong_marks: bool = False

    @property
    def kind(self) -> str:
        """As people say it: "ADT^A01"."""
        return f"{self.type}^{self.event}" if self.event else self.type

    @property
    def sender(self) -> str:
        """Sending application and facility, first components: "ADTApp/GHHSFacility"."""
        component = self.marks[:1] or "^"
        names = (part.split(component)[0].strip() for part in (self.app, self.facility))
        return "/".join(names).strip("/")

    @property
    def enhanced(self) -> bool:
        """Whether MSH-15 or MSH-16 asks for the enhanced mode of answering."""
        return bool(self.accept_ack or self.application_ack)


def read(text: str) -> Header | None:
    """The header of a decoded message with CR line ends; None when it has no MSH."""
    line = text.split("\r", 1)[0]
    if not line.startswith("MSH") or len(line) < 5 or line[3].isalnum() or line[3].isspace():
        return None
    separator = line[3]
    fields = [each.strip() for each in line.split(separator)]

    def get(number: int) -> str:
        # MSH-1 is the separator itself, so MSH-n stands at n-1.
        return fields[number - 1].translate(_UNSAFE).strip() if len(fields) >= number else ""

    marks = get(2)
    wrong_marks = not _sound(separator + marks)
    marks = DEFAULT_MARKS if wrong_marks else marks + DEFAULT_MARKS[len(marks) :]
    kind = get(9).split(marks[0])
    return Header(
        separator=separator,
        marks=marks,
        app=get(3),
        facility=get(4),
        to_app=get(5),
        to_facility=get(6),
        sent_at=get(7),
        type=kind[0],
        event=kind[1] if len(kind) > 1 else "",
        control_id=get(10),
        processing=get(11),
        version=get(12),
        accept_ack=get(15).upper(),
        application_ack=get(16).upper(),
        charset=get(18),
        wrong_marks=wrong_marks,
    )


def _sound(marks: str) -> bool:
    """Whether the separator and MSH-2 can divide fields: different from each other and from the
    usual marks that stand in for missing ones, and no letters. python-hl7 fails on others."""
    effective = marks + DEFAULT_MARKS[len(marks) - 1 :]
    return (
        2 <= len(marks) <= 6
        and len(set(effective)) == len(effective)
        and not any(each.isalnum() or each.isspace() for each in marks)
    )
