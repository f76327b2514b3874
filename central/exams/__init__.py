"""The queue before each examination room: numbers, places, how long it takes, who is called."""
