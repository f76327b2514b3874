"""Where Wardline meets the world."""
