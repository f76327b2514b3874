"""What pytest-xdist starts instead of a Python of its own: `worker.py SOCKET` hands its input and
output to a process that is forked off `tests.workers` at that socket, and ends with it."""

import os
import socket
import sys


def main() -> None:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(sys.argv[1])
        socket.send_fds(connection, [b"!"], [0, 1, 2])
        # Theirs now alone: who reads there must see when that process is gone.
        os.close(0)
        os.close(1)
        connection.recv(1)


if __name__ == "__main__":
    main()
