"""Who gives wrong passwords is refused for a while, each time for longer. Without I/O.

The source of a UDP packet can be forged, and Asterisk's log does not tell whether the one who
answered had seen the question. So a stranger could lock out whomever he likes, were it not for one
rule: where a telephone of ours has logged in, nobody is locked out by what may be forged, and for
a short while not even by what cannot, for many telephones may share one address (NAT). Then people
are told instead; passwords of 96 bits are not guessed meanwhile.
"""

import ipaddress
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from gateway.telephone.security_log import LogIn

TRIES = 10
TRIES_WITHIN_S = 600.0
FIRST_S = 60.0
MOST_S = 3600.0
# After so long without a try everything begins anew.
FORGOTTEN_AFTER_S = 24 * 3600.0
# For so long after a good log-in an address is spared: by what cannot be forged, and by what may.
SPARED_PROVEN_S = 900.0
SPARED_S = 7 * 24 * 3600.0
# Asterisk looks through the locked-out ones at each packet.
MOST_LOCKED = 1_000
MOST_KNOWN = 20_000
# A subscriber of IPv6 has as many addresses as he likes in his own network.
NETWORK_V6 = 64


@dataclass
class Trouble:
    """Of one address. tries since first_s; times: how often it was locked out; it is locked out
    from since_s until until_s; account: whom it tried last."""

    tries: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    times: int = 0
    since_s: float = 0.0
    until_s: float = 0.0
    account: str = ""
    # It would be locked out, were there no telephone of ours.
    spared: bool = False


@dataclass(frozen=True)
class Lockout:
    """An address that is locked out, for wrong passwords given last for `account`; it is the time
    number `times`. Times are the guard's."""

    address: str
    account: str
    times: int
    since_s: float
    until_s: float


@dataclass
class Guard:
    """exempt: addresses that are never locked out, such as those of lines to the world. Times are
    seconds of any one clock that goes on over a restart."""

    exempt: frozenset[str] = frozenset({"127.0.0.1", "::1"})
    troubles: dict[str, Trouble] = field(default_factory=dict)
    # When a telephone last logged in from an address.
    good: dict[str, float] = field(default_factory=dict)

    def seen(self, came: LogIn, now_s: float) -> None:
        """Somebody logged in, or tried."""
        address = whose(came.address)
        if came.fine:
            self.good.pop(address, None)  # the newest stands last
            self.good[address] = now_s
            _shorten(self.good, MOST_KNOWN)
        elif address not in self.exempt:
            self._failed(address, came, now_s)

    def _failed(self, address: str, came: LogIn, now_s: float) -> None:
        trouble = self.troubles.pop(address, None)
        if trouble is None or now_s - trouble.last_s > FORGOTTEN_AFTER_S:
            trouble = Trouble(first_s=now_s)
        self.troubles[address] = trouble
        _shorten(self.troubles, MOST_KNOWN)
        if now_s - trouble.first_s > TRIES_WITHIN_S:
            trouble.tries, trouble.first_s = 0, now_s
        trouble.tries += 1
        trouble.last_s, trouble.account = now_s, came.account
        if trouble.tries < TRIES or _is_locked(trouble, now_s):
            return
        spared_s = SPARED_PROVEN_S if came.proven else SPARED_S
        trouble.tries = 0
        trouble.spared = now_s - self.good.get(address, -SPARED_S - 1) <= spared_s
        if not trouble.spared:
            trouble.since_s = now_s
            trouble.until_s = now_s + min(FIRST_S * 2**trouble.times, MOST_S)
            trouble.times += 1

    def locked(self, now_s: float) -> tuple[str, ...]:
        """The addresses to be refused now, the last ones if there are more than MOST_LOCKED."""
        found = [
            each
            for each, its in self.troubles.items()
            if _is_locked(its, now_s) and each not in self.exempt
        ]
        return tuple(sorted(found[-MOST_LOCKED:]))

    def lockouts(self, now_s: float) -> list[Lockout]:
        """The same with what is known of each."""
        return [
            Lockout(address, its.account, its.times, its.since_s, its.until_s)
            for address in self.locked(now_s)
            for its in [self.troubles[address]]
        ]

    def forgive(self, address: str) -> None:
        """Somebody who may has let the address in again; it begins anew."""
        self.troubles.pop(address, None)

    def spared(self, now_s: float) -> tuple[str, ...]:
        """Those that try wrong passwords and are not refused, for telephones of ours are there."""
        return tuple(
            sorted(
                address
                for address, its in self.troubles.items()
                if its.spared and now_s - its.last_s <= TRIES_WITHIN_S
            )
        )

    # --- over a restart ---

    def kept(self) -> dict[str, Any]:
        """All of it as JSON."""
        troubles = {address: asdict(its) for address, its in self.troubles.items()}
        return {"troubles": troubles, "good": self.good}

    def restore(self, kept: dict[str, Any]) -> None:
        """Go on with what `kept` gave. Raises TypeError, KeyError, AttributeError for anything
        else."""
        troubles = {str(key): Trouble(**its) for key, its in kept["troubles"].items()}
        good = {str(key): float(at) for key, at in kept["good"].items()}
        self.troubles, self.good = troubles, good


def _is_locked(trouble: Trouble, now_s: float) -> bool:
    """Not by a clock that was far ahead then and has been set right: it would be for ever."""
    return 0 < trouble.until_s - now_s <= MOST_S


def whose(address: str) -> str:
    """The address, or the network of one IPv6 subscriber, that is counted and locked together."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, NETWORK_V6), strict=False))
    return str(found)


def never(hosts: Iterable[str]) -> frozenset[str]:
    """`exempt` for a guard: this machine, and those of `hosts` ("192.0.2.7:5060") that are
    addresses."""
    found = {"127.0.0.1", "::1"}
    for host in hosts:
        try:
            found.add(whose(host.partition(":")[0]))
        except ValueError:
            continue  # a name
    return frozenset(found)


def _shorten(known: dict[str, Any], most: int) -> None:
    while len(known) > most:
        del known[next(iter(known))]
