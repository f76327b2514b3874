"""Between the listener and the store: stored durably first, answered then."""

import logging
from datetime import datetime, tzinfo

from central.hospital import model, service
from central.store import Store, StoreUnavailableError
from gateway.his import ack
from gateway.his.message import Parsed
from gateway.his.refusals import FAILED, INTERNAL, NOT_STORED, Refusal

log = logging.getLogger("wardline.his")


class Intake:
    """Takes the messages of `gateway.his.listener.Listener` into the store."""

    def __init__(self, store: Store, zone: tzinfo | None = None) -> None:
        self._store = store
        self._zone = zone

    def encoding_of(self, peer: str) -> str | None:
        """The Python codec set for the sender at `peer`, or None."""
        return model.encoding_of(self._store.read(), peer)

    async def take(self, peer: str, raw: bytes, parsed: Parsed) -> bytes | None:
        """Store and apply a message, then answer. What cannot be stored is answered AE, so that
        the sender keeps it and sends it again."""
        try:
            return await self._store.write(
                lambda tx: service.take_message(tx, peer, raw, parsed, self._zone)
            )
        except StoreUnavailableError as error:
            log.error("a message of %s was not stored (%s): answered AE", peer, error)
            return ack.build(
                parsed.header,
                Refusal(FAILED, INTERNAL, NOT_STORED),
                encoding=parsed.encoding,
                own_id=f"WL-{self._store.clock.real_ms()}",
                at=datetime.fromtimestamp(self._store.clock.now_ms() / 1000, self._zone).astimezone(
                    self._zone
                ),
            )


def intake(store: Store, zone: tzinfo | None = None) -> Intake:
    """What a Listener is given. `zone`: the hospital's; None: the system's."""
    return Intake(store, zone)
