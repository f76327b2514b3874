"""Find-me: where else a call for an extension rings, by the hour. With it an extension needs no
phone of its own."""

from collections.abc import Mapping, Sequence

from central.console.marks import N_
from central.directory import checks
from central.directory import model as directory
from central.errors import FieldError
from central.personal import model
from central.store import Tx
from gateway.telephone import personal
from gateway.telephone.directory import Directory
from gateway.telephone.personal import DAY_MIN, LONGEST_CHAIN, FindMe, Target

MOST_TARGETS = 5
RING_S = (5, 120)


def find(
    tx: Tx, owner: str, targets: Sequence[Target], *, together: bool = False, by: str = "system"
) -> None:
    """From now on a call for the extension `owner` rings at `targets`, too: together with its own
    phones, or after them in turn. A number that is no extension is one outside, and must be one
    that the owner's permission class may dial. No targets: at its own phones only. Raises
    FieldError, which names a loop by its numbers."""
    checks.extension(tx, owner)
    if len(targets) > MOST_TARGETS:
        raise FieldError("targets", N_("At most %(most)s numbers."), most=MOST_TARGETS)
    now = directory.directory(tx)
    checked = [_checked(tx, now, owner, each) for each in targets]
    _check_ways(now, FindMe(owner, tuple(checked)))
    before = model.find_of(tx, owner)
    if before is not None and (before.targets, before.together) == (tuple(checked), together):
        return
    tx.execute("DELETE FROM find_me WHERE owner = ?", (owner,))
    if checked:
        tx.insert("find_me", owner=owner, together=int(together))
    for place, each in enumerate(checked):
        tx.insert(
            "find_targets", owner=owner, place=place,
            inside=None if each.outside else each.number,
            outside=each.number if each.outside else None,
            begin_min=each.hours.begin_min, end_min=each.hours.end_min,
            days="".join(str(day) for day in sorted(set(each.hours.days))), ring_s=each.ring_s,
        )  # fmt: skip
    numbers = [each.number for each in checked]
    checks.changed(tx, by, "find.put", f"extension/{owner}", {"numbers": numbers})


def _checked(tx: Tx, now: Directory, owner: str, target: Target) -> Target:
    hours = target.hours
    checks.within("ring_s", target.ring_s, RING_S)
    for minute in (hours.begin_min, hours.end_min):
        if not 0 <= minute <= DAY_MIN:
            raise FieldError("hours", N_("A time of day is 00:00 to 24:00."))
    if not hours.days or not set(hours.days) <= set(range(7)):
        raise FieldError("days", N_("Choose at least one day of the week."))
    if directory.extension(tx, target.number) is not None:
        return Target(target.number, hours, target.ring_s)
    if now.reaches("", target.number):
        raise FieldError(
            "targets", N_("%(number)s is the number of no person."),
            number=target.number,
        )  # fmt: skip
    rights = model.rights(tx, owner)
    if rights is None or not now.reaches(rights, target.number):
        raise FieldError(
            "targets", N_("%(owner)s may not dial %(number)s, so nobody is found there for it."),
            owner=owner, number=target.number,
        )  # fmt: skip
    return Target(target.number, hours, target.ring_s, outside=True)


def _check_ways(now: Directory, changed: FindMe) -> None:
    others = [each for each in now.find if each.owner != changed.owner]
    ways: Mapping[str, Sequence[str]] = personal.passes_on([changed, *others])
    round_ = personal.loop(ways)
    if round_:
        raise FieldError(
            "targets", N_("Calls would go round for ever: %(way)s. Leave one of them out."),
            way=" → ".join(round_),
        )  # fmt: skip
    longest = max((personal.chain(ways, each) for each in ways), key=len, default=())
    if len(longest) > LONGEST_CHAIN:
        raise FieldError(
            "targets",
            N_("Calls would be passed on too often: %(way)s. At most %(most)s in a row."),
            way=" → ".join(longest), most=LONGEST_CHAIN,
        )  # fmt: skip
