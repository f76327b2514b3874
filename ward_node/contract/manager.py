"""What a program tells the service manager that started it: that it is ready, and that it lives.

systemd's protocol (sd_notify): a datagram to the socket that NOTIFY_SOCKET names, with @ for a
zero byte. Where nobody asked for it nothing is sent. A program that has said nothing for
WATCHDOG_USEC is started anew: so the loop that does the work tells it, and nothing beside it.
"""

import socket

SOCKET = "NOTIFY_SOCKET"
WATCHDOG = "WATCHDOG_USEC"


class Manager:
    """environment: of the process. Times are of a steady clock, in milliseconds."""

    def __init__(self, environment: "dict[str, str]") -> None:
        self._address = environment.get(SOCKET, "")
        asked = environment.get(WATCHDOG, "")
        # Half of the time would do; a quarter leaves room for a slow moment.
        self.every_ms = int(asked) // 4000 if asked.isdigit() else 0
        self._told_ms: int | None = None

    def ready(self) -> bool:
        return self._tell("READY=1")

    def stopping(self) -> bool:
        return self._tell("STOPPING=1")

    def alive(self, now_ms: int) -> bool:
        """Call it as often as you like; whether it was told."""
        if not self.every_ms:
            return False
        if self._told_ms is not None and now_ms - self._told_ms < self.every_ms:
            return False
        self._told_ms = now_ms
        return self._tell("WATCHDOG=1")

    def _tell(self, text: str) -> bool:
        if not self._address:
            return False
        address = self._address
        if address[0] == "@":
            address = "\0" + address[1:]
        line = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            line.sendto(text.encode(), address)
        except OSError:
            return False  # it is gone; the work goes on
        finally:
            line.close()
        return True
