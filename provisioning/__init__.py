"""Everything that sets Wardline up: packages, environment, brokers, the demo hospital."""
