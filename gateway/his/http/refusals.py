"""Why a body is not taken: which field, what is wrong with it, and what to do.

The English text is the message id of the screens' catalogues, `%(name)s` placeholders included.
"""

from dataclasses import dataclass

from gateway.his.refusals import REFUSED, WRONG_DATA, Refusal

# Not understood, and understood but impossible.
UNREADABLE, IMPOSSIBLE = 400, 422

NO_JSON = "The body is not JSON: %(detail)s. Send one JSON object."
NOT_ENCODED = (
    "The body is not valid as %(encoding)s. Send UTF-8, or name GB18030 in the charset of"
    " Content-Type."
)
HALF_CHARACTER = "The body holds half of a character (\\ud800 to \\udfff alone). Send it whole."
TWICE = "The field %(field)s stands twice in one object. Send it once."
NUMBER = "The number %(number)s is out of range. Send at most 9007199254740991."
TOO_DEEP = "The body is nested too deeply. Send the fields of the document."
MISSING = "The field %(field)s is missing. Send it."
UNKNOWN = "The field %(field)s is not known here. Check its spelling, or leave it out."
WRONG_TYPE = "The field %(field)s must be of the type %(type)s."
WRONG_CHOICE = "The field %(field)s must be one of %(choices)s."
TOO_LONG = "The field %(field)s may have at most %(most)s characters."
EMPTY = "The field %(field)s is empty. Send at least one character, or leave it out."
NO_TIME = (
    "The field %(field)s is no time. Send it as 2026-11-29T14:05:10, with Z or +08:00 where it"
    " is not the hospital's local time."
)
NO_BIRTH = "The field %(field)s is no date. Send 1961-06-15, 1961-06 or 1961."
BLANKS = "The field %(field)s may hold no blanks and no control characters."
CONTROLS = "The field %(field)s may hold no control characters such as line ends."
OUT_OF_RANGE = "The field %(field)s must be a number from %(least)s to %(most)s."
WRONG_COUNT = "The field %(field)s must hold %(least)s to %(most)s things."
NO_SUCH_DAY = "The field %(field)s names a day that does not exist. Correct it."
DECIMALS = "The field %(field)s may have at most three decimals."
NO_PLACE = "The field %(field)s is missing, which admit and transfer need. Send it."
NO_NUMBER = "Neither booking nor order is given. Send the number of one of them."
CHARGED_TWICE = "The charge %(id)s stands twice in this body. Give each charge its own id."
OTHER = "The field %(field)s cannot be used: %(detail)s."

TEXTS = (
    NO_JSON, NOT_ENCODED, HALF_CHARACTER, TWICE, NUMBER, TOO_DEEP, MISSING, UNKNOWN, WRONG_TYPE,
    WRONG_CHOICE, TOO_LONG, EMPTY, NO_TIME, NO_BIRTH, BLANKS, CONTROLS, OUT_OF_RANGE, WRONG_COUNT,
    NO_SUCH_DAY, DECIMALS, NO_PLACE, NO_NUMBER, CHARGED_TWICE, OTHER,
)  # fmt: skip


@dataclass(frozen=True)
class BodyRefusal(Refusal):
    """Of a JSON body. `status`: of the HTTP answer; `at`: the field, such as
    "charges[0].amount_fen", "" for the body as a whole."""

    status: int = UNREADABLE
    at: str = ""


class BodyRefusedError(Exception):
    """The body is not taken; carries the BodyRefusal."""

    error_id = "his-body-refused"

    def __init__(self, text: str, at: str = "", status: int = UNREADABLE, **values: str) -> None:
        given = {"field": at, **values} if at else values
        self.refusal = BodyRefusal(REFUSED, WRONG_DATA, text, given, status, at)
        super().__init__(str(self.refusal))
