"""The directory as it is today: with what belongs to each extension."""

import logging
from dataclasses import replace

from central.personal import model
from central.store import Tx
from gateway.telephone import personal
from gateway.telephone.directory import Directory

log = logging.getLogger("wardline.telephone")


def today(tx: Tx, directory: Directory) -> Directory:
    """`directory` with speed dials and find-me. Raises DirectoryError."""
    find, loops = personal.without_loops(model.find(tx))
    for each in loops:
        log.error(
            "find-me goes round for ever, and its last step is left out: %s", " → ".join(each)
        )
    known = {each.name for each in directory.rights}
    return replace(
        directory,
        speed=model.speed(tx),
        # Without a class of its own nobody is found outside.
        find=tuple(each if each.rights in known else _inside(each) for each in find),
    )


def _inside(find: personal.FindMe) -> personal.FindMe:
    return replace(find, targets=tuple(each for each in find.targets if not each.outside))
