"""The real endpoint over HTTPS, and real boxes that enrol there."""

import asyncio
import json
import os
import socket
import ssl
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from central.clock import FakeClock, SystemClock
from central.enrolment import claims, model, service
from central.enrolment.settings import Settings, from_config
from central.store import Store
from central.wards import model as wards
from gateway.mqtt import claim
from provisioning.authority.keys import generate
from provisioning.endpoint import app as serving
from provisioning.endpoint import prepare
from tests.conftest import free_port
from tests.enrolment.certificates import Certificates, request
from ward_node.cpython import config as node_config
from ward_node.cpython.enrolment import asking, keys, trust
from ward_node.cpython.enrolment.__main__ import enrol
from ward_node.cpython.enrolment.core import Ask, EnrolmentRefusedError
from ward_node.cpython.enrolment.kept import CERTIFICATE, KEY, NODE, Kept

ROOT = Path(__file__).resolve().parents[2]


class Centre:
    """A central with wards 3 and 5, and its endpoint in a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"https://127.0.0.1:{self.port}/"
        found = from_config(
            {
                "database": str(folder / "wardline.db"),
                "provisioning": {
                    "folder": str(folder / "provisioning"), "host": "127.0.0.1", "port": self.port,
                    "address": self.address, "brokers": {"3": {"host": "127.0.0.1", "port": 1}},
                    "hospital": {"port": 2},
                },
            }
        )  # fmt: skip
        assert found is not None
        self.settings: Settings = found
        self.clock = SystemClock()
        self.store = Store(folder / "wardline.db", self.clock)
        with self.store.transaction() as tx:
            wards.add_ward(tx, "3", "三病区", "Ward 3")
            wards.add_ward(tx, "5", "五病区", "Ward 5")
        self.authority = prepare.authority(found, self.clock)
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)
        self._thread.start()
        assert self._ready.wait(30)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        files = prepare.endpoint(self.authority, self.settings, self.clock)
        tls = serving.tls(
            str(files.certificate), str(files.key), str(prepare.clients(self.settings))
        )
        runner = web.AppRunner(serving.app(self.store, self.authority, self.settings))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", self.port, ssl_context=tls).start()
        self._ready.set()
        await self._over.wait()
        await runner.cleanup()

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
        self.store.close()

    def claim(self, **more: Any) -> tuple[str, str]:
        """Secret and fingerprint of a new claim."""
        given = {"ward": "3", "role": "bedside", "beds": ("1", "2"), "by": "zhang"} | more
        with self.store.transaction() as tx:
            made = service.make(tx, self.settings.digest_key(), **given)
        return made.secret, self.settings.fingerprint()

    def ask(self, path: str, body: Any, own: tuple[str, str] | None = None) -> tuple[int, Any]:
        asked = Ask("POST", path, json.dumps(body).encode(), self.authority.root_pem)
        status, answer = asking.send(self.address, asked, own=own)
        return status, json.loads(answer)

    def get(self, path: str, own: tuple[str, str] | None) -> tuple[int, Any]:
        asked = Ask("GET", path, None, self.authority.root_pem)
        status, answer = asking.send(self.address, asked, own=own)
        return status, json.loads(answer)

    def enrol(self, folder: Path, secret: str, fingerprint: str, **more: Any) -> Kept:
        kept = Kept(folder)
        send = more.pop("send", partial(asking.send, self.address))
        enrol(kept, self.address, secret, fingerprint, send, wait=lambda s: None, **more)
        return kept

    def reasons(self) -> list[str]:
        return [row["reason"] for row in model.refusals(self.store.read())]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    centre = Centre(tmp_path_factory.mktemp("centre"))
    yield centre
    centre.close()


@pytest.fixture
def centre(shared: Centre) -> Centre:
    with shared.store.transaction() as tx:
        tx.execute("DELETE FROM certificates")
        tx.execute("DELETE FROM claims")
        tx.execute("UPDATE beds SET node = NULL")
        tx.execute("DELETE FROM nodes")
        tx.execute("DELETE FROM enrolment_refusals")
        tx.execute("DELETE FROM login_failures")
    return shared


def test_a_box_gets_its_place_and_its_key_never_leaves_it(centre: Centre, tmp_path: Path) -> None:
    secret, fingerprint = centre.claim(config={"speaker": {"kind": "recording", "folder": "x"}})
    said: list[bytes] = []

    def send(ask: Ask) -> tuple[int, bytes]:
        said.append(ask.body or b"")
        return asking.send(centre.address, ask)

    kept = centre.enrol(tmp_path / "box", secret, fingerprint, send=send)
    config = node_config.load(kept.identity / NODE)
    assert (config.ward, config.node, config.role, config.beds) == (
        "3",
        "3-box",
        "bedside",
        ["1", "2"],
    )
    assert config.broker["host"] == "127.0.0.1"
    assert config.speaker["kind"] == "recording"
    key = kept.read(KEY)
    assert b"PRIVATE KEY" in key
    body = key.splitlines()[1]
    assert said
    assert not any(b"PRIVATE" in each or body in each for each in said)
    assert keys.unfit(key, kept.read(CERTIFICATE).decode(), centre.authority.root_pem) == ""
    for path in kept.folder.rglob("*"):
        assert path.lstat().st_mode & 0o077 == 0 or path.is_symlink(), path
    row = model.claims(centre.store.read())[0]
    assert claims.state(row, centre.clock.real_ms()) == claims.USED


def test_the_command_takes_the_claim_as_the_console_shows_it(
    centre: Centre, tmp_path: Path
) -> None:
    text = f"{centre.address}#{claim.write(*centre.claim())}"

    def command(folder: str) -> "subprocess.CompletedProcess[str]":
        module = "ward_node.cpython.enrolment"
        return subprocess.run(
            [sys.executable, "-m", module, "--claim", text, "--folder", str(tmp_path / folder)],
            capture_output=True, text=True, cwd=ROOT,
        )  # fmt: skip

    first = command("a")
    assert first.returncode == 0, first.stderr
    assert str(tmp_path / "a" / "identity" / "node.json") in first.stdout
    other = command("b")
    assert other.returncode == 1
    assert "used with another key" in other.stderr
    assert centre.reasons() == [service.CLAIM_USED]


def test_an_answer_that_was_lost_comes_again_for_the_same_key_only(
    centre: Centre, tmp_path: Path
) -> None:
    secret, fingerprint = centre.claim()
    lost: list[bytes] = []

    def send(ask: Ask) -> tuple[int, bytes]:
        status, answer = asking.send(centre.address, ask)
        if ask.path == "v1/enrol" and not lost:
            lost.append(answer)
            raise ConnectionResetError("cut")
        return status, answer

    kept = centre.enrol(tmp_path / "box", secret, fingerprint, send=send, say=lambda text: None)
    assert json.loads(lost[0])["certificate"].encode() == kept.read(CERTIFICATE)
    with pytest.raises(EnrolmentRefusedError, match="another key"):
        centre.enrol(tmp_path / "thief", secret, fingerprint)


class PowerCutError(BaseException):
    """Nothing is done from here on."""


OPERATIONS = ("open", "fsync", "replace", "mkdir", "symlink", "unlink", "rmdir")


def _cut_at(patched: pytest.MonkeyPatch, step: int) -> None:
    """Let the disk end at operation `step`, what is being written half there."""
    count = iter(range(1_000_000))

    def wrap(name: str, real: Any) -> Any:
        def operation(*given: Any, **named: Any) -> Any:
            if next(count) >= step:
                if name == "fsync" and stat.S_ISREG(os.fstat(given[0]).st_mode):
                    os.truncate(given[0], os.fstat(given[0]).st_size // 2)
                raise PowerCutError(name)
            return real(*given, **named)

        return operation

    for name in OPERATIONS:
        patched.setattr(os, name, wrap(name, getattr(os, name)))


def test_a_power_cut_at_any_step_leaves_a_box_that_gets_its_place(
    centre: Centre, tmp_path: Path
) -> None:
    same: dict[str, tuple[int, bytes]] = {}

    def send(ask: Ask) -> tuple[int, bytes]:
        """What is the same each time is asked once."""
        if ask.path == "v1/enrol" or ask.path not in same:
            same[ask.path] = asking.send(centre.address, ask)
        return same[ask.path]

    for step in range(100):
        with centre.store.transaction() as tx:
            tx.execute("DELETE FROM certificates")
        secret, fingerprint = centre.claim(node="3-box")
        folder, whole = tmp_path / str(step), True
        with pytest.MonkeyPatch.context() as patched:
            _cut_at(patched, step)
            try:
                centre.enrol(folder, secret, fingerprint, send=send)
            except PowerCutError:
                whole = False
        kept = centre.enrol(folder, secret, fingerprint, send=send)
        chain, root = kept.read(CERTIFICATE).decode(), centre.authority.root_pem
        assert keys.unfit(kept.read(KEY), chain, root) == ""
        node_config.load(kept.identity / NODE)
        assert len(model.standing(centre.store.read(), "3-box")) == 1
        if whole:
            break
    assert step > 15


def test_guessing_is_heard_less_and_less_and_seen(
    centre: Centre, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, fingerprint = centre.claim()
    # The first wait lasts a second: it must not be over before the next question comes.
    monkeypatch.setattr(centre.store, "clock", FakeClock(centre.clock.real_ms()))
    for n in range(claims.FREE_BY_ADDRESS + 1):
        status, answer = centre.ask("v1/place", {"claim": f"{n:011}"})
        assert (status, answer["error"]) == (403, service.CLAIM_UNKNOWN)
    status, answer = centre.ask("v1/place", {"claim": secret})  # right, and not even looked at
    assert (status, answer["error"]) == (429, "too-many")
    assert answer["wait_s"] >= 1
    assert centre.reasons()[:2] == ["too-many", service.CLAIM_UNKNOWN]
    waited: list[float] = []
    with centre.store.transaction() as tx:  # as if it had gone on for long
        later_ms = centre.clock.real_ms() + 90_000
        tx.execute("UPDATE login_failures SET until_real_ms = ?", (later_ms,))

    def forgive(seconds: float) -> None:
        if seconds:
            waited.append(seconds)
            with centre.store.transaction() as tx:
                tx.execute("UPDATE login_failures SET until_real_ms = 0")

    kept = Kept(tmp_path / "box")
    send = partial(asking.send, centre.address)
    enrol(kept, centre.address, secret, fingerprint, send, wait=forgive)
    assert waited[0] > 60  # the box waited as it was told, and went on


@pytest.mark.parametrize("name", ["5-box", "bridge", "3-box "])
def test_a_request_for_another_name_is_refused_and_uses_nothing_up(
    centre: Centre, name: str, tmp_path: Path
) -> None:
    secret, fingerprint = centre.claim()
    body = {"claim": secret, "request": request(name, generate()).decode()}
    status, answer = centre.ask("v1/enrol", body)
    assert (status, answer["error"]) == (403, "request-refused")
    refused = model.refusals(centre.store.read())[0]
    assert refused["reason"] == "request-refused"
    assert "another name than 3-box" in refused["detail"]
    centre.enrol(tmp_path / "box", secret, fingerprint)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"claim": 1}', b"\xff", b"[" * 10_000])
def test_nonsense_is_answered(centre: Centre, body: bytes) -> None:
    asked = Ask("POST", "v1/enrol", body, centre.authority.root_pem)
    assert asking.send(centre.address, asked)[0] in (400, 403)


def test_a_box_talks_to_no_other_server(centre: Centre, tmp_path: Path) -> None:
    secret, _ = centre.claim()
    other = claim.fingerprint("ab" * 32)
    asked: list[str] = []

    def send(ask: Ask) -> tuple[int, bytes]:
        asked.append(ask.path)
        return asking.send(centre.address, ask)

    with pytest.raises(EnrolmentRefusedError, match="not the hospital's"):
        centre.enrol(tmp_path / "box", secret, other, send=send)
    assert asked == ["v1/root"]  # the secret was not told


def test_a_broker_of_ours_cannot_play_the_endpoint(centre: Centre, tmp_path: Path) -> None:
    tls = prepare.broker(centre.authority, centre.settings, "b", ("127.0.0.1",), centre.clock)
    context = serving.tls(str(tls.certificate), str(tls.key), str(tls.clients))
    with Listener(context) as port:
        asked = Ask("GET", "v1/place", None, centre.authority.root_pem)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"[Hh]ostname"):
            asking.send(f"https://127.0.0.1:{port}/", asked)


class Listener:
    """Shakes hands with one client after the other."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._context = context
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def _serve(self) -> None:
        while True:
            try:
                line, _ = self._socket.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(line, server_side=True) as encrypted:
                    encrypted.recv(1)
            except OSError:
                line.close()

    def __enter__(self) -> int:
        self._thread.start()
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join()


