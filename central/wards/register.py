"""Who may speak for whom, held in memory: a look in it costs no query, which thousands of
messages a second would feel. The database counts each change of its boxes and beds."""

from central.store import Tx
from gateway.mqtt import kinds

# What a box may say of its own beds alone: it ends calls.
_OF_OWN_BEDS = (kinds.PRESENCE, kinds.PRESENCE_END, kinds.CORD_RESET, kinds.PLUGGED)


class Register:
    """The ward of each box and the box of each bed, as of the last `refresh`."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._ward_of: dict[str, str] = {}
        self._box_of: dict[tuple[str, str], str | None] = {}

    def refresh(self, tx: Tx) -> None:
        """Read boxes and beds anew if any of them was set up, moved or taken away since."""
        version = tx.value("SELECT number FROM fleet_version")
        if version == self._version:
            return
        self._ward_of = {row["id"]: row["ward"] for row in tx.all("SELECT id, ward FROM nodes")}
        beds = tx.all("SELECT ward, bed, node FROM beds")
        self._box_of = {(row["ward"], row["bed"]): row["node"] for row in beds}
        self._version = version

    def stranger(self, ward: str, node: str) -> str | None:
        """Why nothing said in `ward` under the name `node` may be believed: the box belongs to
        another ward, whose events, answers and signs of life it would pass itself off with.
        A box nobody knows is no stranger: its presses still count."""
        own = self._ward_of.get(node, ward)
        if own == ward:
            return None
        return f"box {node} belongs to ward {own}, and spoke in ward {ward}"

    def not_its_bed(self, ward: str, node: str, bed: str | None, type: str) -> str | None:
        """Why a box may not say this of a bed: it would end a call at a bed of another box.
        Presses are heard from wherever they come."""
        if bed is None or type not in _OF_OWN_BEDS:
            return None
        own = self._box_of.get((ward, bed))
        if own is None or own == node:
            return None
        return f"bed {bed} belongs to box {own}, yet box {node} reports {type} there"
