"""The hardware of a communicator: two buttons, two lights and a buzzer at `machine.Pin`.

Buttons close to ground. Lights and the buzzer (one with its own tone) are switched by a
transistor. Inputs are looked at every few ms and debounced by the times of their edges.
"""

from hw.debounce import HELD, PRESSED, RELEASED, Debouncer
from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.micropython import shim

# Pin numbers of a board where the configuration names no others.
PINS = {"red": 2, "presence": 3, "lamp": 4, "reassurance": 5, "buzzer": 6}
LOOK_EVERY_MS = 5
BLINK_STEP_MS = 125  # half a period of kinds.FAST; kinds.BLINK has four of them on, four off
BLINK_STEPS = 4

MEANINGS = {
    "red": {PRESSED: kinds.PRESS, HELD: kinds.HOLD},
    "presence": {PRESSED: kinds.PRESENCE, RELEASED: kinds.PRESENCE_END},
}
# ms on and off in turn, in the rhythm of the loudspeakers' chimes.
TONES = {
    "high": (130, 100, 130, 100, 130, 320, 130, 100, 130, 100),
    "medium": (200, 180, 200, 180, 200, 180),
    "low": (200, 120, 250, 120),
}


class Communicator:
    """`make(number, is_input)` gives a pin, as `machine.Pin` or a virtual one. `clock_ms`: the
    node's steady clock."""

    def __init__(self, pins: "dict[str, int]", make: Any, clock_ms: Any) -> None:
        self._clock_ms = clock_ms
        self._inputs = {name: (make(pins[name], True), Debouncer()) for name in MEANINGS}
        self._lights = {name: make(pins[name], False) for name in ("lamp", "reassurance")}
        self._test_wanted = False
        self._buzzer = make(pins["buzzer"], False)
        self.shown = dict.fromkeys(self._lights, kinds.OFF)

    def show(self, light: str, pattern: str) -> None:
        """Let "lamp" or "reassurance" show one of kinds.PATTERNS."""
        self.shown[light] = pattern
        self._light()

    async def watch(self, on_event: Any) -> None:
        """Look at the buttons and blink, for ever. `on_event(kind)`: one of the contract's."""
        while True:
            now_ms = self._clock_ms()
            for name, (pin, contact) in self._inputs.items():
                closed = not pin.value()
                told = contact.edge(closed, now_ms) if closed != contact.level else []
                for certain in told + contact.tick(now_ms):
                    if certain in MEANINGS[name]:
                        on_event(MEANINGS[name][certain])
            if self._test_wanted:
                self._test_wanted = False
                if not self._is_down("red"):
                    on_event(kinds.TEST_PRESS)
            self._light()
            await shim.sleep_ms(LOOK_EVERY_MS)

    def feels(self, name: str) -> bool:
        """Whether a finger is on the button, for sure."""
        return self._inputs[name][1].settled

    def prove(self) -> "tuple[str, str] | None":
        """Read the line of the red button back; the test press is then told by the loop that
        looks at it, so that this loop is known to live. Or why there is none, as a code and a
        detail. A broken wire looks like an open button."""
        if self._is_down("red"):
            return kinds.BUTTON_DOWN, "the red button is down, or its wire shorted"
        self._test_wanted = True
        return None

    async def sound(self, chime: str) -> None:
        """Sound a tone to its end; "none" is heard as a low one, for something must be."""
        try:
            for number, ms in enumerate(TONES.get(chime, TONES["low"])):
                self._buzzer.value(1 - number % 2)
                await shim.sleep_ms(ms)
        finally:
            self._buzzer.value(0)

    def _is_down(self, name: str) -> bool:
        pin, contact = self._inputs[name]
        return contact.level or not pin.value()

    def _light(self) -> None:
        step = self._clock_ms() // BLINK_STEP_MS
        lit = {
            kinds.OFF: 0,
            kinds.STEADY: 1,
            kinds.BLINK: 1 - step // BLINK_STEPS % 2,
            kinds.FAST: 1 - step % 2,
        }
        for name, pin in self._lights.items():
            pin.value(lit[self.shown[name]])
