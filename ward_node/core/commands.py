"""What each command of central does to the node."""

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import drip, effects, messages, voice
from ward_node.core.bed import call_words

_CHIME_OF = {
    kinds.EMERGENCY: "high",
    kinds.CALLING: "medium",
    kinds.REMINDER: "low",
    kinds.TECHNICAL: "low",
    kinds.ANNOUNCEMENT: "low",
}

TOO_LATE = "somebody has been at the bed since"


def take(node: Any, message: dict[str, Any], now_ms: int, drip_ms: int) -> None:
    """Carry out a checked command message, once. Raises RejectedMessageError."""
    command = message["id"]
    if node.orders.known(command):
        answer = node.orders.answer(command)
        if answer is not None:
            node.publish("ack", answer)
        return
    left_ms = node.clock.left_ms(message["expires_at_ms"], now_ms)
    if left_ms is not None and left_ms <= 0:
        reason = "the command expired " + str(-left_ms) + " ms ago"
        node.reject(reason)
        node.answer(command, kinds.EXPIRED, reason)
        return
    bed = message.get("bed")
    if bed is not None and bed not in node.beds:
        raise messages.RejectedMessageError("bed " + bed + " is not at this box")
    not_after_ms = None if left_ms is None else now_ms + left_ms
    _DO[message["type"]](node, command, bed, message["body"], not_after_ms, now_ms, drip_ms)


def too_late(node: Any, press: "dict[str, Any] | None") -> bool:
    """Whether somebody has been at the bed since the press that a command is about: central
    spoke before it knew, and nobody shall hear or see a call that is over."""
    if press is None or press["ward"] != node.me.ward or press.get("seq") is None:
        return False
    if node.station is not None:
        return bool(node.station.too_late(press))
    bed = node.beds.get(press["bed"])
    if bed is not None and press.get("node") == node.me.node:
        return bool(bed.seen_to_since(press["boot"], press["seq"]))
    return False


def _speak(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    beds = body.get("beds") or ([bed] if bed is not None else [])
    for each in beds:
        if each not in node.beds:
            raise messages.RejectedMessageError("bed " + each + " is not at this box")
    if too_late(node, body.get("press")):
        node.answer(command, kinds.DECLINED, TOO_LATE)
        return
    klass = body["class"]
    if node.station is not None:
        node.station.asked(body["utterance"], body.get("press"), klass)
    node.orders.begin(command)
    # Answered when it was spoken to the end, see Node._outcomes: "done" means "heard".
    node.out += node.voice.say(
        voice.Utterance(
            body["utterance"], klass, body["words"], body.get("chime", _CHIME_OF[klass]),
            tuple(beds), body.get("repeat_every_ms"), not_after_ms, command,
        ),
        now_ms,
    )  # fmt: skip


def _stop(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    node.out += node.voice.stop(body["utterance"])
    node.answer(command, kinds.DONE)


def _call(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    if bed is None:
        raise messages.RejectedMessageError("a call command names no bed")
    machine = node.beds[bed]
    if body["phase"] != kinds.ENDED and too_late(node, body.get("press")):
        node.answer(command, kinds.DECLINED, TOO_LATE)
        return
    priority = body.get("priority", "medium")
    # A press of this box that no presence has answered: it is not too late for it.
    press = body.get("press") or {}
    pressed_since = press.get("node") == node.me.node and press.get("seq") is not None
    believed = machine.phase(body["call"], body["phase"], priority, pressed_since)
    utterance = call_words(bed)
    if body.get("words") and believed:
        klass = kinds.EMERGENCY if priority == "high" else kinds.CALLING
        node.out += node.voice.say(
            voice.Utterance(
                utterance, klass, body["words"], "low", (bed,), None, not_after_ms
            ),
            now_ms,
        )  # fmt: skip
    elif body["phase"] == kinds.ENDED and not machine.calls:
        node.out += node.voice.stop(utterance)
    node.answer(command, kinds.DONE)


def _reminders(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    if bed is None:
        raise messages.RejectedMessageError("a reminders command names no bed")
    infusion, prompts = body["infusion"], body["prompts"]
    taken = node.drips.set(
        bed, infusion, body["revision"], prompts,
        body.get("unconfirmed_after_ms", drip.UNCONFIRMED_AFTER_MS),
        drip_ms - _late_ms(node, body, drip_ms),
    )  # fmt: skip
    if not taken:
        node.answer(command, kinds.DECLINED, "a newer revision of this schedule is held")
        return
    node.reminding.taken_back(infusion, body["revision"], not prompts)
    node.fetch([each["words"] for each in prompts])
    node.answer(command, kinds.DONE)


def _late_ms(node: Any, body: dict[str, Any], drip_ms: int) -> int:
    """How long ago central counted the `in_ms` of a schedule, when it says so (`as_of_ms`,
    hospital time) and its time is known here. A schedule may have waited in the broker."""
    as_of_ms, hospital_ms = body.get("as_of_ms"), node.clock.hospital_ms(drip_ms)
    if type(as_of_ms) is not int or hospital_ms is None:
        return 0
    return max(0, hospital_ms - as_of_ms)


def _selftest(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    node.orders.begin(command)
    node.out.append(effects.Selftest(command))


def _prove(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    if bed is None:
        raise messages.RejectedMessageError("a prove command names no bed")
    node.proving.begin(command, bed, body["proof"], not_after_ms, now_ms)


def _update(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    if body["version"] == node.release.version:
        node.answer(command, kinds.DONE)
    elif not node.release.updatable:
        node.answer(command, kinds.REFUSED, "this box was not started by what can update it")
    else:
        node.orders.begin(command)
        again = body.get("again", False)
        node.out.append(effects.Update(command, body["version"], again, not_after_ms))


def _log(
    node: Any, command: str, bed: str | None, body: dict[str, Any], not_after_ms: int | None,
    now_ms: int, drip_ms: int,
) -> None:  # fmt: skip
    if not node.has_log:
        node.answer(command, kinds.DECLINED, "this box keeps no log")
        return
    node.orders.begin(command)
    node.out.append(effects.Excerpt(command, body["lines"], body.get("grave", False)))


_DO = {
    kinds.SPEAK: _speak,
    kinds.STOP: _stop,
    kinds.CALL: _call,
    kinds.REMINDERS: _reminders,
    kinds.SELFTEST: _selftest,
    kinds.PROVE: _prove,
    kinds.UPDATE: _update,
    kinds.LOG: _log,
}
