"""One question to the exchange over plain HTTP, for a program that only looks now and then."""

import base64
import http.client
import json
import urllib.error
import urllib.request
from typing import Any

from gateway.telephone.ari.account import Account
from gateway.telephone.ari.errors import (
    ExchangeAwayError,
    NoAnswerError,
    RefusedError,
    UnsuitableExchangeError,
    WrongPasswordError,
)

MOST_BYTES = 16 * 1024 * 1024
_UNAUTHORIZED = 401


def ask(account: Account, path: str, timeout_s: float) -> Any:
    """What ARI answers to GET `path` ("channels"). Blocks; no step of it longer than `timeout_s`.
    Raises ExchangeError's kinds."""
    secret = base64.b64encode(f"{account.user}:{account.password}".encode()).decode()
    request = urllib.request.Request(
        f"{account.url}/{path}", headers={"Authorization": f"Basic {secret}"}
    )
    try:
        # Ours or the hospital's own: no proxy stands between.
        with _OPENER.open(request, timeout=timeout_s) as answer:
            return json.loads(answer.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            if error.code == _UNAUTHORIZED:
                raise WrongPasswordError(
                    f"{account.url} knows no account {account.user} with this password"
                ) from error
            raise RefusedError(f"{account.url}/{path}: {error}", error.code) from error
    except TimeoutError as error:
        raise NoAnswerError(f"{account.url} did not answer in {timeout_s} s") from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, TimeoutError):
            raise NoAnswerError(f"{account.url} did not answer in {timeout_s} s") from error
        raise ExchangeAwayError(f"{account.url} cannot be reached: {error.reason}") from error
    except (OSError, http.client.HTTPException) as error:
        raise ExchangeAwayError(f"{account.url} broke off: {error!r}") from error
    except ValueError as error:
        raise UnsuitableExchangeError(f"{account.url}/{path} is no ARI: {error}") from error


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
