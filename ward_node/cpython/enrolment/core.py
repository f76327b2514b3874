"""The steps of an enrolment, without input or output.

The claim holds the beginning of the authority's fingerprint. So the first question, for the
authority's certificate, may be answered by anybody: only the right one fits. The next ones (what am
I called? here is my request) go only to who shows a certificate of that authority in the name of
the endpoint. The clock of a box may be wrong by years at its first start, so what it is shown is
not judged by dates: the fingerprint alone is the anchor. The answer tells the time, which is kept
with it (`trust.py`).
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

# The name in the endpoint's certificate, whatever its address.
ENDPOINT = "provisioning.wardline"
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 60.0
MAX_ANSWER_BYTES = 256 * 1024
# The centre's own words for "not now".
LATER = (429, 500, 502, 503, 504)


@dataclass(frozen=True)
class Ask:
    """Send this to the endpoint. root: whom to believe, PEM; None: anybody."""

    method: str
    path: str
    body: bytes | None
    root: str | None


@dataclass(frozen=True)
class Place:
    """What the box was given. certificate: PEM, the box's own and its intermediate."""

    certificate: str
    root: str
    now_ms: int
    told: dict[str, Any]


class EnrolmentRefusedError(Exception):
    """It is no use to go on; says why and what to do."""

    error_id = "enrolment-refused"


class Enrolment:
    """secret and fingerprint: of the claim. What the core cannot do itself: request_for a name, the
    certificate request as PEM; fingerprint_of a certificate (ValueError for what is none); unfit,
    why a certificate is not for our key or not of this authority, or "".

    `ask` says what to send; tell by `answered` or `failed` what became of it, until `place` is
    there. In between wait `wait_s`."""

    def __init__(
        self,
        secret: str,
        fingerprint: str,
        *,
        request_for: Callable[[str], str],
        fingerprint_of: Callable[[str], str],
        unfit: Callable[[str, str], str],
    ) -> None:
        self._secret = secret
        self._fingerprint = fingerprint
        self._request_for = request_for
        self._fingerprint_of = fingerprint_of
        self._unfit = unfit
        self._root: str | None = None
        self._request: str | None = None
        self.place: Place | None = None
        self.wait_s = 0.0

    @property
    def ask(self) -> Ask:
        if self._root is None:
            return Ask("GET", "v1/root", None, None)
        if self._request is None:
            body = json.dumps({"claim": self._secret}).encode()
            return Ask("POST", "v1/place", body, self._root)
        body = json.dumps({"claim": self._secret, "request": self._request}).encode()
        return Ask("POST", "v1/enrol", body, self._root)

    def failed(self) -> None:
        """No answer, or not from whom it must be."""
        self._later(None)

    def answered(self, status: int, body: bytes) -> None:
        """Raises EnrolmentRefusedError."""
        if status in LATER:
            self._later(_field(body, "wait_s"))
        elif status != 200:
            help = _field(body, "help")
            raise EnrolmentRefusedError(
                str(help) if help else f"the server answers {status}; is the address right?"
            )
        elif self._root is None:
            self._take_root(body)
        elif self._request is None:
            self._take_name(body)
        else:
            self._take_place(body, self._root)

    def _later(self, told_s: Any) -> None:
        self.wait_s = min(max(self.wait_s * 2, FIRST_WAIT_S), LONGEST_WAIT_S)
        if type(told_s) is int and told_s > 0:
            self.wait_s = float(min(told_s, 3600))

    def _take_root(self, body: bytes) -> None:
        try:
            text = body.decode("ascii")
            found = self._fingerprint_of(text)
        except ValueError:
            found = ""
        if found != self._fingerprint:
            raise EnrolmentRefusedError(
                "the server is not the hospital's: its fingerprint is not that of the claim."
                " Compare the address and the end of the claim with the console"
            )
        self._root = text
        self.wait_s = 0.0

    def _take_name(self, body: bytes) -> None:
        name = _field(body, "node")
        if not isinstance(name, str):
            raise EnrolmentRefusedError("the answer names no box; centre and box do not fit")
        self._request = self._request_for(name)
        self.wait_s = 0.0

    def _take_place(self, body: bytes, root: str) -> None:
        try:
            told = json.loads(body)
            certificate, now_ms = str(told["certificate"]), int(told["now_ms"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise EnrolmentRefusedError(f"the answer is not understood: {error!r}") from error
        wrong = self._unfit(certificate, root)
        if wrong:
            raise EnrolmentRefusedError(f"the certificate that came is not usable: {wrong}")
        self.place = Place(certificate, root, now_ms, told)
        self.wait_s = 0.0


def _field(body: bytes, name: str) -> Any:
    try:
        return json.loads(body).get(name)
    except (ValueError, AttributeError, RecursionError):
        return None
