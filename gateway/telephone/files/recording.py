"""Calls that are recorded: by rule from their beginning, or from the moment somebody presses a key.

Who calls hears it said before it rings anywhere. Where that cannot be said, nothing is recorded.
What is written lies in the exchange's spool folder, named after the rule and the caller's channel.
"""

from collections.abc import Iterable

from gateway.telephone import text
from gateway.telephone.directory import Directory, Phone, Recorded
from gateway.telephone.text import Context, Extension

CONTEXT = "recording"
# What is said before, and when the key was pressed, by the names of their sounds.
ANNOUNCED, BEGUN, ENDED = "recording-announced", "recording-begun", "recording-ended"
# Where the exchange's recorder and the application's leave them, in the exchange's folder.
BY_EXCHANGE, BY_APPLICATION = "spool/monitor", "spool/recording"
# What the names of the application's begin with: of a conversation; of what a caller left.
CONVERSATION, MESSAGE = "app", "message"
_TOUCH = "__TOUCH_MIXMONITOR"


def may(directory: Directory) -> str:
    """The option of Dial by which the caller may press the key."""
    return "X" if directory.record_by_key else ""


def called_may(directory: Directory) -> str:
    return "x" if directory.record_by_key else ""


def ask(directory: Directory, called: str, way: str = "") -> list[str]:
    """The step before it rings for `called`; way: "outward", or "" for a line of the house."""
    if not directory.recorded and not directory.record_by_key:
        return []
    return [f"Gosub({CONTEXT},s,1({text.pattern(called) if called else ''},{way}))"]


def variables(phone: Phone) -> list[str]:
    """What the rules know of a caller."""
    return [f"MY_NUMBER={text.pattern(phone.number)}", f"MY_RIGHTS={text.word(phone.rights)}"]


# Of a caller from outside.
FROM_OUTSIDE = "OUTER=1"


def contexts(directory: Directory) -> Iterable[Context]:
    """ARG1: the line that is called; ARG2: the way, where the caller does not tell it."""
    if not directory.recorded and not directory.record_by_key:
        return
    steps: list[str | tuple[str, str]] = []
    if directory.record_by_key:
        steps += [
            f"Set({_TOUCH}=${{UNIQUEID}})",
            f"Set({_TOUCH}_PREFIX=key)",
            f"Set({_TOUCH}_FORMAT=wav)",
            f"Set({_TOUCH}_MESSAGE_START={BEGUN})",
            f"Set({_TOUCH}_MESSAGE_STOP={ENDED})",
        ]
    if directory.recorded:
        here = '${IF($["${OUTER}" = "1"]?inward:internal)}'
        steps += [
            'GotoIf($["${RECORDED}" != ""]?done)',
            f'Set(WAY=${{IF($["${{ARG2}}" != ""]?${{ARG2}}:{here})}})',
            *(step for rule in directory.recorded for step in _when(rule)),
            'GotoIf($["${RECORDED}" = ""]?done)',
            "Progress()",
            f"Playback({ANNOUNCED},noanswer)",
            'GotoIf($["${PLAYBACKSTATUS}" != "SUCCESS"]?done)',
            "MixMonitor(rule-${RECORDED}-${UNIQUEID}.wav,b)",
        ]
    yield Context(CONTEXT, [Extension("s", [*steps, ("done", "Return()")])])


def _when(rule: Recorded) -> list[str]:
    """The first rule that fits is the one it is recorded by."""
    wanted = ['"${RECORDED}" = ""']
    if rule.extension:
        number = text.pattern(rule.extension)
        wanted.append(f'("${{ARG1}}" = "{number}" | "${{MY_NUMBER}}" = "{number}")')
    if rule.rights:
        wanted.append(f'"${{MY_RIGHTS}}" = "{text.word(rule.rights)}"')
    if rule.direction:
        wanted.append(f'"${{WAY}}" = "{text.word(rule.direction)}"')
    fits = " & ".join(wanted)
    return [f"Set(RECORDED=${{IF($[{fits}]?{int(rule.id)}:${{RECORDED}})}})"]
