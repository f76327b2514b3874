"""Mosquitto brokers: one for the hospital, one for each ward, bridged, each user fenced in.

Every node may speak only as itself and hear only its own ward. The bridge of a ward passes
events up and commands down, each kind in one direction only, so no message can go round.

With `Tls` a broker takes connections by certificate, whose name is the user's. What changes, those
who are revoked or added, it reads when it starts: `broker.py` starts it anew when it is told to
(SIGHUP), which ends every session of before and loses none of what waits; `keeper.py` tells it.

Every connection has an account of its own, whose name is its client id, whatever it asks for: a
broker ends the connection whose client id comes again, so any account could keep any other off.
"""

import json
import os
import pwd
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.mqtt import topics
from provisioning.broker import PID
from provisioning.packages import which

ADDRESS = "127.0.0.1"
RECONNECT_S = 1
# What a broker killed with SIGKILL may forget: the messages taken since its last save. None is lost
# by that: boxes keep each event until central's receipt, not the broker's; central repeats each
# command until it is answered or expired; retained messages are said again at reconnection.
AUTOSAVE_S = 10
# More than Mosquitto's 20, so that a burst does not wait for the way back of each message.
INFLIGHT = 1000


class PasswordFileError(Exception):
    """mosquitto_passwd could not make the password file."""

    error_id = "password-file"


@dataclass(frozen=True)
class User:
    """Somebody who may connect to a broker. `rules` are lines of Mosquitto's ACL file."""

    name: str
    # None: comes with a certificate of this name.
    password: str | None
    rules: tuple[str, ...]


@dataclass(frozen=True)
class Tls:
    """The files of a broker that takes certificates. certificate: its own with the intermediate;
    clients: whom it believes, root and intermediates; revoked: whom no more."""

    certificate: Path
    key: Path
    clients: Path
    revoked: Path


@dataclass(frozen=True)
class Identity:
    """The files by which a client shows who it is, and root, by which it knows the broker."""

    certificate: Path
    key: Path
    root: Path


@dataclass(frozen=True)
class Upstream:
    """The hospital broker as a ward's broker reaches it, by two connections. identities: by the
    name of the user, where the hospital's broker takes certificates."""

    ward: str
    port: int
    events: User
    rest: User
    host: str = ADDRESS
    identities: Mapping[str, Identity] = field(default_factory=dict)


@dataclass(frozen=True)
class Broker:
    """One broker: where it listens, where it keeps its files, who may connect. With `tls`, `port`
    is for certificates, and `plain_port` for users that have passwords, such as communicators
    whose MicroPython has no TLS."""

    folder: Path
    port: int
    users: tuple[User, ...] = field(default=())
    upstream: Upstream | None = None
    tls: Tls | None = None
    plain_port: int | None = None
    address: str = ADDRESS

    @property
    def config_file(self) -> Path:
        return self.folder / "mosquitto.conf"

    @property
    def pid_file(self) -> Path:
        """Holds whom to tell that files have changed."""
        return self.folder / PID

    @property
    def by_certificate(self) -> list[User]:
        return [user for user in self.users if user.password is None]

    @property
    def by_password(self) -> dict[str, str]:
        """The passwords."""
        return {user.name: user.password for user in self.users if user.password is not None}

    def command(self) -> list[str]:
        """By way of a start script, which sets an unreadable persistence file aside."""
        script = str(Path(__file__).with_name("broker.py"))
        mosquitto = which("mosquitto") or "mosquitto"
        command = [sys.executable, "-P", script, mosquitto, str(self.config_file)]
        return command if self.tls is None else [*command, "--again"]


def _may(way: str, *patterns: str) -> tuple[str, ...]:
    return tuple(f"topic {way} {pattern}" for pattern in patterns)


def bridge_user(password: str | None) -> User:
    """wardline-bridge, on the hospital broker."""
    return User("bridge", password, _may("readwrite", f"{topics.ROOT}/#"))


