"""Hardware: pins, bus, loudspeaker, and their virtual doubles."""
