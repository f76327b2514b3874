"""Facts of the hospital as JSON over HTTP: what may be sent, and what is understood of it.

`schemas` is the one source: it checks what comes, and `document` makes the OpenAPI document of it.
`reading` turns a body into one of `gateway.his.events`. Nothing here does I/O.
"""
