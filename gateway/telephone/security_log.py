"""What Asterisk writes into its log `security` about log-ins, line by line.

A name that a stranger gives himself stands in such a line as he sent it, quotes and all. So nothing
is believed after the first field that could hold one: what is read here stands before it, or the
line begins as no other can.
"""

import ipaddress
import re
from dataclasses import dataclass

# Says that somebody gave a wrong password, or answered a challenge that nobody had sent him.
FAILED = "ChallengeResponseFailed"
FINE = "SuccessfulAuth"
# The account of a request whose name no telephone has.
NOBODY = "<unknown>"
_LINE = re.compile(
    rf'\[[^\]]*\] SECURITY\[\d+\] res_security_log\.c: SecurityEvent="({FAILED}|{FINE})"'
    r',EventTV="[^"]*",Severity="[^"]*",Service="PJSIP",EventVersion="\d+"'
    rf',AccountID="([A-Za-z0-9_.-]{{1,64}}|{NOBODY})",SessionID="[^"]*"'
    r',LocalAddress="IPV[46]/\w+/[0-9a-fA-F.:]+/\d+"'
    r',RemoteAddress="IPV[46]/(\w+)/([0-9a-fA-F.:]+)/\d+"'
)


@dataclass(frozen=True)
class LogIn:
    """One try. proven: by its transport (TCP, TLS) the address cannot be forged."""

    fine: bool
    account: str
    address: str
    proven: bool


def log_in(line: str) -> LogIn | None:
    """What `line` says of a log-in, or None."""
    found = _LINE.match(line)
    if found is None:
        return None
    event, account, transport, address = found.groups()
    try:
        ipaddress.ip_address(address)
    except ValueError:
        return None
    return LogIn(event == FINE, account, address, transport != "UDP")
