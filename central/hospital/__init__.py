"""Messages of the hospital information system: stored, handed to the rules of the capabilities,
answered, and tried again when what they waited for is there."""
