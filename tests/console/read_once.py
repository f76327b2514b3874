"""What a console reads when it starts, for the process that each one of the tests is forked off."""

import gunicorn.workers.gthread  # noqa: F401

import central.console.app  # noqa: F401
from central import capabilities

for _name in ("model", "service", "web"):
    capabilities.modules(_name)
