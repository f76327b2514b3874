"""How gunicorn serves the console: one process, a thread per open board.

WARDLINE_CONFIG names central's configuration file, as for the application itself.
"""

import json
import os
from pathlib import Path
from typing import Any

from central.console.proxies import trusted
from central.console.worker import REQUEST_TIMEOUT_S, GuardedWorker

_web = json.loads(Path(os.environ["WARDLINE_CONFIG"]).read_text())["web"]

bind = f"{_web['host']}:{_web['port']}"
# One process shares one board per ward among all who watch it; every stream holds a thread.
workers = 1
worker_class = GuardedWorker
threads = int(_web.get("threads", 256))
# One machine keeps at most so many of them; proxies speak for many machines.
GuardedWorker.per_address = int(_web.get("per_address", max(1, threads // 4)))
GuardedWorker.request_timeout_s = float(_web.get("request_timeout_s", REQUEST_TIMEOUT_S))
GuardedWorker.proxies, _hops = trusted(_web)
keepalive = 30
graceful_timeout = 2
accesslog = None
# What it writes, the database first of all, holds names of patients.
umask = 0o077
loglevel = "warning"
# Believe no proxy that was not named; `proxies.TrustedProxies` does the same for the address.
forwarded_allow_ips = ",".join(sorted(GuardedWorker.proxies))


def worker_int(worker: GuardedWorker) -> None:
    """Told to stop at once."""
    worker.end_streams()


def worker_exit(_server: Any, worker: GuardedWorker) -> None:
    worker.end_streams()
