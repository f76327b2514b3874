"""Messages from central, taken apart and checked by hand: schemas are too big for a node.

The shapes are those of `gateway/mqtt/schemas/`; a test holds the two together. Unknown fields
are ignored.
"""

import json

from ward_node.compat import Any
from ward_node.contract import kinds, topics, versions
from ward_node.core.voice import CHIMES

MAX_PAYLOAD_BYTES = 256 * 1024
MAX_TEXT = 2000
MAX_NAME = 200
MOST_LOG_LINES = 1000
MAX_SOUND = 4096  # of one block, in base64
LANGS = ("zh", "en")
PRIORITIES = ("high", "medium", "low")
VERSIONS = (topics.VERSION,)


class RejectedMessageError(Exception):
    """A message that is not acted on; says why in words an engineer can use."""

    error_id = "message-rejected"


def decode(kind: str, payload: bytes, heard: bool = False) -> dict[str, Any]:
    """The message of a payload; `heard` by a station, said by another box.
    Raises RejectedMessageError."""
    if kind not in (topics.HEARD_BY_STATION if heard else topics.TO_NODE):
        raise RejectedMessageError("a node takes no " + kind + " messages")
    if len(payload) > MAX_PAYLOAD_BYTES:
        raise RejectedMessageError(str(len(payload)) + " bytes are too many for a message")
    try:
        message = json.loads(payload.decode())
    except (ValueError, RuntimeError):
        # RuntimeError: nested deeper than the stack
        raise RejectedMessageError("the " + kind + " message is not JSON in UTF-8")  # noqa: B904
    if not isinstance(message, dict):
        raise RejectedMessageError("the " + kind + " message is not a JSON object")
    return message


def check(kind: str, message: dict[str, Any]) -> None:
    """Raises RejectedMessageError with the first thing that is wrong."""
    _CHECKS[kind](message)


def _config(message: dict[str, Any]) -> None:
    _integer(message, "version")
    if message["version"] not in VERSIONS:
        raise RejectedMessageError(
            "config of protocol version " + str(message["version"]) + ", this node speaks 1 only"
        )
    _integer(message, "revision")
    _one_of(message, "lang", LANGS)
    _names(message, "beds")
    for name in ("day_volume", "emergency_floor"):
        if name in message:
            _integer(message, name, 0, 100)
    for band in _list(message.get("bands", []), "bands"):
        _object(band, "bands")
        _integer(band, "from_min", 0, 1439)
        _integer(band, "to_min", 0, 1439)
        _integer(band, "volume", 0, 100)
    for words in _object(message.get("phrases", {}), "phrases").values():
        _words(words)


def _clock(message: dict[str, Any]) -> None:
    _integer(message, "now_ms")
    _integer(message, "real_ms")
    _integer(message, "offset_min", -1440)
    _name(message, "session")
    if message.get("trouble") is not None and not isinstance(message["trouble"], str):
        raise RejectedMessageError("trouble is not a text")


def _voice(message: dict[str, Any]) -> None:
    _name(message, "stream", 100)
    _integer(message, "seq")
    _integer(message, "at_ms")
    _one_of(message, "class", kinds.LIVE_CLASSES)
    if "sound" in message:
        _text(message, "sound", MAX_SOUND)
    if type(message.get("end", False)) is not bool:
        raise RejectedMessageError("end is not true or false")


def _receipt(message: dict[str, Any]) -> None:
    _names(message, "ids")
    if not message["ids"]:
        raise RejectedMessageError("ids is empty")
    if type(message.get("refused", False)) is not bool:
        raise RejectedMessageError("refused is not true or false")


def _command(message: dict[str, Any]) -> None:
    _name(message, "id")
    _one_of(message, "type", kinds.COMMAND_TYPES)
    _integer(message, "expires_at_ms")
    if message.get("bed") is not None:
        _text(message, "bed", 32)
    body = _object(message.get("body"), "body")
    _BODIES[message["type"]](body)


def _speak(body: dict[str, Any]) -> None:
    _name(body, "utterance")
    _one_of(body, "class", kinds.SPEECH_CLASSES)
    if "words" not in body:
        raise RejectedMessageError("words is missing")
    _words(body["words"])
    if "chime" in body:
        _one_of(body, "chime", CHIMES)
    if body.get("repeat_every_ms") is not None:
        _integer(body, "repeat_every_ms", 1000)
    if "beds" in body:
        _names(body, "beds")
    _press(body)


def _stop(body: dict[str, Any]) -> None:
    _name(body, "utterance")


def _call(body: dict[str, Any]) -> None:
    _name(body, "call")
    _one_of(body, "phase", kinds.PHASES)
    if "priority" in body:
        _one_of(body, "priority", PRIORITIES)
    _words(body.get("words"))
    _press(body)


def _event(message: dict[str, Any]) -> None:
    for name in ("id", "node", "ward"):
        _name(message, name)
    _integer(message, "boot")
    _integer(message, "seq", 1)
    _integer(message, "age_ms")
    _one_of(message, "type", kinds.EVENT_TYPES)
    if message.get("bed") is not None:
        _text(message, "bed", 32)
    _object(message.get("about", {}), "about")
    if type(message.get("age_known", True)) is not bool:
        raise RejectedMessageError("age_known is not true or false")
    if "over" in message:
        over = _object(message["over"], "over")
        _integer(over, "boot")
        _integer(over, "seq", 1)
        _integer(over, "age_ms")


