"""The beds of a ward: who lies there, what runs, which box speaks for it."""
