"""Versions of boxes: which there are, who runs which, and taking one through the hospital."""
