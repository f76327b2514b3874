"""ARI: how the application steers the exchange.

    text → protocol (answers, events) → lanes (in order, per channel and bridge) → whoever waits

`protocol`, `events` and `lanes` are without I/O; `client` holds the connection; `reading` is where
one waits for what comes; `actions` are the requests by name.
"""
