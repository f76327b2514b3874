"""Spoken menus: documents that the hospital edits, run by telephone, in a terminal and in tests."""
