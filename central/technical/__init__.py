"""Dead equipment escalates to people: faults of a ward become its technical calls."""
