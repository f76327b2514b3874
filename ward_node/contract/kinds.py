"""The words of the protocol: event types, command types, states, patterns."""

# --- what happened at a bed or box (`type` of an event message) ---
PRESS = "press"  # red button
HOLD = "hold"  # red button held for 3 s: staff emergency
CORD = "cord"  # toilet or pull cord
CORD_RESET = "cord_reset"  # the cord was put back at its point of origin
PRESENCE = "presence"  # somebody of the staff is at the bed
PRESENCE_END = "presence_end"
UNPLUGGED = "unplugged"  # the patient's handset was pulled out
PLUGGED = "plugged"
PROMPTED = "prompted"  # a reminder was spoken at the bed; about: infusion, revision, stage
UNCONFIRMED = "unconfirmed"  # reminders were spoken and nobody pressed; about as above
TEST_PRESS = "test_press"  # no press of a patient: the way of one, being proved; about: proof
FAULT = "fault"  # about: device, code, detail, and for_ms: how long it has been so, if known
RECOVERED = "recovered"  # about: device, code
UPDATE_FAILED = "update_failed"  # a version was given up; about: version, why, log (its end)

EVENT_TYPES = (
    PRESS, HOLD, CORD, CORD_RESET, PRESENCE, PRESENCE_END, UNPLUGGED, PLUGGED,
    PROMPTED, UNCONFIRMED, TEST_PRESS, FAULT, RECOVERED, UPDATE_FAILED,
)  # fmt: skip
# What somebody at the bed ends, be it ever so late that central hears of either.
ENDED_BY_PRESENCE = (PRESS, HOLD, CORD, UNPLUGGED, UNCONFIRMED)
# Never dropped from a full outbox.
ALARM_TYPES = (PRESS, HOLD, CORD, UNPLUGGED, UNCONFIRMED, FAULT)
# What ends something. The newest of its place is not dropped either, or it would go on for ever.
ENDING_TYPES = (PRESENCE, RECOVERED)

# --- what central asks of a node (`type` of a command message) ---
SPEAK = "speak"
STOP = "stop"
CALL = "call"  # the phase of the call at a bed, with the words that say so truthfully
REMINDERS = "reminders"  # the whole schedule of one infusion, by revision
SELFTEST = "selftest"
PROVE = "prove"  # let a test press go the whole way of a press; done: its receipt was seen
UPDATE = "update"  # take a version when nobody is disturbed; done: it is being tried out, or runs
LOG = "log"  # tell the last lines of the box's log, as messages of kind `topics.LOG`
COMMAND_TYPES = (SPEAK, STOP, CALL, REMINDERS, SELFTEST, PROVE, UPDATE, LOG)

# --- why a bed was not proved: the answer's reason is one of these, ": " and a detail, or a code
# of the hardware's ---
NOT_COUNTED = "not-counted"  # the test press was ordered, and never came back
NO_RECEIPT = "no-receipt"  # it was told, and central's receipt did not come in time
NOT_KEPT = "not-kept"  # the outbox is full
BUTTON_DOWN = "button-down"  # a finger, or a short: no test press can be told from it
BUSY = "busy"  # declined: somebody calls, is reminded or spoken to there
OVERTAKEN = "overtaken"  # declined: the patient called meanwhile

# --- phases of a call, as the bed is told of them ---
REGISTERED = "registered"
ACCEPTED = "accepted"
ON_THE_WAY = "on_the_way"
DELAYED = "delayed"
ENDED = "ended"
PHASES = (REGISTERED, ACCEPTED, ON_THE_WAY, DELAYED, ENDED)

# --- classes of speech, most urgent first ---
EMERGENCY = "emergency"
CALLING = "call"
REMINDER = "reminder"
TECHNICAL = "technical"  # equipment, not a patient
ANNOUNCEMENT = "announcement"
SPEECH_CLASSES = (EMERGENCY, CALLING, REMINDER, TECHNICAL, ANNOUNCEMENT)
LIVE_CLASSES = (EMERGENCY, ANNOUNCEMENT)  # of a live voice

# --- states of a bed ---
IDLE = "idle"
CALLING_STATE = "calling"
PROMPTED_STATE = "prompted"
EMERGENCY_STATE = "emergency"
PRESENT = "present"
BED_STATES = (IDLE, CALLING_STATE, PROMPTED_STATE, EMERGENCY_STATE, PRESENT)

# --- light patterns ---
OFF = "off"
STEADY = "steady"
BLINK = "blink"  # 1 Hz
FAST = "fast"  # 4 Hz
PATTERNS = (OFF, STEADY, BLINK, FAST)

# --- states of a node ---
READY = "ready"
LOST = "lost"
STOPPED = "stopped"

# --- answers to a command ---
DONE = "done"
REFUSED = "refused"
# Not done, and rightly so: stopped by central, overtaken by something newer, or quiet hours.
DECLINED = "declined"
EXPIRED = "expired"


def event_id(node: str, boot: int, seq: int) -> str:
    """The name by which central drops repeats: node, boot number, sequence within the boot."""
    return node + ":" + str(boot) + ":" + str(seq)
