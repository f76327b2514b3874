"""A box that central does not answer: it knows, says so, and tells the patient once a press that
the button works."""

from ward_node.compat import Any
from ward_node.contract import kinds
from ward_node.core import voice
from ward_node.core.bed import call_words

# No receipt of central passed for so long: nobody but the ward knows of it.
ALONE_MS = 2_000
PHRASE = "node.alone_registered"


class Solitude:
    """The part of a node that notices being alone; `node` is the Node."""

    def __init__(self, node: Any) -> None:
        self._node = node
        self._announced: set[str] = set()  # events the bed was told about

    def receipted(self, event_id: str) -> None:
        self._announced.discard(event_id)

    def tick(self, now_ms: int) -> None:
        node = self._node
        oldest_ms = node.outbox.oldest_ms()
        unheard = oldest_ms is not None and now_ms - oldest_ms >= ALONE_MS
        acting = node.station is not None and node.station.acting
        alone = unheard or acting or node.clock.away(now_ms)
        if alone != node.alone:
            node.alone = alone
            node.reports.soon(now_ms)
            node.note("central does not answer" if alone else "central answers again", alone)
        words = node.phrases.get(PHRASE)
        if not alone or words is None:
            return
        for bed in node.beds.values():
            fresh = [each for each in bed.unreceipted if each not in self._announced]
            if fresh and bed.raised:
                self._announced.update(fresh)
                node.out += node.voice.say(
                    voice.Utterance(call_words(bed.name), kinds.CALLING, words, "low", (bed.name,)),
                    now_ms,
                )
