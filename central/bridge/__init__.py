"""wardline-bridge: the one asyncio process between nodes, hospital system and the store."""
