"""Whom a box believes, and by which clock.

A box without a battery clock may start years in the past. The centre's answer to its enrolment, and
to each renewal, told the time; as long as the box's clock shows an earlier one it is plainly wrong.
Then certificates are believed by their signatures and names alone, and not by their dates. A clock
that is right, or too late, judges the dates as well.
"""

import json
import ssl
from pathlib import Path
from typing import Any

from ward_node.cpython.enrolment.kept import NODE

# OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which Python has no name for.
NO_CHECK_TIME = 0x200000


def clock_is_known(told_ms: int, now_ms: int) -> bool:
    """Whether a clock that shows `now_ms` may be right, when the centre once said `told_ms`."""
    return now_ms >= told_ms


def context(root: str, *, by_dates: bool) -> ssl.SSLContext:
    """Believes servers of this authority (PEM)."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_verify_locations(cadata=root)
    if not by_dates:
        made.verify_flags |= NO_CHECK_TIME
    return made


def of_files(tls: dict[str, Any], now_ms: int) -> ssl.SSLContext:
    """For the broker, by the files that the configuration names: root, certificate, key. They are
    read anew for each connection, since a renewal changes them. Raises OSError, ValueError."""
    root = Path(tls["root"])
    told_ms = 0
    beside = root.parent / NODE
    if beside.exists():
        told_ms = int(json.loads(beside.read_text(encoding="utf-8")).get("told_ms", 0))
    made = context(root.read_text(), by_dates=clock_is_known(told_ms, now_ms))
    made.load_cert_chain(tls["certificate"], tls["key"])
    return made
