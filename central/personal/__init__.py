"""What belongs to a person's extension: speed dials, where else it rings, and its seat of today."""
