"""What Wardline's programs read when they start, read once: see `tests.forked`."""

import gunicorn.workers.gthread  # noqa: F401

import ward_node.cpython.__main__  # noqa: F401
from central import capabilities

for _name in ("model", "service", "web", "phone", "offers"):
    capabilities.modules(_name)
