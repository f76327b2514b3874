"""One bed: what it is doing, derived from what was pressed here and what central says.

The state is not stored but follows from four facts, so no order of messages can wedge it:
a call raised here that central has not taken over yet (`raised`), central's calls by id, the
reminder waiting for an answer, and whether staff is present.
"""

from ward_node.compat import Any
from ward_node.contract import kinds

HIGH = "high"
MEDIUM = "medium"
LOW = "low"

# Inputs that call somebody, and how urgently.
RAISES = {
    kinds.PRESS: MEDIUM,
    kinds.UNPLUGGED: MEDIUM,
    kinds.HOLD: HIGH,
    kinds.CORD: HIGH,
}
_ACCEPTED_PHASES = (kinds.ACCEPTED, kinds.ON_THE_WAY)
# Calls that have ended; central's late words about them are not believed.
FINISHED_KEPT = 16


class Bed:
    """The machine of the bed called `name`."""

    def __init__(self, name: str, now_ms: int) -> None:
        self.name = name
        self.raised: str | None = None
        # call id -> (phase, priority)
        self.calls: dict[str, tuple[str, str]] = {}
        # {"infusion", "revision", "stage"} of the reminder that was or is being spoken
        self.prompt: dict[str, Any] | None = None
        self.present = False
        self.attended: tuple[int, int] | None = None  # (boot, seq) of the last presence here
        self.unreceipted: list[str] = []
        self.since_ms = now_ms
        self._finished: list[str] = []
        self._last_state = kinds.IDLE
        self._over = False  # central ended the last call after `raised` was raised

    @property
    def state(self) -> str:
        if self.raised == HIGH or self._called(HIGH):
            return kinds.EMERGENCY_STATE
        if self.raised or self.calls:
            return kinds.CALLING_STATE
        if self.prompt is not None:
            return kinds.PROMPTED_STATE
        return kinds.PRESENT if self.present else kinds.IDLE

    @property
    def lamp(self) -> str:
        """The light pattern of the lamp over the bed."""
        return self._lamp(self.state)

    def _lamp(self, state: str) -> str:
        if state == kinds.EMERGENCY_STATE:
            return kinds.FAST
        if state != kinds.CALLING_STATE:
            return kinds.OFF
        for phase, _priority in self.calls.values():
            if phase not in _ACCEPTED_PHASES:
                return kinds.BLINK
        return kinds.BLINK if self.raised else kinds.STEADY

    @property
    def reassurance(self) -> str:
        """The pattern of the small light: blinking until central holds all that was pressed."""
        if not self.raised and not self.calls:
            return kinds.OFF
        return kinds.BLINK if self.unreceipted else kinds.STEADY

    def happened(self, kind: str) -> "dict[str, Any] | None":
        """Take an input of the hardware. Returns the reminder that a press answers."""
        answered = None
        if kind in RAISES:
            if self.raised != HIGH:
                self.raised = RAISES[kind]
            self._over = False
            if kind == kinds.PRESS:
                answered = self.prompt
                self.prompt = None
        elif kind == kinds.PRESENCE:
            self.present = True
            self.raised = None
            self.prompt = None
            self._finish(list(self.calls))
            self.calls = {}
        elif kind == kinds.PRESENCE_END:
            self.present = False
        return answered

    def seen_to_since(self, boot: int, seq: int) -> bool:
        """Whether somebody has been here since this box's event (boot, seq)."""
        return self.attended is not None and self.attended > (boot, seq)

    def waits_for(self, event_id: str) -> None:
        """An event of a button here is not yet held by central."""
        self.unreceipted.append(event_id)

    def receipted(self, event_id: str) -> None:
        if event_id in self.unreceipted:
            self.unreceipted.remove(event_id)
            self._hand_over()

    def phase(self, call: str, phase: str, priority: str, pressed_since: bool = False) -> bool:
        """Central tells the phase of a call. False when that call has ended; `pressed_since`:
        somebody has pressed for it after the presence that ended it, so it goes on."""
        if phase == kinds.ENDED:
            self.calls.pop(call, None)
            # A broker that was killed may hand on once more what led up to it.
            self._finish([call])
            self._over = not self.calls
            self._hand_over()
            return True
        if call in self._finished:
            if not pressed_since:
                return False
            self._finished.remove(call)
        self.calls[call] = (phase, priority)
        self._over = False
        self._hand_over()
        return True

    def shown(self, now_ms: int) -> "tuple[str, str, str]":
        """State, lamp and small light as they are now; another state starts `since_ms` anew."""
        state = self.state
        if state != self._last_state:
            self._last_state = state
            self.since_ms = now_ms
        return state, self._lamp(state), self.reassurance

    def _finish(self, calls: list[str]) -> None:
        self._finished = (self._finished + calls)[-FINISHED_KEPT:]

    def _called(self, priority: str) -> bool:
        if not self.calls:
            return False
        return any(each == priority for _phase, each in self.calls.values())

    def _hand_over(self) -> None:
        """Once central holds every press of this bed and speaks of a call as urgent, or says that
        it is over, its word counts. A new call for the last press is told by central anyway."""
        if self.unreceipted:
            return
        if self._over or (self.calls and (self.raised != HIGH or self._called(HIGH))):
            self.raised = None


def call_words(bed: str) -> str:
    """The utterance in which a bed hears about its own call: newer words replace older ones."""
    return "bed-call-" + bed
