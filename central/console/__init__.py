"""The console: log-in, layout, languages, and the live link to the browsers."""
