"""The telephone exchange: its configuration as text, and the client that steers it (ARI)."""
