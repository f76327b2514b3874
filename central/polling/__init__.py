"""Facts that the bridge reads out of the hospital's database: how far, what it told, what waits."""
