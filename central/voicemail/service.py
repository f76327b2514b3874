"""What happens to messages, and who may hear them. All in a transaction."""

from collections.abc import Sequence

from central.audit import model as audit
from central.directory import model as directory
from central.store import HOSPITAL, Tx
from central.voicemail import model
from gateway.telephone.messages import Message

# What a nudge says has changed.
CHANGED = "voicemail"
MOST_WRONG = 5
BLOCK_MS = 15 * 60_000
DAY_MS = 24 * 3_600_000
# A message that was heard is kept so long.
KEEP_MS = 90 * DAY_MS
# Minutes until the mail is tried again, and given up after the last.
MAIL_AGAIN_MIN = (1, 2, 5, 15, 30, 60, 120, 240, 480, 720)


def take(tx: Tx, messages: Sequence[Message]) -> int:
    """How many of them are new; each is told of once."""
    new = 0
    for message in messages:
        box = directory.mailbox(tx, message.number)
        new += model.take(tx, message, box["mail"] if box is not None else "")
    if new:
        tx.changed(HOSPITAL, CHANGED)
    return new


def heard(tx: Tx, id: str) -> None:
    tx.execute(
        "UPDATE voice_messages SET heard_ms = ? WHERE id = ? AND heard_ms IS NULL", (tx.now_ms, id)
    )
    tx.changed(HOSPITAL, CHANGED)


def delete(tx: Tx, id: str, *, by: str) -> None:
    message = model.one(tx, id)
    if message is not None:
        tx.execute("UPDATE voice_messages SET deleted_ms = ? WHERE id = ?", (tx.now_ms, id))
        audit.append(
            tx, by, "message.delete", f"mailbox/{message['number']}",
            detail={"caller": message["caller"]},
        )  # fmt: skip
        tx.changed(HOSPITAL, CHANGED)


def try_pin(tx: Tx, number: str) -> bool:
    """Whether a PIN may be tried for this mailbox now. It counts as wrong until `opened`, so that
    many at once are no way round."""
    box = directory.mailbox(tx, number)
    if box is None or box["blocked_ms"] > tx.now_ms:
        return False
    wrong = box["wrong"] + 1
    if wrong > MOST_WRONG:
        tx.execute(
            "UPDATE mailboxes SET wrong = 0, blocked_ms = ? WHERE number = ?",
            (tx.now_ms + BLOCK_MS, number),
        )
        audit.append(tx, "system", "mailbox.blocked", f"mailbox/{number}")
        return False
    tx.execute("UPDATE mailboxes SET wrong = ? WHERE number = ?", (wrong, number))
    return True


def opened(tx: Tx, number: str, *, by: str) -> None:
    """The PIN was right."""
    tx.execute("UPDATE mailboxes SET wrong = 0, blocked_ms = 0 WHERE number = ?", (number,))
    audit.append(tx, by, "mailbox.open", f"mailbox/{number}")


def tidy(tx: Tx) -> None:
    """What was heard long ago is deleted."""
    tx.execute(
        "UPDATE voice_messages SET deleted_ms = :now"
        " WHERE deleted_ms IS NULL AND heard_ms < :before",
        {"now": tx.now_ms, "before": tx.now_ms - KEEP_MS},
    )


def mailed(tx: Tx, id: str) -> None:
    tx.execute("UPDATE voice_messages SET mail_due_ms = NULL WHERE id = ?", (id,))


def not_mailed(tx: Tx, id: str) -> bool:
    """Whether it will be tried again."""
    tries = tx.value("SELECT mail_tries FROM voice_messages WHERE id = ?", (id,))
    again = tries < len(MAIL_AGAIN_MIN)
    tx.execute(
        "UPDATE voice_messages SET mail_tries = ?, mail_due_ms = ? WHERE id = ?",
        (tries + 1, tx.now_ms + MAIL_AGAIN_MIN[tries] * 60_000 if again else None, id),
    )
    return again
