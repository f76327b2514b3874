"""Who called whom, for how long and at what cost; and what was recorded of it."""