def test_a_clock_that_is_years_behind_hinders_nobody_and_a_right_one_judges(
    tmp_path: Path,
) -> None:
    ahead = FakeClock(SystemClock().real_ms())
    ahead.advance(900 * 86_400_000)  # seen from there our own clock is years behind
    certificates = Certificates(tmp_path, ahead)
    tls = certificates.broker()
    identity, _ = certificates.client("3-box")
    files = {name: str(getattr(identity, name)) for name in ("root", "certificate", "key")}
    (identity.root.parent / NODE).write_text(json.dumps({"told_ms": ahead.real_ms()}))
    now_ms = SystemClock().real_ms()
    assert not trust.clock_is_known(ahead.real_ms(), now_ms)

    def meets(context: ssl.SSLContext) -> None:
        with socket.create_connection(("127.0.0.1", port)) as line, context.wrap_socket(
            line, server_hostname="127.0.0.1"
        ):  # fmt: skip
            pass

    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tls.certificate, tls.key)
    with Listener(server) as port:
        meets(trust.of_files(files, now_ms))
        with pytest.raises(ssl.SSLCertVerificationError, match="not yet valid"):
            meets(trust.of_files(files, ahead.real_ms()))
        stranger = Certificates(tmp_path / "other", ahead)
        with pytest.raises(ssl.SSLCertVerificationError, match=r"issuer|self-signed"):
            meets(trust.of_files(files | {"root": str(stranger.root)}, now_ms))