def _beds(message: dict[str, Any]) -> None:
    _integer(message, "boot")
    for bed in _object(message.get("beds"), "beds").values():
        _object(bed, "beds")
        _one_of(bed, "state", kinds.BED_STATES)
        if type(bed.get("receipted")) is not bool:
            raise RejectedMessageError("receipted is missing or not true or false")
        if type(bed.get("accepted", False)) is not bool:
            raise RejectedMessageError("accepted is not true or false")
        if "for_ms" in bed:
            _integer(bed, "for_ms")


def _press(body: dict[str, Any]) -> None:
    if body.get("press") is None:
        return
    press = _object(body["press"], "press")
    _name(press, "ward")
    if "bed" not in press:
        raise RejectedMessageError("bed is missing")
    if press["bed"] is not None:
        _text(press, "bed", 32)
    if "node" in press:
        _name(press, "node")
    if "boot" in press:
        _integer(press, "boot")
    if "seq" in press:
        _integer(press, "seq", 1)


def _reminders(body: dict[str, Any]) -> None:
    _name(body, "infusion")
    _integer(body, "revision")
    if "unconfirmed_after_ms" in body:
        _integer(body, "unconfirmed_after_ms")
    for prompt in _list(body.get("prompts"), "prompts"):
        _object(prompt, "prompts")
        _name(prompt, "stage")
        _integer(prompt, "in_ms", None)
        if "words" not in prompt:
            raise RejectedMessageError("words is missing")
        _words(prompt["words"])
        if type(prompt.get("final", False)) is not bool:
            raise RejectedMessageError("final is not true or false")


def _selftest(body: dict[str, Any]) -> None:
    pass


def _prove(body: dict[str, Any]) -> None:
    _name(body, "proof")


def _update(body: dict[str, Any]) -> None:
    _text(body, "version", 40)
    try:
        versions.order(body["version"])
    except ValueError as error:
        raise RejectedMessageError(str(error))  # noqa: B904
    if type(body.get("again", False)) is not bool:
        raise RejectedMessageError("again is not true or false")


def _log(body: dict[str, Any]) -> None:
    _integer(body, "lines", 1, MOST_LOG_LINES)
    if type(body.get("grave", False)) is not bool:
        raise RejectedMessageError("grave is not true or false")


def _words(words: Any) -> None:
    if words is None:
        return
    _object(words, "words")
    _one_of(words, "lang", LANGS)
    _text(words, "text", MAX_TEXT)
    if words.get("audio") is not None:
        audio = _object(words["audio"], "audio")
        _text(audio, "sha256", 64)
        for letter in audio["sha256"]:
            if letter not in "0123456789abcdef":
                raise RejectedMessageError("sha256 is not hexadecimal")
        if len(audio["sha256"]) != 64:
            raise RejectedMessageError("sha256 is too short")
        _text(audio, "url", 2000)
        _integer(audio, "duration_ms")


def _text(holder: dict[str, Any], name: str, most: int) -> None:
    value = holder.get(name)
    if not isinstance(value, str):
        raise RejectedMessageError(name + " is missing or not a text")
    if len(value) > most:
        raise RejectedMessageError(name + " is longer than " + str(most) + " characters")
    for letter in value:
        # Half of a surrogate pair can be neither spoken nor sent. MicroPython would encode it.
        if 0xD800 <= ord(letter) <= 0xDFFF:
            raise RejectedMessageError(name + " holds half a character")


def _name(holder: dict[str, Any], name: str, most: int = MAX_NAME) -> None:
    _text(holder, name, most)
    if not holder[name]:
        raise RejectedMessageError(name + " is empty")


def _integer(
    holder: dict[str, Any], name: str, least: int | None = 0, most: int | None = None
) -> None:
    value = holder.get(name)
    if type(value) is not int:  # True is an int to isinstance
        raise RejectedMessageError(name + " is missing or not a whole number")
    if (least is not None and value < least) or (most is not None and value > most):
        raise RejectedMessageError(name + " is out of range: " + str(value))


def _one_of(holder: dict[str, Any], name: str, known: "tuple[str, ...]") -> None:
    value = holder.get(name)
    if not isinstance(value, str) or value not in known:
        raise RejectedMessageError(name + " is not one of " + ", ".join(known))


def _names(holder: dict[str, Any], name: str) -> None:
    for each in _list(holder.get(name), name):
        if not isinstance(each, str) or not each or len(each) > MAX_NAME:
            raise RejectedMessageError(name + " holds something that is no name")


def _list(value: Any, name: str) -> "list[Any]":
    if not isinstance(value, list):
        raise RejectedMessageError(name + " is missing or not a list")
    return value


def _object(value: Any, name: str) -> "dict[str, Any]":
    if not isinstance(value, dict):
        raise RejectedMessageError(name + " is missing or not an object")
    return value


_CHECKS = {
    topics.CONFIG: _config,
    topics.CLOCK: _clock,
    topics.RECEIPT: _receipt,
    topics.VOICE: _voice,
    topics.COMMAND: _command,
    topics.EVENT: _event,
    topics.BEDS: _beds,
}
_BODIES = {
    kinds.SPEAK: _speak,
    kinds.STOP: _stop,
    kinds.CALL: _call,
    kinds.REMINDERS: _reminders,
    kinds.SELFTEST: _selftest,
    kinds.PROVE: _prove,
    kinds.UPDATE: _update,
    kinds.LOG: _log,
}
