"""One call through spoken menus. No I/O and no clock: what happened goes in, what to do comes out.

    call = Call(documents, "main", lang="zh")
    todo = call.begin()
    todo = call.pressed("1")         # or spoken(), waited(), looked_up(...), logged_in(...), ...

The runner (a telephone, a terminal, a test) does what it is told in order and reports back. It may
press keys at any time; what does not fit the moment does nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from central.flows import parts, reading
from central.flows.document import LANGS, PATIENT, STAFF, Document, Step
from central.flows.doing import (
    Apologise,
    Ask,
    Came,
    Do,
    HangUp,
    Hush,
    Listening,
    LookUp,
    PutThrough,
    Remember,
    Say,
    TryCard,
    Wait,
    slot,
)
from central.flows.offers import OK
from central.flows.taking import Taking
from central.flows.waiting import Waiting
from central.words import spoken as words_of

# What a runner works with is in `doing`.
__all__ = [
    "KEYS", "Call", "Do", "HangUp", "Hush", "Listening", "LogIn", "LookUp", "PutThrough",
    "Remember", "Say", "TryCard", "Wait",
]  # fmt: skip

AGAIN, PERSON, ENTER, CLEAR = "*", "0", "#", "*"
KEYS = frozenset("0123456789*#")
# Steps in a row with no key: a document that is checked has far fewer.
MOST_STEPS = 200
MOST_FLOWS = 16
MOST_LOG_INS = 3
MOST_SECRET_KEYS = 32
# For the next key of a number.
KEY_S = 6.0
# What is asked for by each kind of log-in; the words have these ids.
_ASKED = {PATIENT: "card", STAFF: "staff"}
# While a text is read in parts: the part once more, and the next one at once.
PART_AGAIN, PART_NEXT = "1", "2"


class LogIn(StrEnum):
    """What came of a card and a PIN."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"  # only the desk can unlock the card
    WAIT = "wait"  # this caller has to wait
    LOST = "lost"  # PINs cannot be checked


class _Mode(StrEnum):
    KEYS = "keys"  # a menu or digits: words may still be heard
    READING = "reading"  # a long text, part by part
    CARD = "card"
    PIN = "pin"
    CHECKING = "checking"
    LOOKING_UP = "looking_up"
    ASIDE = "aside"  # a dialogue of its own: `_aside`
    SORRY = "sorry"  # words could not be said: an apology, then a person, or the end
    LEAVING = "leaving"  # last words, then `_last`
    AWAY = "away"  # put through, and may come back
    OVER = "over"


@dataclass(frozen=True)
class _Place:
    document: Document
    step: Step


class _Text(NamedTuple):
    """What is said; slot: whose words these are, as in `Say`."""

    lang: str
    text: str
    slot: str = ""


