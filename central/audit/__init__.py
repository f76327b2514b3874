"""The audit: append-only, each entry sealed by the hash of all before it."""
