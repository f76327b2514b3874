"""The fleet: its page, the figures for scrapers, logs of boxes."""