class Call:
    """From the answer to the end. documents: by flow, all checked together; they never change
    under a call. lang: to begin with; chosen: by the caller, so that a card's does not change it.
    places: the numbers of `central.directory.places`, by name. `walked`: each way that was gone,
    as (flow, step, why)."""

    def __init__(
        self,
        documents: Mapping[str, Document],
        flow: str,
        *,
        lang: str = "zh",
        places: Mapping[str, str] | None = None,
    ) -> None:
        self._documents = documents
        self._flow = flow
        self._places = places or {}
        self.lang = lang if lang in LANGS else "zh"
        self.patient: str | None = None
        self.staff: str | None = None
        self.walked: list[tuple[str, str, str]] = []
        self._chosen = False
        self._values: dict[str, Any] = {}
        self._stack: list[_Place] = []
        self._at: _Place | None = None
        self._mode = _Mode.OVER
        self._said: list[_Text] = []  # words of steps that only say, to be said with the next
        self._typed = self._card = self._early = ""
        self._parts: list[parts.Texts] = []
        self._part = 0
        self._tries = self._log_ins = self._steps = 0
        self._speaking = False
        self._answer: tuple[str, Mapping[str, Any]] | None = None
        self._last: Do = HangUp()
        self._sorry = False
        self._aside: Taking | Waiting | None = None

    # --- what happens ---

    def begin(self) -> list[Do]:
        document = self._documents[self._flow]
        return self._enter(document, document.start)

    def pressed(self, key: str) -> list[Do]:
        if key not in KEYS:
            return []
        self._steps = 0
        match self._mode:
            case _Mode.KEYS:
                return self._key(key)
            case _Mode.READING:
                return self._reading_key(key)
            case _Mode.CARD | _Mode.PIN:
                return self._secret_key(key)
            case _Mode.LOOKING_UP:
                self._early = self._early or key
                if self._answer is not None:
                    self._speaking = False
                    return [Hush(), *self._answered()]
            case _Mode.ASIDE if self._aside is not None:
                person = self._to_person(key) if self._aside.is_asking else None
                return person or self._in_aside(self._aside.pressed(key))
        return []

    def spoken(self) -> list[Do]:
        """What was said has been heard to its end."""
        self._speaking = False
        match self._mode:
            case _Mode.KEYS:
                return [Wait(KEY_S if self._typed else self._step.wait_s)]
            case _Mode.READING:
                return [Wait(self._step.pause_s)]
            case _Mode.CARD | _Mode.PIN:
                return [Wait(KEY_S)]
            case _Mode.LOOKING_UP if self._answer is not None:
                return self._answered()
            case _Mode.ASIDE if self._aside is not None:
                return self._in_aside(self._aside.spoken())
            case _Mode.SORRY:
                return self._after_apology()
            case _Mode.LEAVING:
                return self._leave()
        return []

    def unsaid(self) -> list[Do]:
        """What was to be said cannot be, for there is no voice. He hears an apology, once, and is
        put through to a person where a menu that he is in has one; in a queue he waits on. With
        nothing to do, the rest that was to be done goes on: a look-up is not left out."""
        self._speaking, self._said = False, []
        if self._mode is _Mode.LOOKING_UP:
            return []
        listening: list[Do] = []
        if self._mode in (_Mode.CARD, _Mode.PIN):
            listening = [Listening(secret=False)]
        if isinstance(self._aside, Waiting):
            return self._in_aside(self._aside.spoken())
        if self._mode is _Mode.ASIDE and self._aside is not None:
            if kept := self._aside.hung_up():
                return self._in_aside(kept)
            self._aside = None
        if self._mode is _Mode.LEAVING and (self._sorry or isinstance(self._last, PutThrough)):
            return self._leave()
        if self._sorry:
            self._mode, self._last = _Mode.LEAVING, HangUp()
            return [*listening, *self._leave()]
        self._sorry, self._mode = True, _Mode.SORRY
        return [*listening, Apologise(self.lang)]

    def _after_apology(self) -> list[Do]:
        places = [*self._stack, *filter(None, [self._at])]
        for place in reversed(places):
            if place.document.person:
                self.walked.append((place.document.flow, place.step.name, "unsaid"))
                return self._enter(place.document, place.document.person)
        self._last = HangUp()
        return self._leave()

    def waited(self) -> list[Do]:
        match self._mode:
            case _Mode.KEYS if self._step.verb == "digits" and self._enough():
                return self._take_digits()
            case _Mode.KEYS:
                self._typed = ""
                return self._again(self._own("no_key"))
            case _Mode.READING:
                return self._read_part(self._part + 1)
            case _Mode.CARD | _Mode.PIN:
                self._tries += 1
                if self._tries >= MOST_LOG_INS:
                    return [Listening(secret=False), *self._fail(self._step)]
                return self._ask_card()
            case _Mode.ASIDE if self._aside is not None:
                return self._in_aside(self._aside.waited())
        return []

    def recorded(self, id: str | None, *, heard: bool = True) -> list[Do]:
        """What came of `Record`. None: it could not be kept. heard: whether it holds any sound."""
        if self._mode is _Mode.ASIDE and isinstance(self._aside, Taking):
            return self._in_aside(self._aside.recorded(id, heard=heard))
        return []

    def placed(self, place: int) -> list[Do]:
        """He has this place in the queue now; 1 is the next one."""
        if self._mode is _Mode.ASIDE and isinstance(self._aside, Waiting):
            return self._in_aside(self._aside.placed(place))
        return []

    def not_taken(self) -> list[Do]:
        """Nobody took the call in the queue."""
        if self._mode is _Mode.ASIDE and isinstance(self._aside, Waiting):
            return self._in_aside(self._aside.not_taken())
        return []

    def taken(self) -> None:
        """Somebody speaks with him, and his call ends with that."""
        self._aside, self._mode = None, _Mode.OVER

    def hung_up(self) -> list[Do]:
        """The caller is gone. What he has spoken is still looked after: whatever is to be said is
        to be taken as heard, and the first wait for a key is the end."""
        if self._mode is _Mode.ASIDE and self._aside is not None:
            return self._in_aside(self._aside.hung_up())
        return []

    def looked_up(self, outcome: str | None, values: Mapping[str, Any] | None = None) -> list[Do]:
        """outcome: of the offer; None: it failed or took too long."""
        if self._mode is not _Mode.LOOKING_UP or self._answer is not None:
            return []
        self._answer = (outcome or "", values or {})
        if self._speaking and not self._early:
            return []
        hush: list[Do] = [Hush()] if self._speaking else []
        self._speaking = False
        return [*hush, *self._answered()]

    def logged_in(self, came: LogIn, who: str | None = None, lang: str | None = None) -> list[Do]:
        """who: the patient, or the extension of one of the staff. lang: that the card remembers,
        or the person's own."""
        if self._mode is not _Mode.CHECKING:
            return []
        step, self._card = self._step, ""
        if came is LogIn.RIGHT and who is not None:
            remembered: list[Do] = []
            if step.what == STAFF:
                self.staff = who
            else:
                self.patient = who
            if self._chosen:
                remembered = [Remember(who, self.lang)] if step.what == PATIENT else []
            elif lang in LANGS:
                self.lang = lang
            return [*remembered, *self._go(step, "then")]
        self._log_ins += 1
        words = self._own(f"{_ASKED[step.what]}_{came}")
        if came is not LogIn.WRONG or self._log_ins >= MOST_LOG_INS:
            self._said.append(words)
            return self._fail(step, "log_in_over")
        return self._ask_card(words)

    def unanswered(self) -> list[Do]:
        """Nobody answered where the caller was put through to, and he is ours again."""
        return self._go(self._step, "unanswered") if self._mode is _Mode.AWAY else []

    @property
    def place(self) -> tuple[str, str]:
        """The menu and the step where it stands; ("", "") before it begins."""
        return ("", "") if self._at is None else (self._at.document.flow, self._at.step.name)

    @property
    def is_over(self) -> bool:
        return self._mode is _Mode.OVER

    # --- from step to step ---

    @property
    def _step(self) -> Step:
        assert self._at is not None
        return self._at.step

    def _go(self, step: Step, why: str) -> list[Do]:
        assert self._at is not None
        document = self._at.document
        self.walked.append((document.flow, step.name, why))
        return self._enter(document, step.edges[why])

    def _enter(self, document: Document, name: str) -> list[Do]:
        self._steps += 1
        if self._steps > MOST_STEPS:
            return self._give_up()
        self._at = _Place(document, document.steps[name])
        self._tries, self._typed = 0, ""
        try:
            return self._do(self._step)
        except reading.UnreadableError:
            return self._give_up()

    def _do(self, step: Step) -> list[Do]:
        match step.verb:
            case "say":
                self._said += self._words(step)
                return self._go(step, "then")
            case "menu" | "digits":
                return self._ask_first()
            case "read":
                return self._read(step)
            case "log_in":
                known = self.staff if step.what == STAFF else self.patient
                return self._go(step, "then") if known else self._ask_card()
            case "look_up":
                return self._look_up(step)
            case "record":
                return self._begin_aside(Taking(step.most_s, step.tries))
            case "queue":
                return self._queue(step)
            case "branch":
                case = f"is {self._values.get(step.what, '')}"
                return self._go(step, case if case in step.edges else "otherwise")
            case "language":
                self.lang, self._chosen = step.what, True
                kept: list[Do] = [Remember(self.patient, self.lang)] if self.patient else []
                return [*kept, *self._go(step, "then")]
            case "flow":
                return self._begin_flow(step)
            case "transfer" | "conference":
                return self._put_through(step)
            case "back" if self._stack:
                self._said += self._words(step)
                return self._back()
            case _:
                return self._end_with(step, HangUp())

    def _put_through(self, step: Step) -> list[Do]:
        """Where nothing has the place's number it is as if nobody answered."""
        comes_back = "unanswered" in step.edges
        number = self._number(step)
        if number:
            return self._end_with(step, PutThrough(number, comes_back))
        return self._go(step, "unanswered") if comes_back else self._fail(step)

    def _queue(self, step: Step) -> list[Do]:
        number = self._number(step)
        if not number:
            return self._go(step, "unanswered")
        words = bool(step.words or self._said)
        more = bool(step.waiting)
        return self._begin_aside(Waiting(number, step.most_s, step.every_s, words=words, more=more))

    def _number(self, step: Step) -> str:
        return self._places.get(step.what, "") if step.place else step.what

    def _begin_flow(self, step: Step) -> list[Do]:
        assert self._at is not None
        document = self._documents[step.what]
        if "then" in step.edges:
            if len(self._stack) == MOST_FLOWS:
                return self._give_up()
            self._stack.append(self._at)
        return self._enter(document, document.start)

    def _back(self) -> list[Do]:
        self._at = self._stack.pop()
        return self._go(self._at.step, "then")

    def _fail(self, step: Step, words: str = "giving_up") -> list[Do]:
        """Where the step, or else its document, says; or else the call ends."""
        assert self._at is not None
        document = self._at.document
        self._mode = _Mode.OVER
        to = step.edges.get("failed") or document.failed
        if to and to != step.name:  # the document's own would begin anew for ever
            self.walked.append((document.flow, step.name, "failed"))
            return self._enter(document, to)
        self.walked.append((document.flow, step.name, "given up"))
        return self._give_up(words)

    def _give_up(self, words: str = "giving_up") -> list[Do]:
        self._mode, self._last = _Mode.LEAVING, HangUp()
        return [self._say(self._own(words))]

    def _end_with(self, step: Step, last: Do) -> list[Do]:
        self._mode, self._last = _Mode.LEAVING, last
        self._said += self._words(step)
        return [self._say()] if self._said else self._leave()

    def _leave(self) -> list[Do]:
        comes_back = isinstance(self._last, PutThrough) and self._last.comes_back
        self._mode = _Mode.AWAY if comes_back else _Mode.OVER
        return [self._last]

    # --- words ---

    def _own(self, words_id: str, **values: Any) -> _Text:
        return _Text(self.lang, words_of(self.lang, f"flows.{words_id}", **values))

    def _words(self, step: Step, part: str = "") -> list[_Text]:
        """Of a part of a step, the first with what is for those who do not understand this
        language."""
        langs = {part: [self.lang]}
        if not part:
            langs["other"] = [lang for lang in LANGS if lang != self.lang]
        said = [
            (each, lang, step.parts[each][lang])
            for each in langs if each in step.parts for lang in langs[each]
        ]  # fmt: skip
        return [text for place in said for text in self._texts(step, *place)]

    def _texts(self, step: Step, part: str, lang: str, words: str) -> list[_Text]:
        """A place's words, which are its own only as they stand there: without values."""
        assert self._at is not None
        place = slot(self._at.document.flow, step.name, part)
        texts = reading.read_out(words, self._values, lang)
        return [_Text(*each, place if each == (lang, words) else "") for each in texts]

    def _say(self, *texts: _Text) -> Say:
        said, self._said = (*self._said, *texts), []
        self._speaking = True
        return Say(
            tuple((each.lang, each.text) for each in said), tuple(each.slot for each in said)
        )

    # --- menus and digits ---

    def _ask_first(self) -> list[Do]:
        """A key that was pressed while something was looked up counts, unless there is anything to
        be heard before."""
        early, self._early = self._early, ""
        if not early or self._said:
            return self._ask()
        self._mode = _Mode.KEYS
        return self._key(early)

    def _ask(self, *first: _Text) -> list[Do]:
        self._mode = _Mode.KEYS
        return [self._say(*first, *self._words(self._step))]

    def _again(self, *first: _Text) -> list[Do]:
        """After a wrong key or none."""
        self._tries += 1
        if self._tries >= self._step.tries:
            return self._fail(self._step)
        return self._ask(*first)

    def _key(self, key: str) -> list[Do]:
        step = self._step
        if step.verb == "digits":
            return self._digit(key)
        if key in step.keys:
            return self._take_key(key)
        if key == AGAIN:
            return self._again()
        return self._to_person(key) or self._again(self._own("wrong_key"))

    def _take_key(self, key: str) -> list[Do]:
        if "into" in self._step.more:
            self._values[self._step.more["into"]] = key
        return [*self._hush(), *self._go(self._step, f"key {key}")]

    def _hush(self) -> list[Do]:
        """What is being said was for the key that has come."""
        was, self._speaking = self._speaking, False
        return [Hush()] if was else []

    def _to_person(self, key: str) -> list[Do] | None:
        assert self._at is not None
        document = self._at.document
        if key != PERSON or not document.person:
            return None
        self.walked.append((document.flow, self._step.name, "person"))
        return [*self._hush(), *self._enter(document, document.person)]

    def _digit(self, key: str) -> list[Do]:
        if key == CLEAR:
            self._typed = ""
            return self._again()
        if key == ENTER:
            return self._take_digits() if self._enough() else self._short()
        self._typed += key
        if len(self._typed) >= int(self._step.more.get("most", MOST_SECRET_KEYS)):
            return self._take_digits()
        self._speaking = False
        return [Hush(), Wait(KEY_S)]

    def _enough(self) -> bool:
        return len(self._typed) >= int(self._step.more.get("least", 1))

    def _short(self) -> list[Do]:
        self._typed = ""
        return self._again(self._own("too_short"))

    def _take_digits(self) -> list[Do]:
        self._values[self._step.more["into"]] = self._typed
        return [*self._hush(), *self._go(self._step, "then")]

    # --- long texts ---

    def _read(self, step: Step) -> list[Do]:
        """Its words tell of the keys, so they are said where there is more than one part."""
        text = reading.read_out(f"{{{step.what}}}", self._values, self.lang)
        self._parts = parts.cut(text)
        if len(self._parts) > 1:
            self._said += self._words(step)
        return self._read_part(0)

    def _read_part(self, part: int, *first: _Text) -> list[Do]:
        """The last one is said together with what follows."""
        self._part = part
        if part < len(self._parts) - 1:
            self._mode = _Mode.READING
            return [self._say(*first, *(_Text(*each) for each in self._parts[part]))]
        rest = [_Text(*text) for each in self._parts[part:] for text in each]
        self._said += [*first, *rest]
        return self._go(self._step, "then")

    def _reading_key(self, key: str) -> list[Do]:
        if key in self._step.keys:
            return self._take_key(key)
        goes = {PART_AGAIN: self._part, PART_NEXT: self._part + 1, AGAIN: 0}
        if key in goes:
            return self._read_part(goes[key])
        wrong = self._own("wrong_key")
        return self._to_person(key) or self._read_part(self._part, wrong)

    # --- dialogues of their own ---

    def _begin_aside(self, aside: Taking | Waiting) -> list[Do]:
        self._mode, self._aside = _Mode.ASIDE, aside
        return self._in_aside(aside.begin())

    def _in_aside(self, doing: Iterable[Do | Ask | Came]) -> list[Do]:
        """What it says becomes words; once it is over, the step's ways are gone."""
        todo: list[Do] = []
        for each in doing:
            match each:
                case Ask(own, part):
                    words = [self._own(one.id, **one.values) for one in own]
                    words += [] if part is None else self._words(self._step, part)
                    todo.append(self._say(*words))
                case Came(value, why):
                    self._aside = None
                    todo += self._after_aside(value, why)
                case _:
                    todo.append(each)
        return todo

    def _after_aside(self, value: str | None, why: str) -> list[Do]:
        step = self._step
        if value is None:
            self._said += [self._own(why)] if why else []
            return self._go(step, "unanswered") if step.verb == "queue" else self._fail(step)
        self._values[step.more["into"]] = value
        return self._go(step, "then")

    # --- card and PIN ---

    def _ask_card(self, *first: _Text) -> list[Do]:
        self._early = ""
        self._mode, self._typed, self._card = _Mode.CARD, "", ""
        return [Listening(secret=True), self._say(*first, self._own(_ASKED[self._step.what]))]

    def _secret_key(self, key: str) -> list[Do]:
        self._speaking = False
        if key == CLEAR:
            self._typed = ""
        elif key != ENTER:
            self._typed = (self._typed + key)[:MOST_SECRET_KEYS]
        elif self._typed and self._mode is _Mode.CARD:
            self._card, self._typed, self._mode = self._typed, "", _Mode.PIN
            return [self._say(self._own("pin"))]
        elif self._typed:
            pin, self._typed, self._mode = self._typed, "", _Mode.CHECKING
            staff = self._step.what == STAFF
            return [Hush(), Listening(secret=False), TryCard(self._card, pin, staff)]
        return [Hush(), Wait(KEY_S)]

    # --- look-ups ---

    def _look_up(self, step: Step) -> list[Do]:
        self._mode, self._answer = _Mode.LOOKING_UP, None
        values = {
            name: str(self._values.get(given[1:], "")) if str(given).startswith("$") else str(given)
            for name, given in step.more.get("with", {}).items()
        }
        said: list[Do] = []
        if self._said:
            said, self._early = [self._say()], ""
        return [*said, LookUp(step.what, values)]

    def _answered(self) -> list[Do]:
        assert self._answer is not None
        outcome, values = self._answer
        self._answer = None
        step = self._step
        into = step.more.get("as", "")
        prefix = f"{into}." if into else ""
        self._values |= {prefix + name: value for name, value in values.items()}
        if outcome == OK:
            return self._go(step, "then")
        if f"outcome {outcome}" in step.edges:
            return self._go(step, f"outcome {outcome}")
        return self._fail(step)
