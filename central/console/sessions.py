"""Two kinds of sessions in one application: the staff's, and those of patients under `PATIENTS`.

Each has a cookie and a signature of its own, so neither is believed in the other's place, and a
browser that holds both shows a patient's page to the patient and a ward's page to the nurse.
"""

from typing import Any

from flask import Flask, Request, Response
from flask.sessions import SecureCookieSessionInterface, SessionInterface, SessionMixin

# Where the patients' pages are, which the cookie is sent to and nowhere else.
PATIENTS = "/my"
PATIENTS_COOKIE = "wardline_patient"


def is_patients(path: str) -> bool:
    """Whether a page is one of the patients'."""
    return path == PATIENTS or path.startswith(PATIENTS + "/")


class _Patients(SecureCookieSessionInterface):
    salt = "wardline-patient-session"

    def get_cookie_name(self, app: Flask) -> str:
        return PATIENTS_COOKIE

    def get_cookie_path(self, app: Flask) -> str:
        return PATIENTS


class Sessions(SessionInterface):
    """The session of whoever asks, by the path."""

    def __init__(self) -> None:
        self._patients, self._staff = _Patients(), SecureCookieSessionInterface()

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        return self._of(request.path).open_session(app, request)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        from flask import request

        self._of(request.path).save_session(app, session, response)

    def _of(self, path: str) -> SecureCookieSessionInterface:
        return self._patients if is_patients(path) else self._staff
