"""Facts of the hospital out of its database: views or intermediate tables that are only read.

`settings` says what is read, `database` reads it as `rows`, `mapping` makes bodies of them,
`differing` tells what happened between two pictures of who lies where. Only `database` does I/O.
"""
