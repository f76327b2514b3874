"""Speech: what numbers and names sound like, the engines, the library of sounds, its server."""
