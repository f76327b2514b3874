"""Server-sent events: what a page shows, at once and after each change, and a beat every 2 s."""

import json
from collections.abc import Callable, Iterator

from flask import Response, stream_with_context

from central.console import login
from central.console.context import console

BEAT_EVERY_S = 2.0
# How often a stream asks whether its user may still watch, in beats.
STILL_EVERY = 5


def stream(place: str, event: str, now: Callable[[], str], *, again_beats: int = 0) -> Response:
    """Send `now()`, JSON, as `event` whenever `place` has changed and it differs. `place`: a ward,
    or what else rows are changed for. again_beats: look by itself every so many beats, too, for
    what time alone changes; 0: never."""
    live = console().live
    ticket = login.ticket()

    def events() -> Iterator[str]:
        seen, sent, beats = live.version(place), now(), 0
        yield f"retry: 1000\n\nevent: {event}\ndata: {sent}\n\n"
        next_beat_ms = 0
        while not live.closed:
            steady_ms = console().store.clock.steady_ms()
            look = False
            if steady_ms >= next_beat_ms:
                next_beat_ms = steady_ms + int(BEAT_EVERY_S * 1000)
                beats += 1
                look = bool(again_beats) and beats % again_beats == 0
                if beats % STILL_EVERY == 0 and not login.still(ticket):
                    yield "event: over\ndata: {}\n\n"
                    return
                beat = live.beat()
                yield f"event: beat\ndata: {json.dumps(beat)}\n\n"
            before = seen
            seen = live.wait(place, seen, (next_beat_ms - steady_ms) / 1000)
            if seen == before and not look:
                continue
            fresh = now()
            if fresh != sent:
                sent = fresh
                yield f"event: {event}\ndata: {sent}\n\n"

    answer = Response(stream_with_context(events()), mimetype="text/event-stream")
    answer.headers["X-Accel-Buffering"] = "no"
    return answer
