"""Which exchange, as whom, and whether it will do."""

import re
from dataclasses import dataclass, field

import aiohttp

from gateway.telephone.ari.errors import UnsuitableExchangeError

# The first release of each line that takes requests over the WebSocket; later lines all do.
FIRST_SUITABLE = {20: 14, 21: 9, 22: 4}


@dataclass(frozen=True)
class Account:
    """Where ARI answers ("http://127.0.0.1:8088/ari"), and as whom we use it."""

    url: str
    user: str
    password: str = field(repr=False)
    app: str = "wardline"

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": aiohttp.encode_basic_auth(self.user, self.password)}


def ensure_suitable(version: str) -> None:
    """Raises UnsuitableExchangeError where this release of Asterisk takes no requests over the
    WebSocket."""
    numbers = re.match(r"(?:certified-|certified/)?(\d+)\.(\d+)", version)
    if numbers is None:
        return  # built by somebody himself
    line, release = (int(each) for each in numbers.groups())
    if line < min(FIRST_SUITABLE) or release < FIRST_SUITABLE.get(line, 0):
        raise UnsuitableExchangeError(
            f"Asterisk {version} is too old: it must be 20.14, 21.9, 22.4 or newer"
        )
