"""A nurse station's own page."""
