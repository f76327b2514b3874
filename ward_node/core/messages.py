"""Messages from central, taken apart and checked by hand: schemas are too big for a node.

The shapes are those of `gateway/mqtt/schemas/`; a test holds the two together. Unknown fields
are ignored. What a station hears of other boxes is checked in `overhearing`.
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
    want_integer(message, "version")
    if message["version"] not in VERSIONS:
        raise RejectedMessageError(
            "config of protocol version " + str(message["version"]) + ", this node speaks 1 only"
        )
    want_integer(message, "revision")
    want_one_of(message, "lang", LANGS)
    want_names(message, "beds")
    for name in ("day_volume", "emergency_floor"):
        if name in message:
            want_integer(message, name, 0, 100)
    for band in want_list(message.get("bands", []), "bands"):
        want_object(band, "bands")
        want_integer(band, "from_min", 0, 1439)
        want_integer(band, "to_min", 0, 1439)
        want_integer(band, "volume", 0, 100)
    for words in want_object(message.get("phrases", {}), "phrases").values():
        _words(words)


def _clock(message: dict[str, Any]) -> None:
    want_integer(message, "now_ms")
    want_integer(message, "real_ms")
    want_integer(message, "offset_min", -1440)
    want_name(message, "session")
    if message.get("trouble") is not None and not isinstance(message["trouble"], str):
        raise RejectedMessageError("trouble is not a text")


def _voice(message: dict[str, Any]) -> None:
    want_name(message, "stream", 100)
    want_integer(message, "seq")
    want_integer(message, "at_ms")
    want_one_of(message, "class", kinds.LIVE_CLASSES)
    if "sound" in message:
        want_text(message, "sound", MAX_SOUND)
    want_truth(message, "end")


def _receipt(message: dict[str, Any]) -> None:
    want_names(message, "ids")
    if not message["ids"]:
        raise RejectedMessageError("ids is empty")
    want_truth(message, "refused")


def _command(message: dict[str, Any]) -> None:
    want_name(message, "id")
    want_one_of(message, "type", kinds.COMMAND_TYPES)
    want_integer(message, "expires_at_ms")
    if message.get("bed") is not None:
        want_text(message, "bed", 32)
    body = want_object(message.get("body"), "body")
    _BODIES[message["type"]](body)


def _speak(body: dict[str, Any]) -> None:
    want_name(body, "utterance")
    want_one_of(body, "class", kinds.SPEECH_CLASSES)
    if "words" not in body:
        raise RejectedMessageError("words is missing")
    _words(body["words"])
    if "chime" in body:
        want_one_of(body, "chime", CHIMES)
    if body.get("repeat_every_ms") is not None:
        want_integer(body, "repeat_every_ms", 1000)
    if "beds" in body:
        want_names(body, "beds")
    _press(body)


def _stop(body: dict[str, Any]) -> None:
    want_name(body, "utterance")


def _call(body: dict[str, Any]) -> None:
    want_name(body, "call")
    want_one_of(body, "phase", kinds.PHASES)
    if "priority" in body:
        want_one_of(body, "priority", PRIORITIES)
    _words(body.get("words"))
    _press(body)


def _press(body: dict[str, Any]) -> None:
    if body.get("press") is None:
        return
    press = want_object(body["press"], "press")
    want_name(press, "ward")
    if "bed" not in press:
        raise RejectedMessageError("bed is missing")
    if press["bed"] is not None:
        want_text(press, "bed", 32)
    if "node" in press:
        want_name(press, "node")
    if "boot" in press:
        want_integer(press, "boot")
    if "seq" in press:
        want_integer(press, "seq", 1)


def _reminders(body: dict[str, Any]) -> None:
    want_name(body, "infusion")
    want_integer(body, "revision")
    if "unconfirmed_after_ms" in body:
        want_integer(body, "unconfirmed_after_ms")
    for prompt in want_list(body.get("prompts"), "prompts"):
        want_object(prompt, "prompts")
        want_name(prompt, "stage")
        want_integer(prompt, "in_ms", None)
        if "words" not in prompt:
            raise RejectedMessageError("words is missing")
        _words(prompt["words"])
        want_truth(prompt, "final")


def _selftest(body: dict[str, Any]) -> None:
    pass


def _prove(body: dict[str, Any]) -> None:
    want_name(body, "proof")


def _update(body: dict[str, Any]) -> None:
    want_text(body, "version", 40)
    try:
        versions.order(body["version"])
    except ValueError as error:
        raise RejectedMessageError(str(error))  # noqa: B904
    want_truth(body, "again")


def _log(body: dict[str, Any]) -> None:
    want_integer(body, "lines", 1, MOST_LOG_LINES)
    want_truth(body, "grave")


def _words(words: Any) -> None:
    if words is None:
        return
    want_object(words, "words")
    want_one_of(words, "lang", LANGS)
    want_text(words, "text", MAX_TEXT)
    if words.get("audio") is not None:
        audio = want_object(words["audio"], "audio")
        want_text(audio, "sha256", 64)
        for letter in audio["sha256"]:
            if letter not in "0123456789abcdef":
                raise RejectedMessageError("sha256 is not hexadecimal")
        if len(audio["sha256"]) != 64:
            raise RejectedMessageError("sha256 is too short")
        want_text(audio, "url", 2000)
        want_integer(audio, "duration_ms")


# --- what a field must be; each raises RejectedMessageError ---


def want_text(holder: dict[str, Any], name: str, most: int) -> None:
    value = holder.get(name)
    if not isinstance(value, str):
        raise RejectedMessageError(name + " is missing or not a text")
    if len(value) > most:
        raise RejectedMessageError(name + " is longer than " + str(most) + " characters")
    for letter in value:
        # Half of a surrogate pair can be neither spoken nor sent. MicroPython would encode it.
        if 0xD800 <= ord(letter) <= 0xDFFF:
            raise RejectedMessageError(name + " holds half a character")


def want_name(holder: dict[str, Any], name: str, most: int = MAX_NAME) -> None:
    want_text(holder, name, most)
    if not holder[name]:
        raise RejectedMessageError(name + " is empty")


def want_integer(
    holder: dict[str, Any], name: str, least: int | None = 0, most: int | None = None
) -> None:
    value = holder.get(name)
    if type(value) is not int:  # True is an int to isinstance
        raise RejectedMessageError(name + " is missing or not a whole number")
    if (least is not None and value < least) or (most is not None and value > most):
        raise RejectedMessageError(name + " is out of range: " + str(value))


def want_truth(holder: dict[str, Any], name: str) -> None:
    """Which may be missing."""
    if type(holder.get(name, False)) is not bool:
        raise RejectedMessageError(name + " is not true or false")


def want_one_of(holder: dict[str, Any], name: str, known: "tuple[str, ...]") -> None:
    value = holder.get(name)
    if not isinstance(value, str) or value not in known:
        raise RejectedMessageError(name + " is not one of " + ", ".join(known))


def want_names(holder: dict[str, Any], name: str) -> None:
    for each in want_list(holder.get(name), name):
        if not isinstance(each, str) or not each or len(each) > MAX_NAME:
            raise RejectedMessageError(name + " holds something that is no name")


def want_list(value: Any, name: str) -> "list[Any]":
    if not isinstance(value, list):
        raise RejectedMessageError(name + " is missing or not a list")
    return value


def want_object(value: Any, name: str) -> "dict[str, Any]":
    if not isinstance(value, dict):
        raise RejectedMessageError(name + " is missing or not an object")
    return value


_CHECKS = {
    topics.CONFIG: _config,
    topics.CLOCK: _clock,
    topics.RECEIPT: _receipt,
    topics.VOICE: _voice,
    topics.COMMAND: _command,
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
