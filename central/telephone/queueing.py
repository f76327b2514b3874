"""A caller of ours in a queue: his lane is told what becomes of him."""

import asyncio
import contextlib
import logging
import math

from central.directory import reach
from central.telephone import model
from central.telephone.desk import Arrival, Desk
from gateway.telephone import queueing
from gateway.telephone.ari.errors import ExchangeError
from gateway.telephone.ari.events import Event
from gateway.telephone.ari.reading import Lane
from gateway.telephone.queueing import NobodyThereError

log = logging.getLogger("wardline.telephone")

# Events of ours in the caller's lane: he has another place, somebody has answered, or nobody will.
PLACED, TAKEN, NOT_TAKEN = "Placed", "Taken", "NotTaken"


class Attendant:
    """Rings for one caller. number: the extension that he waits for; its telephones, and those at
    which whoever sits there is found, are looked up while it rings."""

    def __init__(self, desk: Desk, arrival: Arrival, number: str, most_s: float) -> None:
        self._desk = desk
        self._arrival = arrival
        self._number = number
        self._most_s = most_s
        self._phone: Lane | None = None
        self._task = asyncio.create_task(self._wait())

    def told(self, event: Event) -> str:
        """PLACED, TAKEN or NOT_TAKEN, if the event is of this attendant; else ""."""
        return event.type if event.body.get("by") is self else ""

    async def leave(self) -> None:
        """He waits no more: what rings for him falls silent."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        phone, self._phone = self._phone, None
        if phone is not None:
            with contextlib.suppress(ExchangeError):
                await self._desk.actions.hang_up(phone.subject.id)

    async def speak(self) -> None:
        """After TAKEN: until one of them hangs up. Raises ExchangeError's kinds."""
        phone, self._phone = self._phone, None
        if phone is not None:
            await queueing.join(self._desk.actions, self._arrival.lane, phone)

    async def _wait(self) -> None:
        queues, number = self._desk.queues, self._number
        ticket = queues.join(number, lambda place: self._tell(PLACED, place))
        why = "nobody answered in time"
        try:
            async with asyncio.timeout(self._most_s):
                await ticket.is_first.wait()
                self._phone = await queueing.taken(
                    self._desk.actions, self._endpoints, self._arrival.caller,
                    math.ceil(self._most_s),
                )  # fmt: skip
        except TimeoutError:
            pass
        except (NobodyThereError, ExchangeError) as error:
            why = str(error)
        except Exception:  # a caller is on the line: he goes on, and does not wait for ever
            log.exception("nothing rings for the queue of %s", number)
        finally:
            queues.leave(number, ticket)
        if self._phone is None:
            log.info("%s left the queue for %s: %s", self._arrival.lane.subject, number, why)
        self._tell(NOT_TAKEN if self._phone is None else TAKEN)

    def _endpoints(self) -> list[str]:
        tx = self._desk.store.read()
        found = model.telephones(tx, reach.found(tx, self._number))
        return [each.endpoint for each in found if each.device != self._arrival.device]

    def _tell(self, type: str, place: int = 0) -> None:
        self._arrival.lane.put(Event(type, {"place": place, "by": self}))
