"""Messages that callers left: heard by phone and in the console, told of by e-mail."""
