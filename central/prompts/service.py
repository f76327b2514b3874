"""A person's voice for a place of a menu: put, confirmed for new words, removed; codes for saying
it by telephone. All in a transaction; who did it stands in the audit."""

import secrets

from central.audit import model as audit
from central.console.marks import N_
from central.errors import FieldError
from central.flows import service as flows
from central.prompts import model
from central.prompts.places import Place, places
from central.prompts.sounds import Prepared
from central.store import Row, Tx

CODE_DIGITS = 6
CODE_MS = 30 * 60_000
NAME_CHARACTERS = 100


def place(tx: Tx, slot: str, lang: str) -> Place:
    """As the menu that is live has it. Raises FieldError."""
    document = flows.current(tx, tx.now_ms).get(slot.partition("/")[0])
    for each in places(document) if document is not None else ():
        if (each.slot, each.lang) == (slot, lang):
            return each
    raise FieldError("slot", N_("The menu has no words there any more."))


def _sayable(tx: Tx, slot: str, lang: str) -> Place:
    found = place(tx, slot, lang)
    if found.has_values:
        raise FieldError(
            "slot",
            N_("These words hold values, which are others for each caller: speech says them."),
        )
    return found


def put(tx: Tx, slot: str, lang: str, sound: Prepared, name: str, *, by: str) -> None:
    """From now on it is played there, instead of what was. Raises FieldError."""
    _put(tx, _sayable(tx, slot, lang), sound, name[:NAME_CHARACTERS], by)


def _put(tx: Tx, at: Place, sound: Prepared, name: str, by: str) -> None:
    tx.execute(
        "INSERT OR REPLACE INTO recorded_prompts VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            at.slot, at.lang, at.words, name, by, tx.now_ms, sound.duration_ms, sound.sha256,
            sound.wav,
        ),
    )  # fmt: skip
    _note(tx, by, "prompt.put", at.slot, at.lang)


def confirm(tx: Tx, slot: str, lang: str, words: str, *, by: str) -> None:
    """The sound says what the menu has there now, too. words: those that were seen. Raises
    FieldError."""
    at = _sayable(tx, slot, lang)
    if at.words != words:
        raise FieldError("slot", N_("The words have changed meanwhile. Look at them again."))
    changed = tx.execute(
        "UPDATE recorded_prompts SET words = ? WHERE slot = ? AND lang = ? AND words != ?",
        (at.words, slot, lang, at.words),
    ).rowcount
    if changed:
        _note(tx, by, "prompt.confirm", slot, lang)


def remove(tx: Tx, slot: str, lang: str, *, by: str) -> None:
    """Speech says the words again."""
    gone = tx.execute(
        "DELETE FROM recorded_prompts WHERE slot = ? AND lang = ?", (slot, lang)
    ).rowcount
    if gone:
        _note(tx, by, "prompt.remove", slot, lang)


def _note(tx: Tx, by: str, what: str, slot: str, lang: str) -> None:
    flow, _, step = slot.partition("/")
    audit.append(tx, by, what, f"flow/{flow}", detail={"step": step, "lang": lang})


# --- by telephone ---


def give_code(tx: Tx, slot: str, lang: str, *, by: str) -> str:
    """To be entered at a telephone within CODE_MS; the last one given for the place counts. Raises
    FieldError."""
    at = _sayable(tx, slot, lang)
    now_ms = tx.clock.real_ms()
    tx.execute(
        "DELETE FROM prompt_codes WHERE (until_ms <= ? OR (slot = ? AND lang = ?))"
        " AND recording IS NULL",
        (now_ms, slot, lang),
    )
    while True:
        code = "".join(secrets.choice("0123456789") for _ in range(CODE_DIGITS))
        if tx.one("SELECT 1 FROM prompt_codes WHERE code = ?", (code,)) is None:
            break
    tx.insert(
        "prompt_codes", code=code, slot=slot, lang=lang, words=at.words, by=by,
        until_ms=now_ms + CODE_MS,
    )  # fmt: skip
    return code


def say(tx: Tx, code: str, recording: str, said_by: str) -> bool:
    """Whether the code is one; what was said becomes the prompt in a moment (`collecting`)."""
    if model.code(tx, code) is None:
        return False
    tx.execute(
        "UPDATE prompt_codes SET recording = ?, said_by = ? WHERE code = ?",
        (recording, said_by, code),
    )
    return True


def take(tx: Tx, code: Row, sound: Prepared | None) -> None:
    """What was said by a code is a prompt, of the words that were read out then. None: it is of no
    use."""
    tx.execute("DELETE FROM prompt_codes WHERE code = ?", (code["code"],))
    if sound is not None:
        slot, lang = code["slot"], code["lang"]
        at = Place(slot, "", "", lang, code["words"], has_values=False)
        _put(tx, at, sound, "", f"extension {code['said_by']}")
