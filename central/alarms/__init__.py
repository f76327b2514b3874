"""Nurse calls as messages to alarm managers of the hospital."""
