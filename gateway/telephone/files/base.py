"""Asterisk itself: its folders, its log, its web server, and what it looks for at its start."""

from gateway.telephone import text
from gateway.telephone.exchange import APP, CONSOLE, INSIDE, LINKED, Exchange
from gateway.telephone.text import Section

# Asterisk complains at each start of a file that is missing, though it is content with an empty
# one. Our log shall hold nothing that one learns to overlook.
EMPTY = ("acl", "ccss", "pjproject", "udptl", "websocket_client")


def asterisk_conf(exchange: Exchange) -> str:
    folders = {
        "astetcdir": "etc",
        "astvarlibdir": "var",
        "astdatadir": "data",
        "astdbdir": "var",
        "astkeydir": "var",
        "astcachedir": "var",
        "astspooldir": "spool",
        "astrundir": "run",
        "astlogdir": "log",
    }
    return text.file(
        Section("directories", [(key, f"{INSIDE}/{name}") for key, name in folders.items()]),
        Section(
            "options",
            [
                ("nocolor", "yes"),
                ("maxcalls", str(exchange.most_calls)),
                ("hideconnect", "yes"),
                # What the application may have run: no shell, no files, no other account's data.
                ("live_dangerously", "no"),
            ],
        ),
    )


def logger_conf() -> str:
    """To the console, which is the process's own log; `security` for what watches log-ins."""
    return text.file(
        Section("general", [("dateformat", "%FT%T.%3q"), ("rotatestrategy", "rotate")]),
        Section("logfiles", [("console", "notice,warning,error"), ("security", "security")]),
    )


def http_conf(exchange: Exchange) -> str:
    return text.file(
        Section(
            "general",
            [
                ("enabled", "yes"),
                ("bindaddr", "127.0.0.1"),
                ("bindport", str(exchange.ports.ari)),
                ("enable_status", "no"),
            ],
        )
    )


def ari_conf(exchange: Exchange) -> str:
    general = Section("general", [("enabled", "yes"), ("channelvars", LINKED)])
    return text.file(general, *accounts(exchange))


def accounts(exchange: Exchange) -> list[Section]:
    """Those of ARI: the application's, and the console's, which only looks."""
    found = [_account(APP, exchange.ari_password)]
    if exchange.console_password:
        found.append(_account(CONSOLE, exchange.console_password, ("read_only", "yes")))
    return found


def _account(name: str, password: str, *more: tuple[str, str]) -> Section:
    secret = [("password", text.word(password)), ("password_format", "plain")]
    return Section(name, [("type", "user"), *secret, *more])


def rtp_conf(exchange: Exchange) -> str:
    first = exchange.ports.rtp
    last = first + exchange.ports.rtp_count - 1
    return text.file(Section("general", [("rtpstart", str(first)), ("rtpend", str(last))]))


def off(name: str = "enabled") -> str:
    """A part of Asterisk that is not used."""
    return text.file(Section("general", [(name, "no")]))


def stasis_conf() -> str:
    return text.file(Section("threadpool", [("initial_size", "5")]))
