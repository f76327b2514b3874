"""Asks for telephones to be rung, and for silence. What is asked for is a row, so it outlives a
restart; the bridge's Ringer does it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from central.store import HOSPITAL, Tx
from central.telephone import model
from gateway.telephone.telling import Outcome

# What a nudge says has changed.
RINGINGS_CHANGED = "ringings"


@dataclass(frozen=True)
class Rung:
    """What came of it. taken_by: the extension; outcomes: by extension, of those that were tried
    and not silenced by another's decision."""

    taken_by: str | None
    outcomes: Mapping[str, Outcome]

    @property
    def passed_on(self) -> bool:
        """Whether somebody who heard it said that it is for somebody else."""
        return Outcome.PASSED_ON in self.outcomes.values()


@dataclass(frozen=True)
class Ringing:
    """How a capability takes part, in its service's `RINGINGS`, by kind. words(tx, ref, lang): what
    to say now in "zh" or "en", None when nobody needs to hear it any more. done(tx, ref, rung):
    told once."""

    words: Callable[[Tx, str, str], str | None]
    done: Callable[[Tx, str, Rung], None]


def ring(tx: Tx, kind: str, ref: str, groups: Sequence[Sequence[str]], *, caller: str = "") -> int:
    """Tell `groups` of extensions, each all at once, one group after the other, until somebody
    takes it or passes the last one on. caller: what their displays show. Returns the row's id."""
    tx.changed(HOSPITAL, RINGINGS_CHANGED)
    return model.add(tx, kind, ref, groups, caller)


def stop(tx: Tx, kind: str, ref: str) -> None:
    """Nobody needs to be told of `ref` any more: its telephones fall silent."""
    if model.end(tx, kind, ref):
        tx.changed(HOSPITAL, RINGINGS_CHANGED)
