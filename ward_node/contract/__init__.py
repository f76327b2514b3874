"""What a ward node and central say to each other: topics and words of the protocol.

Runs on CPython and on MicroPython: no imports beyond what both have.
The JSON Schema of each message kind stands in `gateway/mqtt/schemas/`.
"""
