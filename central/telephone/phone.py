"""Who may not be put through outside now is told so; the exchange has counted (`outward`)."""

from central.telephone.desk import Arrival, Desk
from central.words import spoken
from gateway.telephone.files.outward import REFUSED


async def refuse(desk: Desk, arrival: Arrival) -> None:
    """The same words whether lines, calls or minutes are spent; the faults tell which."""
    await desk.actions.answer(arrival.channel)
    words = spoken(arrival.lang, "telephone.outside_refused")
    await desk.say(arrival.lane, arrival.lang, words)


ARRIVALS = {REFUSED: refuse}
