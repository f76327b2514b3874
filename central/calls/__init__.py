"""Calls: opened at the bed, heard, accepted, and ended only by presence at the bed."""
