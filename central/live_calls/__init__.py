"""Who speaks with whom just now, and which phones are there."""
