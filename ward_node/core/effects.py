"""What the core wants done. The port carries effects out in their order."""

from collections import namedtuple

# Send `message` (a dict) on this node's topic of `kind`.
Publish = namedtuple("Publish", ("kind", "message"))
# Begin to play: chime ("high", "medium", "low", "none"), then `words` ({"lang", "text",
# "audio"?} or None for the chime alone), at `volume` per cent, heard at `beds` (empty: the
# box's own speaker). Answered by `Node.speech_begun` and `Node.speech_done`.
Speak = namedtuple("Speak", ("utterance", "words", "klass", "volume", "chime", "beds"))
# Begin to play a live voice, at `volume` per cent, heard at `beds`. Its sound follows as Block
# until Finish or Silence. Answered by `Node.speech_begun` and, once all was heard or why it cannot
# be played, by `Node.speech_done`.
Listen = namedtuple("Listen", ("utterance", "klass", "volume", "beds"))
# The next `contract.sound.BLOCK_MS` of the live voice: mu-law.
Block = namedtuple("Block", ("utterance", "sound"))
# No more blocks come.
Finish = namedtuple("Finish", ("utterance",))
# Break off what is playing, at once. Not answered by `speech_done`.
Silence = namedtuple("Silence", ())
# The lamp of a bed; with bed None that of the box itself, such as a nurse station's.
Lamp = namedtuple("Lamp", ("bed", "pattern"))
Reassure = namedtuple("Reassure", ("bed", "pattern"))
# Fetch the audio of these words now, so that it is there when central is not.
Fetch = namedtuple("Fetch", ("words",))
# Show on a nurse station's own page: "broker" and "central", whether they are there, and "calls",
# each with its bed, what it wants, since when (steady ms) and whether it sounds only here.
Show = namedtuple("Show", ("picture",))
# Keep `value` (JSON) under `name` over a restart, replacing what was kept.
Remember = namedtuple("Remember", ("name", "value"))
# Run the hardware's self-test; answered by `Node.selftest_done`.
Selftest = namedtuple("Selftest", ("command",))
# Make a test press at a bed, which comes back as the input kinds.TEST_PRESS; when it cannot be
# made, `Node.proof_failed` is told why.
Prove = namedtuple("Prove", ("command", "bed"))
# Take version `version` of the box itself, also one that was given up once if `again`; begin it by
# `not_after_ms` (steady) or not at all. Answered by `Node.update_answered`.
Update = namedtuple("Update", ("command", "version", "again", "not_after_ms"))
# Hand on the last `lines` lines of the log, with `grave` only those that a person must look at;
# answered by `Node.logged`.
Excerpt = namedtuple("Excerpt", ("command", "lines", "grave"))
# One line for the log. `grave` for what a person must look at.
Note = namedtuple("Note", ("text", "grave"))