def web_user(password: str | None) -> User:
    """The console: hears everything, and says only that something changed."""
    nudge = "/".join((topics.ROOT, str(topics.VERSION), "+", topics.CENTRAL, topics.CHANGED))
    return User("web", password, _may("read", f"{topics.ROOT}/#") + _may("write", nudge))


def node_user(ward: str, node: str, role: str, password: str | None) -> User:
    """A box on its ward's broker. A station also hears its ward, to act when central is away."""
    own = [topics.topic(ward, node, kind) for kind in topics.FROM_NODE]
    heard = [topics.topic(ward, node, kind) for kind in topics.TO_NODE]
    heard += [topics.topic(ward, topics.ALL, kind) for kind in topics.TO_ALL]
    if role == "station":
        heard.append("/".join((topics.ROOT, str(topics.VERSION), ward, "#")))
    return User(node, password, _may("write", *own) + _may("read", *heard))


def ward_events_user(ward: str, password: str | None) -> User:
    """A ward's broker on the hospital's, for the events of its nodes."""
    return User(f"ward-{ward}-events", password, _may("write", _of_ward(ward, topics.EVENT)))


def ward_user(ward: str, password: str | None) -> User:
    """The same, for all else: up what its nodes say, down what they are told."""
    up = [_of_ward(ward, kind) for kind in topics.FROM_NODE if kind != topics.EVENT]
    down = [_of_ward(ward, kind) for kind in topics.TO_NODE]
    return User(f"ward-{ward}", password, _may("write", *up) + _may("read", *down))


def watcher_user(name: str, password: str | None, *kinds: str) -> User:
    """Somebody who hears `kinds` of all wards, and says nothing."""
    return User(name, password, _may("read", *(topics.every(kind) for kind in kinds)))


def _of_ward(ward: str, kind: str) -> str:
    return "/".join((topics.ROOT, str(topics.VERSION), ward, "+", kind))


def write(broker: Broker, *, keep_rules: bool = False) -> None:
    """Write the configuration, passwords and access rules of `broker`, readable by their owner
    only. keep_rules: those of certificates stay as the keeper wrote them. Raises
    PasswordFileError."""
    broker.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not keep_rules:
        write_rules(broker, broker.by_certificate)
    plain = [user for user in broker.users if user.password is not None]
    _private(broker.folder / "acl", "\n".join(_acl(plain)) + "\n")
    _passwords(broker.folder / "passwords", broker.by_password)
    _private(broker.config_file, "\n".join(_lines(broker)) + "\n")


def write_rules(broker: Broker, users: Iterable[User]) -> None:
    """Write what those who come by certificate may say and hear."""
    _private(broker.folder / "acl-certificates", "\n".join(_acl(users)) + "\n")


def _acl(users: Iterable[User]) -> Iterable[str]:
    for user in users:
        yield f"user {user.name}"
        yield from user.rules
        yield ""


def _lines(broker: Broker) -> list[str]:
    lines = [
        "per_listener_settings true",
        # Mosquitto drops root for this user; its files are ours.
        f"user {pwd.getpwuid(os.geteuid()).pw_name}",
        "persistence true",
        f"persistence_location {broker.folder}/",
        f"autosave_interval {AUTOSAVE_S}",
        "autosave_on_changes false",
        # The default silently drops what waits beyond 1,000 messages; 0 is no limit.
        "max_queued_messages 0",
        "max_queued_bytes 0",
        f"max_inflight_messages {INFLIGHT}",
        "max_inflight_bytes 0",
        # A limit here answers an MQTT 3 client as if the message had been taken; the programs at
        # both ends refuse what is too large, and say so.
        "message_size_limit 0",
        # Heartbeats and clock beacons: an old one is worse than none.
        "queue_qos0_messages false",
        # No persistent_client_expiration: the session of a ward that is cut off waits for ever.
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
        "log_type notice",
    ]
    if broker.tls is None:
        lines += _password_listener(broker, broker.port)
    else:
        lines += _certificate_listener(broker, broker.tls)
        if broker.plain_port is not None:
            lines += _password_listener(broker, broker.plain_port)
    if broker.upstream is not None:
        lines += _bridge_lines(broker.upstream)
    return lines


