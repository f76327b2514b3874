"""What a pin, a bus and a loudspeaker are. Imports nothing else of Wardline."""
