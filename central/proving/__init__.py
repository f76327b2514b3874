"""Every bed proved each day by a test press through the real path, and an inspection book."""
