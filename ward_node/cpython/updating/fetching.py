"""Gets a version that the hospital has signed, and nothing else, by TUF.

python-tuf checks who signed, that nothing is older than what was seen before (downgrade), that the
newest state is not withheld (freeze) and that length and hash are those that were signed.
"""

from pathlib import Path

from tuf.api.exceptions import DownloadError, ExpiredMetadataError, RepositoryError
from tuf.ngclient import FetcherInterface, Updater

from ward_node.cpython.updating import bundle
from ward_node.cpython.updating.bundle import NotFetchedError


class Source:
    """A repository. metadata: what was seen of it before, kept so that nothing older is taken.
    root: the first root, which came with the box. url: of the folder that holds `metadata` and
    `targets`."""

    def __init__(
        self, metadata: Path, root: bytes, url: str, fetcher: FetcherInterface | None = None
    ) -> None:
        self._metadata = metadata
        self._root = root
        self._url = url.rstrip("/")
        self._fetcher = fetcher

    def fetch(self, version: str) -> bytes:
        """The bundle of a version; blocks. Raises NotFetchedError."""
        self._metadata.mkdir(parents=True, exist_ok=True)
        name = f"node-{version}.tar.gz"
        coming = self._metadata / "bundle.coming"
        try:
            updater = Updater(
                str(self._metadata), f"{self._url}/metadata/", fetcher=self._fetcher,
                bootstrap=self._root,
            )  # fmt: skip
            found = updater.get_targetinfo(name)
            if found is None:
                raise NotFetchedError(f"version {version} is not published")
            if found.length > bundle.MOST_BYTES:
                raise NotFetchedError(f"version {version} is too large: {found.length} bytes")
            path = updater.download_target(found, str(coming), f"{self._url}/targets/")
            return Path(path).read_bytes()
        except ExpiredMetadataError as error:
            raise NotFetchedError(
                f"the repository has said nothing new for too long ({error}): its server is to"
                " sign anew every day; or the clock of this box is wrong"
            ) from error
        except RepositoryError as error:
            raise NotFetchedError(f"not as it was signed: {error}") from error
        except (DownloadError, OSError, ValueError) as error:
            raise NotFetchedError(f"version {version} cannot be fetched: {error}") from error
        finally:
            coming.unlink(missing_ok=True)
