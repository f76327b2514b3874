"""Proxies in front of the console: whose word about the visitor's address is taken.

Limits count by address, and behind a proxy everybody seems to come from it. Believing what any
visitor writes into X-Forwarded-For would be worse: each attempt could claim another address.
"""

import ipaddress
from collections.abc import Iterable
from typing import Any

from werkzeug.middleware.proxy_fix import ProxyFix

from central.config import ConfigError


def trusted(web: dict[str, Any]) -> tuple[frozenset[str], int]:
    """`proxies` and `proxy_hops` of the configuration's web group: the addresses of the proxies
    that connect to the console, and how many proxies a request passes (1). None: no proxy.
    Raises ConfigError."""
    named, hops = web.get("proxies", []), web.get("proxy_hops", 1)
    if not isinstance(named, list) or not all(isinstance(each, str) for each in named):
        raise ConfigError('web.proxies is not a list of addresses such as ["10.0.0.2"]')
    for each in named:
        try:
            ipaddress.ip_address(each)
        except ValueError as error:
            raise ConfigError(f"web.proxies: {error}") from error
    if not isinstance(hops, int) or isinstance(hops, bool) or hops < 1:
        raise ConfigError("web.proxy_hops is not a whole number of at least 1")
    return frozenset(named), hops


class TrustedProxies:
    """WSGI around `app`: for requests from `addresses` the visitor is who the last `hops` entries
    of X-Forwarded-For say; for all others it is whoever connected."""

    def __init__(self, app: Any, addresses: frozenset[str], hops: int) -> None:
        self._app = app
        self._addresses = addresses
        self._fixed = ProxyFix(self._checked, x_for=hops, x_proto=1)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        behind = environ.get("REMOTE_ADDR") in self._addresses
        return (self._fixed if behind else self._app)(environ, start_response)

    def _checked(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """A visitor may write anything before what the proxy adds, a quotation mark for one:
        what is no address then counts as the proxy's."""
        try:
            environ["REMOTE_ADDR"] = str(ipaddress.ip_address(environ["REMOTE_ADDR"]))
        except ValueError:
            environ["REMOTE_ADDR"] = environ["werkzeug.proxy_fix.orig"]["REMOTE_ADDR"]
        return self._app(environ, start_response)