def test_a_certificate_renews_itself_until_it_is_revoked(centre: Centre, tmp_path: Path) -> None:
    kept = centre.enrol(tmp_path / "box", *centre.claim())
    own = (str(kept.identity / CERTIFICATE), str(kept.identity / KEY))
    key = generate()
    status, answer = centre.ask("v1/renew", {"request": request("3-box", key).decode()}, own)
    assert status == 200
    assert answer["certificate"].encode() != kept.read(CERTIFICATE)
    status, answer = centre.ask("v1/renew", {"request": request("3-station", key).decode()}, own)
    assert (status, answer["error"]) == (403, "request-refused")
    assert centre.ask("v1/renew", {"request": request("3-box", key).decode()})[0] == 403
    with centre.store.transaction() as tx:
        service.revoke(tx, "3-box", "zhang")
    status, answer = centre.ask("v1/renew", {"request": request("3-box", key).decode()}, own)
    assert (status, answer["error"]) == (403, service.CERTIFICATE_REVOKED)


def test_only_a_wards_own_broker_is_told_who_is_let_in(centre: Centre, tmp_path: Path) -> None:
    kept = centre.enrol(tmp_path / "box", *centre.claim())
    box = (str(kept.identity / CERTIFICATE), str(kept.identity / KEY))

    def service_of(name: str) -> tuple[str, str]:
        made = prepare.identity(centre.authority, centre.settings, name, centre.clock)
        return str(made.certificate), str(made.key)

    ward, central = service_of("ward-3"), service_of("bridge")
    status, told = centre.get("v1/access/3", ward)
    assert status == 200
    assert told["nodes"] == [{"name": "3-box", "role": "bedside"}]
    assert told["revoked"].count("BEGIN X509 CRL") == 2
    assert centre.get("v1/access/hospital", central)[1]["wards"] == ["3", "5"]
    for path, shown in (
        ("v1/access/5", ward), ("v1/access/hospital", ward), ("v1/access/3", central),
        ("v1/access/3", box), ("v1/access/3", None),
    ):  # fmt: skip
        assert centre.get(path, shown)[0] == 403, path
