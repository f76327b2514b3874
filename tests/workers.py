"""Workers for pytest-xdist, forked off one process that has read all tests: reading them, and what
they test with its measurement, takes each worker longer than most files of tests.

`python -m tests.workers SOCKET` reads, then forks one for each `tests/worker.py` that comes to the
socket. When its input ends it waits for the last of them, and ends."""

import gc
import os
import select
import socket
import sys
import traceback
from contextlib import redirect_stdout

import pytest


def main() -> None:
    """What is wrong with a test is told by the workers, who collect them again."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(sys.argv[1])
    listener.listen()
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere):
        pytest.main(["--collect-only", "-p", "no:cacheprovider"])
    gc.collect()
    # All workers share its memory; a collector that goes through it would make it their own.
    gc.freeze()
    workers = []
    while sys.stdin not in select.select([listener, sys.stdin], [], [])[0]:
        connection, _ = listener.accept()
        worker = os.fork()
        if not worker:
            listener.close()
            _work(connection)
        connection.close()
        workers.append(worker)
    for worker in workers:
        os.waitpid(worker, 0)


def _work(connection: socket.socket) -> None:
    """Do what execnet tells a Python that it has started, and end."""
    try:
        _, handed, _, _ = socket.recv_fds(connection, 1, 3)
        for number, descriptor in enumerate(handed):
            os.dup2(descriptor, number)
            os.close(descriptor)
        sys.stdin = os.fdopen(0)
        exec(eval(sys.stdin.readline()), {"__name__": "__main__"})
        os._exit(0)
    except Exception:
        traceback.print_exc()
    finally:
        # The connection, and with it the process that waits there, ends with this one.
        os._exit(1)


if __name__ == "__main__":
    main()
