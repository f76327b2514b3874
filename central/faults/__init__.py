"""Faults of nodes, buses, lamps and speakers: raised, heard, seen, cleared."""
