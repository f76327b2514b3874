"""The console's gunicorn worker: nobody keeps its threads by sending or reading slowly.

Every request holds a thread until its head is read, every open board for as long as it is watched.
Without bounds, 300 half-sent requests of one visitor would leave every board dark.
"""

import socket
import struct
import time
from typing import Any

from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.workers.gthread import ThreadWorker

# From the first byte expected to the last one of head and body.
REQUEST_TIMEOUT_S = 10.0
# Of silence of a client that is being sent something.
SEND_TIMEOUT_S = 30


class GuardedWorker(ThreadWorker):
    """Threads with two bounds: how long a request may take to arrive, and how many connections
    one address may have. `per_address` and `proxies` (addresses that speak for many, and have no
    bound) are set by gunicorn.conf.py."""

    per_address = 64
    proxies: frozenset[str] = frozenset()
    request_timeout_s = REQUEST_TIMEOUT_S

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._open: dict[str, set[Any]] = {}
        # By connection: steady s when its request must have arrived, and what reads the body, once
        # there is a head.
        self._reading: dict[Any, tuple[float, Any]] = {}

    def enqueue_req(self, conn: Any) -> None:
        if self._may_stay(conn):
            super().enqueue_req(conn)
        else:
            self.nr_conns -= 1
            conn.close()

    def _may_stay(self, conn: Any) -> bool:
        address = conn.client[0]
        if address in self.proxies:
            return True
        known = {each for each in self._open.get(address, ()) if each.sock.fileno() >= 0}
        if conn not in known:
            if len(known) >= self.per_address:
                return False
            timeout = struct.pack("ll", SEND_TIMEOUT_S, 0)
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, timeout)
            known.add(conn)
        self._open[address] = known
        return True

    def handle(self, conn: Any) -> Any:
        self._reading[conn] = (time.monotonic() + self.request_timeout_s, None)
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        self._reading[conn] = (self._reading[conn][0], req.body.reader)
        return super().handle_request(req, conn)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Told to stop: streams never end by themselves, and nobody shall wait for them."""
        super().handle_exit(sig, frame)
        self.method_queue.defer(self.end_streams)

    def end_streams(self) -> None:
        if self.wsgi is not None:
            self.wsgi.extensions["wardline"].live.close()

    def murder_pending(self) -> None:
        """Called about once a second."""
        super().murder_pending()
        now_s = time.monotonic()
        for conn, (until_s, body) in list(self._reading.items()):
            if until_s <= now_s and not _arrived(body):
                try:
                    conn.sock.shutdown(socket.SHUT_RDWR)  # its thread reads the end
                except OSError:
                    pass  # gone already
        for address in [each for each, conns in self._open.items() if not _alive(conns)]:
            del self._open[address]


def _arrived(body: Any) -> bool:
    """Whether all of a request has been read; then a board's stream may go on, and a form be worked
    at, for as long as they need. body: gunicorn's reader of it; None while there is no head."""
    match body:
        case LengthReader():  # without a body, too
            return bool(body.length == 0)
        case ChunkedReader():
            return body.parser is None
    return False


def _alive(conns: set[Any]) -> bool:
    return any(each.sock.fileno() >= 0 for each in conns)