def _password_listener(broker: Broker, port: int) -> list[str]:
    return [
        f"listener {port} {broker.address}",
        "use_username_as_clientid true",
        "allow_anonymous false",
        f"password_file {broker.folder / 'passwords'}",
        f"acl_file {broker.folder / 'acl'}",
    ]


def _certificate_listener(broker: Broker, tls: Tls) -> list[str]:
    return [
        f"listener {broker.port} {broker.address}",
        f"certfile {tls.certificate}",
        f"keyfile {tls.key}",
        f"cafile {tls.clients}",
        f"crlfile {tls.revoked}",
        "tls_version tlsv1.2",  # the least
        "require_certificate true",
        "use_identity_as_username true",
        "use_username_as_clientid true",
        "allow_anonymous false",
        f"acl_file {broker.folder / 'acl-certificates'}",
    ]


def _bridge_lines(upstream: Upstream) -> list[str]:
    """Two connections. Mosquitto leaves Nagle's algorithm on for those it makes itself: a small
    packet waits until the one before it is acknowledged, 40 ms where nothing else goes back. An
    event is answered at once (PUBACK), so events hold up nothing among themselves; behind an
    acknowledgement or a heartbeat they would wait."""
    up = [(kind, "out") for kind in topics.FROM_NODE if kind != topics.EVENT]
    down = [(kind, "in") for kind in topics.TO_NODE]
    return [
        *_connection(upstream, upstream.events, [(topics.EVENT, "out")]),
        *_connection(upstream, upstream.rest, [*up, *down]),
    ]


def _connection(upstream: Upstream, user: User, carries: list[tuple[str, str]]) -> list[str]:
    identity = upstream.identities.get(user.name)
    shown = [f"remote_username {user.name}", f"remote_password {user.password}"]
    if identity is not None:
        shown = [
            f"bridge_cafile {identity.root}",
            f"bridge_certfile {identity.certificate}",
            f"bridge_keyfile {identity.key}",
        ]
    return [
        f"connection {user.name}",
        f"address {upstream.host}:{upstream.port}",
        f"remote_clientid {user.name}",
        *shown,
        # Not mqttv50: Mosquitto 2.0's bridges ask there for no session expiry, so the session ends
        # with the line, and what the ward is told meanwhile is silently dropped.
        "bridge_protocol_version mqttv311",
        # What waits for the other side outlives a cut line, there and here.
        "cleansession false",
        "local_cleansession false",
        "bridge_max_packet_size 0",
        "notifications false",
        "start_type automatic",
        f"restart_timeout {RECONNECT_S}",
        "try_private true",
        "keepalive_interval 10",
        *(f"topic {_of_ward(upstream.ward, kind)} {way} {topics.qos(kind)}"
          for kind, way in carries),
    ]  # fmt: skip


def _private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)


def _passwords(path: Path, passwords: Mapping[str, str]) -> None:
    """A password file, hashed by Mosquitto's own tool in place, so that no password appears in
    the process list."""
    _private(path, "".join(f"{name}:{password}\n" for name, password in passwords.items()))
    if not passwords:
        return
    program = which("mosquitto_passwd") or "mosquitto_passwd"
    done = subprocess.run([program, "-U", str(path)], capture_output=True, text=True)
    if done.returncode:
        raise PasswordFileError(f"{path}: {(done.stderr or done.stdout).strip()}")


def as_text(files: Tls | Identity) -> dict[str, str]:
    """The paths of `files` by name, as in a configuration."""
    return {name: str(path) for name, path in vars(files).items()}


def write_private(path: Path, settings: dict[str, Any]) -> None:
    """Write JSON that holds passwords."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(json.dumps(settings, ensure_ascii=False, indent=1) + "\n")
