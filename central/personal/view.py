"""The directory as it is today: with what belongs to each extension."""

import logging
from dataclasses import replace

from central.personal import model
from central.store import Tx
from gateway.telephone import personal
from gateway.telephone.directory import Directory

log = logging.getLogger("wardline.telephone")


def today(tx: Tx, directory: Directory) -> Directory:
    """`directory` with seats, speed dials and find-me. Raises DirectoryError."""
    find, loops = personal.without_loops(model.find(tx))
    for each in loops:
        log.error(
            "find-me goes round for ever, and its last step is left out: %s", " → ".join(each)
        )
    directory = _seated(tx, directory)
    known = {each.name for each in directory.rights}
    return replace(
        directory,
        speed=model.speed(tx),
        # Without a class of its own nobody is found outside.
        find=tuple(each if each.rights in known else _inside(each) for each in find),
    )


def _seated(tx: Tx, directory: Directory) -> Directory:
    """Each phone that somebody has logged in at is his: it shows his number and has his rights,
    and rings for him as well as for its own lines, so that no nurse station falls silent."""
    seats = {row["device"]: row for row in model.seats(tx)}
    if not seats:
        return directory
    phones = tuple(
        replace(
            each,
            number=seats[each.device]["number"],
            name=seats[each.device]["label"],
            rights=seats[each.device]["rights"],
        )
        if each.device in seats
        else each
        for each in directory.phones
    )
    at = {row["number"]: device for device, row in seats.items()}
    lines = tuple(
        replace(each, devices=tuple(dict.fromkeys((*each.devices, at[each.number]))))
        if each.number in at
        else each
        for each in directory.lines
    )
    return replace(directory, phones=phones, lines=lines)


def _inside(find: personal.FindMe) -> personal.FindMe:
    return replace(find, targets=tuple(each for each in find.targets if not each.outside))
