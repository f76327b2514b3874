"""`./wardline exchange files`: what an administrator puts in place by hand. Standard library only,
but for --config, which reads central's database.

    systemd/wardline-exchange.service    our own exchange in production
    fail2ban/{filter,jail}.d             firewall rules against who guesses passwords
    asterisk/                            for a hospital's own Asterisk: what to include in its files
"""

import argparse
from collections.abc import Mapping
from pathlib import Path

# Where each goes.
UNIT = "systemd/wardline-exchange.service"
FILTER, JAIL = "fail2ban/filter.d/wardline.conf", "fail2ban/jail.d/wardline.conf"
ROOT, FOLDER, USER = "/var/lib/wardline/root", "/var/lib/wardline/exchange", "wardline"

_UNIT = """\
# Wardline's telephone exchange. {root} is a copy of the exchange root that `./wardline doctor`
# names (cp -a), {folder} the "folder" of "exchange" in central.json, owned by {user}.
# `./wardline exchange prepare --config central.json` fills it before the first start.
[Unit]
Description=Wardline telephone exchange (Asterisk)
Wants=network-online.target
After=network-online.target
# Ten starts within five minutes are no accident: then somebody must look.
StartLimitIntervalSec=300
StartLimitBurst=10

[Service]
Type=exec
User={user}
Group={user}
ExecStart=/usr/sbin/asterisk -f -C /run/exchange/etc/asterisk.conf
Restart=always
RestartSec=2
TimeoutStopSec=15
UMask=0077

# It sees the root, read-only, and its folder.
RootDirectory={root}
MountAPIVFS=yes
BindPaths={folder}:/run/exchange
TemporaryFileSystem=/tmp
ProtectSystem=strict
ReadWritePaths=/run/exchange
ProtectHome=yes
PrivateDevices=yes
ProtectProc=invisible
ProcSubset=pid
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes

# It may do what an ordinary program with a network may, and no more.
NoNewPrivileges=yes
CapabilityBoundingSet=
AmbientCapabilities=
PrivateUsers=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RemoveIPC=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

# A leak or a flood ends here and not in the other services of the machine.
LimitNOFILE=65536
TasksMax=4096
MemoryMax=2G

[Install]
WantedBy=multi-user.target
"""

_FAILED = (
    r'^ SECURITY\[\d+\] res_security_log\.c: SecurityEvent="ChallengeResponseFailed"'
    r',EventTV="[^"]*",Severity="[^"]*",Service="PJSIP",EventVersion="\d+"'
    r',AccountID="(?:[A-Za-z0-9_.-]{1,64}|<unknown>)",SessionID="[^"]*"'
    r',LocalAddress="IPV[46]/\w+/[0-9a-fA-F.:]+/\d+"'
    r',RemoteAddress="IPV[46]/<transport_<mode>>/<HOST>/\d+"'
)
_FILTER = """\
# Who guesses passwords at Wardline's telephone exchange, by its own log of log-ins.
#
# The source of a UDP packet can be forged, and such a line does not tell whether the one who
# answered had seen the question: whoever bans by it lets strangers ban whom they like. So UDP is
# left out unless the jail says mode = aggressive, and then ignoreip must name the telephones'
# networks and the lines to the world. Wardline itself refuses guessers by rules that know where
# good telephones are; this is for the firewall before it.
#
# A name that a stranger gave himself may hold quotes, so nothing is matched behind one: AccountID
# here is a telephone's or "<unknown>".
[INCLUDES]
before = common.conf

[DEFAULT]
transport_normal = (?:TCP|TLS|WS|WSS)
transport_aggressive = (?:UDP|TCP|TLS|WS|WSS)

[Definition]
mode = normal
datepattern = ^\\[%%Y-%%m-%%dT%%H:%%M:%%S\\.%%f\\]
failregex = {failregex}
ignoreregex =
"""

_JAIL = """\
[wardline]
enabled = true
filter = wardline
# Of our own exchange; a hospital's own Asterisk writes what its logger.conf says.
logpath = {folder}/log/security
backend = polling
maxretry = 10
findtime = 10m
bantime = 10m
bantime.increment = true
bantime.maxtime = 1d
banaction = %(banaction_allports)s
# Add the telephones' networks and the addresses of the lines to the world.
ignoreip = 127.0.0.0/8 ::1
"""


def general(root: str = ROOT, folder: str = FOLDER, user: str = USER) -> dict[str, str]:
    """The files that say the same everywhere, by their place."""
    places = {"root": root, "folder": folder, "user": user}
    return {
        UNIT: _UNIT.format(**places),
        FILTER: _FILTER.format(failregex=_FAILED),
        JAIL: _JAIL.format(**places),
    }


def write(folder: Path, files: Mapping[str, str]) -> None:
    """Its owner's alone: there may be passwords among them."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        path.write_text(text)


def main(arguments: argparse.Namespace) -> int:
    """Write them to --output, and say so."""
    files = general(arguments.root, arguments.folder, arguments.user)
    if arguments.config is not None:
        from provisioning.own_asterisk import of_config

        files |= of_config(arguments.config)
    write(arguments.output, files)
    for name in files:
        print(arguments.output / name)
    return 0
