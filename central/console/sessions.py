"""Two kinds of sessions in one application: the staff's, and those of patients under `PATIENTS`.

Each has a cookie and a signature of its own, so neither is believed in the other's place, and a
browser that holds both shows a patient's page to the patient and a ward's page to the nurse.
What is for everybody, under `EVERYBODY`, has no session: no cookie is looked at or set there, so a
page is the same for all who ask for it.
"""

from typing import Any

from flask import Flask, Request, Response
from flask.sessions import (
    SecureCookieSession,
    SecureCookieSessionInterface,
    SessionInterface,
    SessionMixin,
)

# Where the patients' pages are, which the cookie is sent to and nowhere else.
PATIENTS = "/my"
PATIENTS_COOKIE = "wardline_patient"
EVERYBODY = "/information"


def is_patients(path: str) -> bool:
    """Whether a page is one of the patients'."""
    return path == PATIENTS or path.startswith(PATIENTS + "/")


def is_for_everybody(path: str) -> bool:
    """Whether a page is the same for everybody, logged in or not."""
    return path == EVERYBODY or path.startswith(EVERYBODY + "/")


class _Patients(SecureCookieSessionInterface):
    salt = "wardline-patient-session"

    def get_cookie_name(self, app: Flask) -> str:
        return PATIENTS_COOKIE

    def get_cookie_path(self, app: Flask) -> str:
        return PATIENTS


class _Nobodys(SessionInterface):
    def open_session(self, app: Flask, request: Request) -> SessionMixin:
        return SecureCookieSession()

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        """It is forgotten."""


class Sessions(SessionInterface):
    """The session of whoever asks, by the path."""

    def __init__(self) -> None:
        self._patients, self._staff = _Patients(), SecureCookieSessionInterface()
        self._nobodys = _Nobodys()

    def open_session(self, app: Flask, request: Request) -> SessionMixin | None:
        return self._of(request.path).open_session(app, request)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        from flask import request

        self._of(request.path).save_session(app, session, response)

    def _of(self, path: str) -> SessionInterface:
        if is_for_everybody(path):
            return self._nobodys
        return self._patients if is_patients(path) else self._staff
