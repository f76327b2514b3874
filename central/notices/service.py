"""Notices by voice to a nurse station, until somebody has accepted them.

The loudspeaker says each at once. The telephone rings for all that are open together, the most
urgent first, and again after a pause that grows; in vain to the end is a fault on the board.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from central import say, timers
from central.audit import model as audit
from central.console.marks import N_
from central.directory import reach
from central.faults import service as faults
from central.notices import model, rules
from central.store import Row, Tx
from central.telephone import model as ringings
from central.telephone import service as telephone
from central.telephone.service import Ringing, Rung
from central.wards import model as wards
from central.words import seen, spoken
from gateway.mqtt import kinds
from gateway.telephone.telling import Outcome

KIND = "notice"
RING = "notices.ring"
UNHEARD = "notice-unheard"
CHANGED = "notices"
# More at once nobody remembers; the rest stands on the page.
SPOKEN_MOST = 3


def tell(
    tx: Tx,
    ward: str,
    about: str,
    kind: str,
    text: Mapping[str, str],
    *,
    urgent: bool = False,
    ring: bool = True,
    until_accepted: bool = False,
) -> int:
    """Let the station of `ward` hear `text` (the words by language); `ring`: and confirm it at
    its telephone, if it has one. `until_accepted`: a ward without a telephone hears it again from
    its loudspeaker until somebody confirms it on the page. Returns the notice's id."""
    rung = ring and (until_accepted or bool(reach.of_ward(tx, ward)))
    notice = tx.insert(
        "notices", ward=ward, about=about, kind=kind,
        text=json.dumps(dict(text), ensure_ascii=False), urgent=urgent, created_ms=tx.now_ms,
        due_ms=tx.now_ms, state=model.OPEN if rung else model.SAID,
        over_ms=None if rung else tx.now_ms,
    )  # fmt: skip
    _say(tx, _row(tx, notice))
    _look(tx, ward)
    tx.changed(ward, CHANGED)
    return notice


def withdraw(tx: Tx, ward: str, about: str) -> list[Row]:
    """It is not so any more: what nobody has accepted of this matter is taken back, and nothing
    of it is said again. Returns what was taken back."""
    rows = model.waiting(tx, ward, about)
    _over(tx, ward, rows, model.WITHDRAWN, None)
    return rows


def accept(tx: Tx, notice: int, by: str, via: str = "page") -> None:
    """Somebody has read it on the page, or heard it. One that is over stays as it is."""
    row = _row(tx, notice)
    if row["state"] in (model.OPEN, model.UNHEARD):
        audit.append(tx, by, "notice.accept", f"notice/{notice}", detail={"via": via})
        _over(tx, row["ward"], [row], model.ACCEPTED, by)


def words(tx: Tx, ref: str, lang: str) -> str | None:
    """What the telephone says; None when all of it is over."""
    rows = model.of_round(tx, *_of(ref))
    if not rows:
        return None
    said = [model.text(row, lang) for row in rows[:SPOKEN_MOST]]
    if len(rows) > SPOKEN_MOST:
        said.append(spoken(lang, "notices.more", n=len(rows) - SPOKEN_MOST))
    return (" " if lang == "en" else "").join(said)


# --- inside ---


def _row(tx: Tx, notice: int) -> Row:
    row = model.one(tx, notice)
    if row is None:
        raise LookupError(f"there is no notice {notice}")
    return row


def _ref(ward: str, round: int) -> str:
    return f"{ward}/{round}"


def _of(ref: str) -> tuple[str, int]:
    ward, _, round = ref.rpartition("/")
    return ward, int(round)


def _say(tx: Tx, row: Row) -> None:
    say.text_to_station(
        tx, row["ward"], _utterance(row), model.text(row, wards.lang(tx, row["ward"])),
        # A call breaks into an ordinary one and is said before an urgent one.
        klass=kinds.REMINDER if row["urgent"] else kinds.ANNOUNCEMENT,
        chime="medium" if row["urgent"] else "low",
    )  # fmt: skip


def _utterance(row: Row) -> str:
    return f"notice-{row['id']}"


def _rings(tx: Tx, ward: str) -> str | None:
    """What the ward's telephone rings about just now, by its ref."""
    for row in ringings.unfinished(tx):
        if row["kind"] == KIND and _of(row["ref"])[0] == ward:
            return str(row["ref"])
    return None


