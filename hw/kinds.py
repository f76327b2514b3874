"""What hardware reports and shows. The same words as the message contract of the node,
kept apart because `hw/` imports nothing else; a test keeps the two equal."""

PRESS = "press"  # red button
HOLD = "hold"  # red button held for 3 s
CORD = "cord"  # toilet or pull cord
CORD_RESET = "cord_reset"
PRESENCE = "presence"
PRESENCE_END = "presence_end"
UNPLUGGED = "unplugged"  # the patient's handset
PLUGGED = "plugged"
TEST_PRESS = "test_press"  # the hardware pressed for itself, asked to by `prove`
FAULT = "fault"  # about: device, code, detail, and for_ms: how long it has been so, if known
RECOVERED = "recovered"  # about: device, code

OFF = "off"
STEADY = "steady"
BLINK = "blink"  # 1 Hz
FAST = "fast"  # 4 Hz
PATTERNS = (OFF, STEADY, BLINK, FAST)

# Codes of faults.
SILENT = "silent"  # no answer at all
GARBLED = "garbled"  # answers that fail their checksum
ADDRESS_CLASH = "address_clash"  # two units answer at one address
SELFTEST_FAILED = "selftest"  # the unit itself says that something in it is broken
STUCK = "stuck"  # a button that stays pressed: whoever lies there cannot call
RACING = "racing"  # a unit counts more than anybody can press
GONE = "gone"  # the serial adapter of the whole bus
# Besides these, why no test press can be made at a bed.
BUTTON_DOWN = "button-down"  # by a finger or a short
PIN_LOST = "pin-lost"  # somebody else has taken the input over
