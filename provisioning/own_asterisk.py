"""What a hospital's own Asterisk (20.14, 21.9, 22.4 or newer) must be told for Wardline to use it:
files to be included in its own, made of central's configuration and directory."""

from pathlib import Path

from central import config as configuration
from central.clock import SystemClock
from central.directory import model
from central.store import Store
from central.telephone.settings import from_config
from gateway.telephone import files, text
from gateway.telephone.directory import Directory
from gateway.telephone.exchange import Exchange
from gateway.telephone.files.modules import MODULES, OWN_ASTERISK

FOLDER = "asterisk"
README = """\
For Asterisk {versions}. Put these files into /etc/asterisk, and into its own files the lines

    pjsip.conf        #include wardline_pjsip.conf
    extensions.conf   #include wardline_extensions.conf
    ari.conf          #include wardline_ari.conf
    http.conf         [general] enabled=yes, bindaddr=127.0.0.1 or an address that only central sees
    modules.conf      the modules that wardline_modules.conf names must be loaded

then `asterisk -rx "core reload"`. ari.conf must have [general] enabled=yes; with
channelvars=CHANNEL(linkedid) there, the page of live calls sees who rings for whom.

wardline_pjsip.conf has the telephones of Wardline's directory without transports, which are yours.
It changes with the directory: run this command again, and reload. wardline_extensions.conf brings
contexts of its own; let your telephones dial Wardline's numbers by

    include => services

in the context they dial in. central.json names your Asterisk by

    "exchange": {{"folder": null, "url": "{url}", "password": "...", "address": "{address}",
                 "console_password": "...", "ports": {{"sip": 5060}}}}

Words are fetched from central's speech server ("speech": "url" in central.json): Asterisk must
reach it, and have res_http_media_cache and res_curl. What Wardline does by files of its own
exchange it leaves to you here: call records, voicemail, the lock-out of wrong passwords
(fail2ban/ has rules), and the caps of calls outside, which hold for the routes in
wardline_extensions.conf alone.
"""


def of_config(path: Path) -> dict[str, str]:
    """By place. Raises ConfigError."""
    config = configuration.load(path)
    settings = from_config(config)
    if settings is None:
        raise configuration.ConfigError(f'{path}: there is no "exchange" in it')
    store = Store(config["database"], SystemClock())
    try:
        directory = model.directory(store.read())
    finally:
        store.close()
    return of(settings.exchange, directory)


def of(exchange: Exchange, directory: Directory) -> dict[str, str]:
    """Those for a directory. Raises UnsafeTextError."""
    told = {
        "README": README.format(
            versions="20.14, 21.9, 22.4 or newer", url=exchange.ari_url, address=exchange.address
        ),
        "wardline_pjsip.conf": files.pjsip.phones_conf(exchange, directory),
        "wardline_extensions.conf": files.living(exchange, directory)["extensions.conf"],
        "wardline_ari.conf": text.file(*files.base.accounts(exchange)),
        "wardline_modules.conf": text.file(
            text.Section(
                "modules",
                [
                    ("load", f"{name}.so")
                    for group in (MODULES | OWN_ASTERISK).values()
                    for name in group
                ],
            )
        ),
    }
    return {f"{FOLDER}/{name}": said for name, said in told.items()}