def _look(tx: Tx, ward: str) -> None:
    """Ring for all that is due, unless it rings; else be woken when the next one is."""
    if _rings(tx, ward) is not None:
        return
    timers.cancel(tx, RING, ward)
    rows = model.open_(tx, ward)
    if not rows:
        return
    quiet_ms = _quiet_until_ms(tx, ward)
    when = {row["id"]: max(row["due_ms"], 0 if row["urgent"] else quiet_ms) for row in rows}
    due = [row for row in rows if when[row["id"]] <= tx.now_ms]
    if due:
        _ring(tx, ward, due)
    else:
        timers.arm(tx, min(when.values()), RING, ward)


def _quiet_until_ms(tx: Tx, ward: str) -> int:
    """Until when the ward is left in peace, in hospital ms; 0: it is not. The process runs in the
    hospital's time zone."""
    local = datetime.fromtimestamp(tx.now_ms / 1000)
    bands = wards.settings(tx, ward).get("bands", [])
    left_min = rules.quiet_min(bands, local.hour * 60 + local.minute)
    return (tx.now_ms // 60_000 + left_min) * 60_000 if left_min else 0


def _ring(tx: Tx, ward: str, rows: Iterable[Row]) -> None:
    round = model.last_round(tx, ward) + 1
    every = [each for number in reach.of_ward(tx, ward) for each in reach.found(tx, number)]
    urgent = False
    for row in rows:
        urgent = urgent or bool(row["urgent"])
        tx.execute(
            "UPDATE notices SET round = ?, rings = rings + 1 WHERE id = ?", (round, row["id"])
        )
        if (row["urgent"] or not every) and row["rings"]:
            _say(tx, row)  # once more, beside the telephone or for want of one
    if not every:
        _on_rung(tx, _ref(ward, round), Rung(None, {}))
        return
    caller = seen(wards.lang(tx, ward), N_("Urgent notice") if urgent else N_("Notice"))
    telephone.ring(tx, KIND, _ref(ward, round), [list(dict.fromkeys(every))], caller=caller)


def _on_rung(tx: Tx, ref: str, rung: Rung) -> None:
    ward, round = _of(ref)
    rows = model.of_round(tx, ward, round)
    if rung.taken_by is not None:
        by = reach.holder(tx, rung.taken_by)
        for row in rows:
            audit.append(
                tx, by, "notice.accept", f"notice/{row['id']}",
                detail={"via": f"phone {rung.taken_by}"},
            )  # fmt: skip
        _over(tx, ward, rows, model.ACCEPTED, by)
        return
    given_up = [row for row in rows if row["rings"] >= rules.MOST_RINGS]
    for row in rows:
        due_ms = tx.now_ms + rules.pause_s(row["rings"], row["urgent"]) * 1000
        tx.execute("UPDATE notices SET due_ms = ? WHERE id = ?", (due_ms, row["id"]))
    if given_up:
        faults.raise_fault(
            tx, ward=ward, node="central", device=_device(ward), code=UNHEARD,
            detail=_outcomes(rung.outcomes),
        )  # fmt: skip
    _over(tx, ward, given_up, model.UNHEARD, None)


def _outcomes(outcomes: Mapping[str, Outcome]) -> str:
    return ", ".join(f"{number}: {outcome}" for number, outcome in outcomes.items())


def _over(tx: Tx, ward: str, rows: list[Row], state: str, by: str | None) -> None:
    """These have come to an end; the telephone rings on only for what is left."""
    for row in rows:
        tx.execute(
            "UPDATE notices SET state = ?, over_ms = ?, by = ? WHERE id = ?",
            (state, tx.now_ms, by, row["id"]),
        )
        say.stop(tx, ward, _utterance(row))
    if rows and not model.unheard(tx, ward):
        faults.clear_fault(tx, "central", _device(ward), UNHEARD)
    ringing = _rings(tx, ward)
    if ringing is not None and not model.of_round(tx, *_of(ringing)):
        telephone.stop(tx, KIND, ringing)
    _look(tx, ward)
    tx.changed(ward, CHANGED)


def _device(ward: str) -> str:
    return f"notices {ward}"


def _on_due(tx: Tx, ref: str, body: dict[str, Any], late_ms: int) -> None:
    _look(tx, ref)


TIMERS: dict[str, Callable[[Tx, str, dict[str, Any], int], None]] = {RING: _on_due}
RINGINGS = {KIND: Ringing(words, _on_rung)}
