"""The fleet: every box of the hospital on one line, and what it tells a scraper."""
