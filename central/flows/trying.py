"""A call through a menu without a telephone: keys in, words out, in the console and in a terminal.

    telephone = TextTelephone(store, documents, "main", Trier("admin", "address/10.1.2.3"))
    heard = telephone.begin()
    heard = telephone.press("1")         # or wait(): nothing was pressed

It runs on the engine and the offers of real calls, and leaves nothing behind that looks like one:
whatever a look-up writes is undone when it has answered. Cards and PINs are tried like everywhere
else, and wrong ones count. That somebody looked at a patient's data so stands in the audit under
his own name.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from central.audit import model as audit
from central.console.marks import N_
from central.directory import model as directory
from central.flows import asking
from central.flows.document import Document
from central.flows.doing import (
    Apologise,
    Do,
    DropRecording,
    HangUp,
    Hold,
    Hush,
    Listening,
    LookUp,
    PlayRecording,
    PutThrough,
    Queue,
    Record,
    Remember,
    Say,
    StopRecording,
    TryCard,
    Unqueue,
    Wait,
)
from central.flows.engine import Call, LogIn
from central.flows.offers import Answer, Asking, Offer, offers
from central.patients.cards import Caller
from central.store import Store, StoreUnavailableError, Tx
from gateway.telephone.files.recording import MESSAGE

log = logging.getLogger("wardline.flows")

OVER = N_("The call is over.")
THROUGH = N_("The caller is put through to %(number)s.")
BACK = N_("The caller is put through to %(number)s. Press nothing: nobody answers there.")
FAILED = N_("The look-up %(offer)s failed.")
QUEUED = N_("The caller waits for %(number)s. Press nothing: nobody takes the call.")
SPEAKS = N_("A tone: the caller speaks. Press # or nothing: that was it.")
HEARS = N_("The caller hears what was said.")
# Stands for what the caller has said: nothing is recorded, and what is done with it is undone.
SAID = f"{MESSAGE}-0-trial"


@dataclass(frozen=True)
class Heard:
    """What the caller hears. lang: of spoken words, "" for a remark of ours (an English message id
    with %(name)s placeholders)."""

    lang: str
    text: str
    values: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Trier:
    """Who tries: a log-in name for the audit, and the place where wrong PINs are counted."""

    name: str
    place: str


class _UndoneError(Exception):
    """Undoes what a look-up wrote."""


class TextTelephone:
    """One call. lang: as of `Call`."""

    def __init__(
        self,
        store: Store,
        documents: Mapping[str, Document],
        flow: str,
        trier: Trier,
        *,
        lang: str = "zh",
    ) -> None:
        self._store = store
        self._trier = trier
        self._call = Call(documents, flow, lang=lang, places=directory.places(store.read()))
        self._heard: list[Heard] = []
        # What pressing nothing means while the caller speaks, waits for a person, or is away.
        self._nothing: Callable[[], Sequence[Do]] | None = None
        self._is_queued = False
        self.is_over = False
        # Whether what is pressed must not be shown.
        self.secret = False

    @property
    def place(self) -> tuple[str, str]:
        """The menu and the step where the call stands."""
        return self._call.place

    def begin(self) -> list[Heard]:
        return self._answer(self._call.begin())

    def press(self, key: str) -> list[Heard]:
        return self._answer(self._call.pressed(key))

    def wait(self) -> list[Heard]:
        """Nothing is pressed until the menu loses its patience, or nobody answers."""
        nothing, self._nothing = self._nothing or self._call.waited, None
        return self._answer(nothing())

    def _answer(self, todo: Sequence[Do]) -> list[Heard]:
        self._heard = []
        if not self.is_over:
            self._do(todo)
        if self._is_queued:
            self._is_queued = False
            self._do(self._call.placed(1))
        return self._heard

    def _do(self, todo: Sequence[Do]) -> None:
        for do in todo:
            match do:
                case Say(texts):
                    self._heard += [Heard(lang, text) for lang, text in texts]
                    # Who reads is through at once; keys come when he has read.
                    self._do(self._call.spoken())
                case LookUp():
                    self._do(self._look_up(do))
                case TryCard():
                    self._do(self._log_in(do))
                case Listening(secret):
                    self.secret = secret
                case Record():
                    self._nothing = self._said
                    self._heard.append(Heard("", SPEAKS))
                case StopRecording():
                    self._do(self._said())
                case PlayRecording():
                    self._heard.append(Heard("", HEARS))
                    self._do(self._call.spoken())
                case Queue(number):
                    self._is_queued, self._nothing = True, self._call.not_taken
                    self._heard.append(Heard("", QUEUED, {"number": number}))
                case Unqueue():
                    self._is_queued, self._nothing = False, None
                case PutThrough(number, comes_back) if comes_back:
                    self._nothing = self._call.unanswered
                    self._heard.append(Heard("", BACK, {"number": number}))
                case PutThrough(number):
                    self._end(Heard("", THROUGH, {"number": number}))
                case HangUp():
                    self._end(Heard("", OVER))
                case Apologise() | Hush() | Wait() | Hold() | Remember() | DropRecording():
                    pass
                case _:
                    assert_never(do)

    def _said(self) -> Sequence[Do]:
        self._nothing = None
        return self._call.recorded(SAID)

    def _end(self, last: Heard) -> None:
        self._heard.append(last)
        self.is_over, self.secret = True, False

    def _look_up(self, do: LookUp) -> Sequence[Do]:
        offer = offers()[do.offer]
        patient = self._call.patient
        answer: Answer | None = None
        staff = self._call.staff
        if not (offer.of_patient and patient is None) and not (offer.of_staff and staff is None):
            who = Asking(self._call.lang, patient, staff=staff)
            try:
                answer = self._asked(offer, who, do.values)
            except Exception:
                log.exception("%s failed while a menu was tried", do.offer)
        if answer is None:
            self._heard.append(Heard("", FAILED, {"offer": do.offer}))
            return self._call.looked_up(None)
        return self._call.looked_up(answer.outcome, answer.values)

    def _asked(self, offer: Offer, who: Asking, values: Mapping[str, str]) -> Answer:
        answer: Answer | None = None
        if not offer.acts:
            return asking.run(self._store.read(), offer, who, values)
        try:
            with self._store.transaction() as tx:
                answer = asking.run(tx, offer, who, values)
                raise _UndoneError
        except _UndoneError:
            pass
        assert answer is not None
        return answer

    def _log_in(self, do: TryCard) -> Sequence[Do]:
        try:
            tried = asking.log_in_staff_at_once if do.staff else asking.log_in_at_once
            came, who, lang = tried(self._store, do.card, do.pin, Caller(self._trier.place))
            if who is not None:
                with self._store.transaction() as tx:
                    self._audit(tx, f"extension/{who}" if do.staff else f"patient/{who}")
        except StoreUnavailableError:
            return self._call.logged_in(LogIn.LOST)
        return self._call.logged_in(came, who, lang)

    def _audit(self, tx: Tx, ref: str) -> None:
        audit.append(tx, self._trier.name, "flow.try", ref)
