"""Prepares the card of a Raspberry Pi, so that at its first start it becomes a box of a ward."""
