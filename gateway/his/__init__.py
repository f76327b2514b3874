"""Messages of the hospital information system: HL7 v2 over MLLP.

    bytes → framing → encoding → message (header, refusal) → adt (event) → the hospital's `take`
    → ack → bytes

Everything but `listener` and `client` is without I/O.
"""
