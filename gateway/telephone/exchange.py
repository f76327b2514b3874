"""An exchange as Wardline runs it: where it listens, and the account that steers it."""

from dataclasses import dataclass
from pathlib import Path

# The name of our ARI application, and of the account it uses.
APP = "wardline"
# The account of the console, which only looks; and what tells it who belongs to one call.
CONSOLE = "wardline-console"
LINKED = "CHANNEL(linkedid)"
# Where Asterisk finds its own folder, whatever that folder is called outside.
INSIDE = "/run/exchange"
SOUNDS = f"{INSIDE}/sounds"
# The exchange takes a call that others can answer back from an application that has not said for
# so long that it still has it; said by this function of the dial plan.
TAKE_BACK = "TIMEOUT(absolute)"
TAKE_BACK_S = 4
# What the dial plan tells the application of such a call, beside its purpose.
TO_BE_HELD = "held"
# Each make of telephone listens to another one of these.
HANDS_FREE_HEADERS = {
    "Call-Info": "<sip:wardline>;answer-after=0",
    "Alert-Info": "<http://wardline>;info=alert-autoanswer;delay=0",
    "Answer-Mode": "Auto",
    "P-Auto-answer": "normal",
}


@dataclass(frozen=True)
class Ports:
    """Where it listens. sip: UDP and TCP; rtp: the first of `rtp_count` UDP ports for voices."""

    sip: int
    ari: int
    rtp: int
    rtp_count: int = 200


@dataclass(frozen=True)
class Tls:
    """SIP over TLS 1.2 at `port`. certificate (its chain may follow it) and key: PEM files."""

    port: int
    certificate: Path
    key: Path


@dataclass(frozen=True)
class Exchange:
    """An Asterisk of our own. address: where phones reach it; ARI is on loopback only. url: of ARI,
    where it is not our own ("http://192.0.2.5:8088/ari")."""

    ports: Ports
    ari_password: str
    address: str = "127.0.0.1"
    realm: str = "wardline"
    # Calls at once, a last guard for the machine.
    most_calls: int = 500
    # Without it no telephone can encrypt, and one that must cannot call.
    tls: Tls | None = None
    # Where a day begins that calls are counted by.
    timezone: str = "Asia/Shanghai"
    # Without it the console cannot look.
    console_password: str = ""
    url: str = ""

    @property
    def ari_url(self) -> str:
        return self.url or f"http://127.0.0.1:{self.ports.ari}/ari"
