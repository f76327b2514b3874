"""The addresses that are refused, whatever they say, in a file of its own that pjsip.conf includes:
it changes by itself and stays over a restart. (A mapping to it in sorcery.conf is not obeyed.)"""

from collections.abc import Iterable

from gateway.telephone import text
from gateway.telephone.text import Section

FILE = "pjsip_locked.conf"


def locked_conf(addresses: Iterable[str]) -> str:
    """From `guard.Guard.locked`."""
    denied = [("deny", each) for each in addresses]
    if not denied:
        return text.file()
    return text.file(Section("locked-out", [("type", "acl"), *denied]))
