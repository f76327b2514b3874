"""A box renews its certificate by itself, with a new key, before the old one ends.

It does so once two thirds of the certificate's life are over, by the time that central tells over
the ward's bus, or its own clock before central has told any; then every hour until it has come. The
next connection to the broker shows the new one. One that has ended, or was revoked, is not renewed:
that takes a claim.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ward_node.cpython.enrolment import asking, keys, place, trust
from ward_node.cpython.enrolment.core import Ask
from ward_node.cpython.enrolment.kept import CERTIFICATE, KEY, NODE, ROOT, Kept

log = logging.getLogger("wardline.node")

LOOK_EVERY_S = 3600.0
# Central's first beacons have come by then.
FIRST_LOOK_S = 30.0
Send = Callable[..., tuple[int, bytes]]


class RenewalFailedError(Exception):
    """The certificate was not renewed; says why."""

    error_id = "renewal-failed"


def is_due(begins_ms: int, ends_ms: int, now_ms: int) -> bool:
    """Whether two thirds of a certificate's life are over."""
    return now_ms >= begins_ms + (ends_ms - begins_ms) * 2 // 3


class Renewal:
    """The certificate in the folder of `kept`. central_ms: central's time, None while unknown."""

    def __init__(
        self,
        kept: Kept,
        address: str,
        central_ms: Callable[[], int | None],
        send: Send | None = None,
    ) -> None:
        self.kept = kept
        self._central_ms = central_ms
        self._send = send or partial(asking.send, address)

    async def run(self) -> None:
        """Look for ever."""
        await asyncio.sleep(FIRST_LOOK_S)
        while True:
            try:
                if self.due():
                    await asyncio.to_thread(self.renew)
                    log.info("the certificate of this box is renewed")
            except (RenewalFailedError, OSError, ValueError) as error:
                log.error("the certificate of this box could not be renewed: %s", error)
            await asyncio.sleep(LOOK_EVERY_S)

    def due(self) -> bool:
        """Raises OSError, ValueError."""
        _, begins, ends = keys.name_and_times(self.kept.read(CERTIFICATE))
        now_ms = self._central_ms() or time.time_ns() // 1_000_000
        return is_due(int(begins.timestamp() * 1000), int(ends.timestamp() * 1000), now_ms)

    def renew(self) -> None:
        """Raises RenewalFailedError, OSError, ValueError."""
        node = self.kept.node()
        name, _, _ = keys.name_and_times(self.kept.read(CERTIFICATE))
        root = self.kept.read(ROOT).decode()
        key = keys.make()
        body = json.dumps({"request": keys.request(key, name)}).encode()
        own = (str(self.kept.identity / CERTIFICATE), str(self.kept.identity / KEY))
        known = trust.clock_is_known(int(node.get("told_ms", 0)), time.time_ns() // 1_000_000)
        ask = Ask("POST", "v1/renew", body, root)
        status, answer = self._send(ask, own=own, by_dates=known)
        told = _read(answer)
        if status != 200:
            raise RenewalFailedError(str(told.get("help") or f"the endpoint answers {status}"))
        chain = str(told.get("certificate"))
        if wrong := keys.unfit(key, chain, root):
            raise RenewalFailedError(wrong)
        for each in place.chains(told):
            if wrong := keys.unfit(key, each, root):
                raise RenewalFailedError(wrong)
        self.kept.keep(
            place.files(told)
            | {
                KEY: key,
                CERTIFICATE: chain.encode(),
                ROOT: root.encode(),
                NODE: json.dumps(
                    node | {"told_ms": int(told.get("now_ms", 0))}, ensure_ascii=False, indent=1
                ).encode(),
            }
        )


def of(
    broker: dict[str, Any], endpoint: str | None, central_ms: Callable[[], int | None]
) -> Renewal | None:
    """For the broker and endpoint of a configuration; None where the box was not enrolled."""
    tls = broker.get("tls")
    if tls is None or endpoint is None:
        return None
    return Renewal(Kept(Path(tls["certificate"]).parent.parent), endpoint, central_ms)


def _read(answer: bytes) -> dict[str, Any]:
    try:
        told = json.loads(answer)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}
