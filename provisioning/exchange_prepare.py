"""`./wardline exchange prepare`: the files of an exchange of our own in their places, before its
service starts for the first time or with a new certificate. The bridge keeps them from then on."""

import sys
from pathlib import Path

from central import config as configuration
from central.clock import SystemClock
from central.directory import model
from central.store import Store
from central.telephone.settings import from_config
from gateway.telephone.folder import CertificateWrongError, prepare
from gateway.telephone.text import UnsafeTextError


def main(path: Path) -> int:
    """1, and why, when they cannot be written."""
    try:
        config = configuration.load(path)
        settings = from_config(config)
        if settings is None or settings.folder is None:
            print(f'{path}: "exchange" names no folder, so there is none of our own')
            return 1
        store = Store(config["database"], SystemClock())
        try:
            prepare(settings.folder, settings.exchange, model.directory(store.read()))
        finally:
            store.close()
    except (configuration.ConfigError, CertificateWrongError, UnsafeTextError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    print(settings.folder)
    return 0
