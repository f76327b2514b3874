"""Where a box fetches its versions from: the hospital's endpoint, by the authority of its claim."""

import http.client
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

from tuf.api.exceptions import DownloadError, DownloadHTTPError
from tuf.ngclient import FetcherInterface

from ward_node.cpython.disk import write_durably
from ward_node.cpython.enrolment import asking, trust
from ward_node.cpython.enrolment.core import Ask
from ward_node.cpython.enrolment.kept import ROOT, Kept
from ward_node.cpython.updating.bundle import NotFetchedError
from ward_node.cpython.updating.fetching import Source

PATH = "v1/updates"
FIRST_ROOT = "updates-root.json"
BLOCK_BYTES = 64 * 1024


class Fetcher(FetcherInterface):
    """Over HTTPS from a server that the authority `root` (PEM) has signed for."""

    def __init__(self, root: str, by_dates: bool) -> None:
        self._root = root
        self._by_dates = by_dates

    def _fetch(self, url: str) -> Iterator[bytes]:
        tls = trust.context(self._root, by_dates=self._by_dates)
        line, path = asking.connection(url, tls)
        try:
            line.request("GET", path)
            answer = line.getresponse()
            if answer.status != 200:
                raise DownloadHTTPError(f"{url}: {answer.status}", answer.status)
            while block := answer.read(BLOCK_BYTES):
                yield block
        except (http.client.HTTPException, ssl.SSLError, OSError) as error:
            raise DownloadError(f"{url}: {error}") from error
        finally:
            line.close()


def of_box(kept: Kept, address: str, metadata: Path) -> Source:
    """Of an enrolled box. It was told the first root of the versions with its place; one that was
    enrolled before there was any takes it once, from the endpoint that the claim's authority
    vouches for, and keeps it. Every later root must be signed by the one before. Raises
    NotFetchedError."""
    try:
        root = kept.read(ROOT).decode()
        node = kept.node()
        told_ms = int(node.get("told_ms", 0))
        by_dates = trust.clock_is_known(told_ms, time.time_ns() // 1_000_000)
        url = f"{address.rstrip('/')}/{PATH}"
        if "updates_root" in node:
            return Source(metadata, node["updates_root"].encode(), url, Fetcher(root, by_dates))
        first = metadata.with_name(FIRST_ROOT)
        if not first.exists():
            ask = Ask("GET", f"{PATH}/metadata/1.root.json", None, root)
            status, body = asking.send(address, ask, by_dates=by_dates)
            if status != 200:
                raise NotFetchedError(f"the endpoint publishes no versions (it answers {status})")
            first.parent.mkdir(parents=True, exist_ok=True)
            write_durably(first, body)
        return Source(metadata, first.read_bytes(), url, Fetcher(root, by_dates))
    except (OSError, ValueError) as error:
        raise NotFetchedError(f"the endpoint cannot be asked: {error}") from error


def of_address(url: str, root: Path, metadata: Path) -> Source:
    """Of a server by itself: url of the repository, root: the file of its first root.
    Raises NotFetchedError."""
    try:
        if not urlsplit(url).hostname:
            raise NotFetchedError(f"{url} is no address")
        return Source(metadata, root.read_bytes(), url)
    except OSError as error:
        raise NotFetchedError(f"the first root of the versions cannot be read: {error}") from error
