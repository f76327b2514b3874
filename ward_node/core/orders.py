"""Commands of central: each done once, answered as often as asked."""

from ward_node.compat import Any
from ward_node.contract import kinds

ANSWERS_KEPT = 512


class Orders:
    """Which commands are being carried out and what the others came to."""

    def __init__(self) -> None:
        self._pending: set[str] = set()
        self._answers: dict[str, dict[str, Any]] = {}
        self._order: list[str] = []

    def known(self, command: str) -> bool:
        """Whether this is a repeat; its answer, if there is one, is to be sent again."""
        return command in self._pending or command in self._answers

    def answer(self, command: str) -> "dict[str, Any] | None":
        """The ack message of a command, None while it is not finished."""
        return self._answers.get(command)

    def begin(self, command: str) -> None:
        self._pending.add(command)

    def finish(self, command: str, result: str, reason: str | None) -> dict[str, Any]:
        """The ack message to send. `result`: kinds.DONE, REFUSED, DECLINED or EXPIRED."""
        self._pending.discard(command)
        if command not in self._answers:
            self._order.append(command)
        answer = {"id": command, "result": result, "reason": reason[:500] if reason else None}
        self._answers[command] = answer
        while len(self._order) > ANSWERS_KEPT:
            del self._answers[self._order.pop(0)]
        return answer


# What the answer to a `speak` command is, by what became of the words.
ANSWER_OF = {
    "spoken": kinds.DONE,
    "failed": kinds.REFUSED,
    "stopped": kinds.DECLINED,
    "late": kinds.EXPIRED,
    "muted": kinds.DECLINED,
    "wordless": kinds.DECLINED,
}
