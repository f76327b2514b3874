"""What the endpoint and the hospital's own programs need before they start: made when missing."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from central.clock import Clock
from central.enrolment.settings import Settings
from provisioning.authority import files
from provisioning.authority.authority import SERVER, SERVICE, Authority
from provisioning.authority.files import Files
from provisioning.authority.keys import KeyFolder, put
from provisioning.endpoint.app import NAME
from provisioning.mosquitto import Identity, Tls


def authority(settings: Settings, clock: Clock) -> Authority:
    """The authority of the hospital. Raises AuthorityUnusableError, KeyUnusableError, OSError."""
    folder = settings.root.parent
    made = Authority(folder, KeyFolder(folder), clock)
    wanted = made.clients_pem.encode()
    if not clients(settings).exists() or clients(settings).read_bytes() != wanted:
        put(clients(settings), wanted)
    return made


def clients(settings: Settings) -> Path:
    """Whom brokers and the endpoint believe."""
    return settings.folder / "clients.pem"


def endpoint(authority: Authority, settings: Settings, clock: Clock) -> Files:
    """The endpoint's own certificate."""
    host = urlsplit(settings.address).hostname or ""
    return files.ensure(
        authority, settings.folder / "endpoint", "endpoint", SERVER, clock.real_ms(), (NAME, host)
    )


def identity(authority: Authority, settings: Settings, name: str, clock: Clock) -> Identity:
    """The log-in of one of our programs, or of a ward's broker at the hospital's."""
    made = files.ensure(authority, settings.folder / "services", name, SERVICE, clock.real_ms())
    return Identity(made.certificate, made.key, settings.root)


def broker(
    authority: Authority, settings: Settings, name: str, hosts: Sequence[str], clock: Clock
) -> Tls:
    """The files of a broker; nobody is revoked until its keeper knows better."""
    folder = settings.folder / "brokers"
    made = files.ensure(authority, folder, name, SERVER, clock.real_ms(), hosts)
    revoked = folder / f"{name}-revoked.pem"
    if not revoked.exists():
        put(revoked, authority.revocations(()).encode())
    return Tls(made.certificate, made.key, clients(settings), revoked)
