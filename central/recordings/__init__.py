"""Calls that are recorded: by which rule, who listened, and for how long they are kept."""
