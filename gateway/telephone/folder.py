"""The exchange's folder: its configuration files, replaced as a whole and its owner's alone."""

import ssl
from collections.abc import Mapping
from pathlib import Path

from gateway.telephone import files, standing
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import Exchange, Tls
from gateway.telephone.files import locked
from gateway.telephone.files.pjsip import CERTIFICATE, KEY

FOLDERS = (
    "etc",
    "var",
    "data",
    "spool",
    "run",
    "log",
    "log/cel-custom",
    "spool/monitor",
    "spool/recording",
    "sounds",
)
# Asterisk looks for its sounds beside what else it comes with. Ours stand there instead: it has
# none in Chinese, and those of the package are not there.
COMES_WITH = {name: f"/usr/share/asterisk/{name}" for name in ("documentation", "rest-api")}


class CertificateWrongError(ValueError):
    """The exchange's certificate and key cannot be used; says which files and why."""

    error_id = "exchange-certificate"


def prepare(folder: Path, exchange: Exchange, directory: Directory) -> None:
    """Put everything in its place before Asterisk starts. Raises UnsafeTextError,
    CertificateWrongError."""
    texts = files.texts(exchange, directory)
    if exchange.tls is not None:
        texts |= _certificate(exchange.tls)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in FOLDERS:
        (folder / name).mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, target in (COMES_WITH | {"sounds": "../sounds"}).items():
        link = folder / "data" / name
        if not link.is_symlink():
            link.symlink_to(target)
    standing.put_tones(folder / "sounds")
    put(folder, texts)
    if not (folder / "etc" / locked.FILE).exists():  # who is locked out is so over a restart
        put(folder, {locked.FILE: locked.locked_conf(())})


def _certificate(tls: Tls) -> dict[str, str]:
    """Copies, for Asterisk sees nothing but its folder."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
        return {CERTIFICATE: tls.certificate.read_text(), KEY: tls.key.read_text()}
    except (OSError, ValueError) as error:
        raise CertificateWrongError(
            f"{tls.certificate} and {tls.key} are no certificate and its key: {error}. Name two"
            " PEM files that belong together, and that this user may read"
        ) from error


def put(folder: Path, texts: Mapping[str, str]) -> None:
    """Write configuration files, by name; Asterisk may be reading the old ones."""
    for name, text in texts.items():
        fresh = folder / "etc" / f".{name}"
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(folder / "etc" / name)
