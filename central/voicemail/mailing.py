"""Tells by e-mail of a message that was left: central.json's "mail".

    {"host": "mail.example.org", "port": 587, "from": "ward@example.org", "tls": "starttls",
     "user": "...", "password": "...", "attach": false}

Asterisk sends none: whoever runs it has no programme for it. A message is told of until the mail
server has taken it, over restarts. Should we die between its answer and our commit it is told of
again, under the same Message-ID, by which mail systems know a copy. Its sound is sent along only
if `attach` says so: what patients say leaves the house by it.
"""

import asyncio
import logging
import smtplib
import sqlite3
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.message import EmailMessage
from functools import partial
from typing import Any

from central.config import ConfigError
from central.console.marks import N_
from central.store import Row, Store, StoreUnavailableError
from central.voicemail import model, service
from central.words import seen
from gateway.telephone.messages import Spool

log = logging.getLogger("wardline.telephone")

KEY = "mail"
TLS = ("none", "starttls", "tls")
TIMEOUT_S = 20.0
LOOK_EVERY_S = 2.0
SUBJECT = N_("Voice message from %(caller)s")
BODY = N_(
    "A message of %(seconds)s s was left for extension %(number)s (%(label)s) at %(time)s."
    " It is heard by phone or in the console."
)
UNKNOWN = N_("an unknown number")


@dataclass(frozen=True)
class Mail:
    """How e-mail is sent. tls: "none", "starttls" or "tls"; user: "" logs in nowhere."""

    host: str
    port: int
    sender: str
    tls: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    attach: bool = False


def from_config(config: Mapping[str, Any]) -> Mail | None:
    """None where no mail server is configured. Raises ConfigError."""
    if KEY not in config:
        return None
    said = config[KEY]
    if not isinstance(said, dict):
        raise ConfigError(f"{KEY} must be a group of settings")
    for name in ("host", "from"):
        if not isinstance(said.get(name), str) or not said[name].strip():
            raise ConfigError(f"{KEY}.{name} is missing or not a text")
    if type(said.get("port")) is not int or not 0 < said["port"] < 65_536:
        raise ConfigError(f"{KEY}.port must be a number from 1 to 65,535")
    if said.get("tls", "starttls") not in TLS:
        raise ConfigError(f"{KEY}.tls must be one of {', '.join(TLS)}")
    for name in ("user", "password"):
        if not isinstance(said.get(name, ""), str):
            raise ConfigError(f"{KEY}.{name} must be a text")
    if type(said.get("attach", False)) is not bool:
        raise ConfigError(f"{KEY}.attach must be true or false")
    return Mail(
        said["host"].strip(), said["port"], said["from"].strip(), said.get("tls", "starttls"),
        said.get("user", ""), said.get("password", ""), said.get("attach", False),
    )  # fmt: skip


def letter(mail: Mail, row: Row, sound: bytes | None) -> EmailMessage:
    """The e-mail about a row of `model.to_mail`."""
    lang = row["lang"] or "zh"
    caller = row["caller"] or seen(lang, UNKNOWN)
    time = f"{datetime.fromtimestamp(row['came_ms'] / 1000):%Y-%m-%d %H:%M}"
    letter = EmailMessage()
    letter["From"], letter["To"] = mail.sender, row["mail"]
    letter["Subject"] = seen(lang, SUBJECT, caller=caller)
    letter["Message-ID"] = f"<{row['id']}@wardline>"
    letter["Auto-Submitted"] = "auto-generated"
    values = {"seconds": row["duration_s"], "number": row["number"], "label": row["label"] or ""}
    letter.set_content(seen(lang, BODY, time=time, **values) + "\n")
    if sound is not None:
        letter.add_attachment(sound, maintype="audio", subtype="wav", filename="message.wav")
    return letter


def send(mail: Mail, letter: EmailMessage) -> None:
    """Hand it to the mail server; blocks. Raises OSError, SMTPException."""
    context = ssl.create_default_context()
    if mail.tls == "tls":
        connection: smtplib.SMTP = smtplib.SMTP_SSL(
            mail.host, mail.port, timeout=TIMEOUT_S, context=context
        )
    else:
        connection = smtplib.SMTP(mail.host, mail.port, timeout=TIMEOUT_S)
    with connection:
        if mail.tls == "starttls":
            connection.starttls(context=context)
        if mail.user:
            connection.login(mail.user, mail.password)
        connection.send_message(letter)


class Postman:
    """Sends what is to be told, one after the other."""

    def __init__(self, store: Store, mail: Mail, spool: Spool) -> None:
        self._store = store
        self._mail = mail
        self._spool = spool

    async def look(self) -> None:
        """Send all that is due. Raises StoreUnavailableError."""
        while (row := model.to_mail(self._store.read())) is not None:
            try:
                await asyncio.to_thread(self._send, row)
            except (OSError, ValueError, smtplib.SMTPException) as error:
                again = await self._store.write(partial(service.not_mailed, id=row["id"]))
                log.error(
                    "message %s is not told of by e-mail: %s; %s", row["id"], error,
                    "trying again later" if again else "given up",
                )  # fmt: skip
            else:
                await self._store.write(partial(service.mailed, id=row["id"]))

    def _send(self, row: Row) -> None:
        sound = self._spool.path(row["id"]).read_bytes() if self._mail.attach else None
        send(self._mail, letter(self._mail, row, sound))

    async def run(self) -> None:
        """Until cancelled."""
        failing = False
        while True:
            try:
                await self.look()
                failing = False
            except (sqlite3.Error, StoreUnavailableError) as error:
                if not failing:
                    log.error("no e-mail is sent for now: %s; trying again", error)
                failing = True
            await asyncio.sleep(LOOK_EVERY_S)
