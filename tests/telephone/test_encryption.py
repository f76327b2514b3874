"""Telephones that encrypt, signalling and voice, and those that should and do not."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.telephone.ari.errors import UnreachableError
from gateway.telephone.directory import Directory, Line, Phone, Rights
from gateway.telephone.exchange import Exchange, Ports, Tls
from gateway.telephone.folder import CertificateWrongError, prepare
from tests.telephone import certificate, sipp
from tests.telephone.phone import Baresip
from tests.telephone.running import RunningExchange
from tests.telephone.world import World, rest

MUST, MAY, PLAIN = "0015650a1b2c", "0015650a1b2d", "0015650a1b2e"
LOUD = 500.0


@pytest.fixture(scope="module")
def directory() -> Directory:
    return Directory(
        rights=(Rights("internal"),),
        phones=(
            Phone(MUST, "must-secret", "internal", "8001", encryption="required"),
            Phone(MAY, "may-secret", "internal", "8002", encryption="optional"),
            Phone(PLAIN, "plain-secret", "internal", "8003"),
        ),
        lines=(Line("8001", (MUST,)), Line("8002", (MAY,)), Line("8003", (PLAIN,))),
    )


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    return certificate.for_loopback(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def exchange(
    exchange_root: Path, tmp_path_factory: pytest.TempPathFactory, directory: Directory, tls: Tls
) -> Iterator[RunningExchange]:
    running = RunningExchange(tmp_path_factory.mktemp("exchange"), directory, tls)
    running.start()
    yield running
    running.close()


def must(folder: Path, tls: Tls) -> Baresip:
    return Baresip(
        folder / "must", MUST, "must-secret", tls.port, account=";mediaenc=srtp-mand",
        tls=True,
    )  # fmt: skip


def plain(folder: Path, exchange: RunningExchange) -> Baresip:
    return Baresip(folder / "plain", PLAIN, "plain-secret", exchange.settings.ports.sip)


async def test_one_that_encrypts_and_one_that_does_not_hear_each_other(
    exchange: RunningExchange, tls: Tls, tmp_path: Path
) -> None:
    async with must(tmp_path, tls) as secure, plain(tmp_path, exchange) as other:
        await secure.registered()
        await other.registered()
        await secure.dial("8003")
        await other.event("CALL_INCOMING")
        await other.do("accept")
        await secure.event("CALL_ESTABLISHED")
        await asyncio.gather(secure.hears(), other.hears())
        await secure.do("hangup")
        await other.event("CALL_CLOSED")
    assert secure.heard()[0] > LOUD
    assert other.heard()[0] > LOUD
    assert "SRTP is Enabled" in (tmp_path / "must" / "log").read_text()


async def test_it_is_rung_over_tls_and_encrypts(
    exchange: RunningExchange, tls: Tls, tmp_path: Path
) -> None:
    async with must(tmp_path, tls) as secure, plain(tmp_path, exchange) as other:
        await secure.registered()
        await other.registered()
        await other.dial("8001")
        await secure.event("CALL_INCOMING")
        await secure.do("accept")
        await other.event("CALL_ESTABLISHED")
        await asyncio.gather(secure.hears(), other.hears())
        await other.do("hangup")
        await secure.event("CALL_CLOSED")
    assert "SRTP is Enabled" in (tmp_path / "must" / "log").read_text()


async def test_one_that_must_encrypt_cannot_call_in_clear(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    in_clear = sipp.Phone(tmp_path, exchange.settings.ports.sip, MUST, "must-secret")
    assert await asyncio.to_thread(in_clear.run, "refused", dialled="8003") == ""


async def test_a_voice_whose_keys_are_told_in_clear_is_refused_as_well(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    async with plain(tmp_path, exchange) as other:
        await other.registered()
        caller = Baresip(
            tmp_path / "caller", MUST, "must-secret", exchange.settings.ports.sip,
            account=";mediaenc=srtp-mand",
        )  # fmt: skip
        async with caller:
            await caller.registered()
            await caller.dial("8003")
            assert "403" in (await caller.event("CALL_CLOSED"))["param"]


async def test_one_that_registered_in_clear_is_not_rung(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    clear = Baresip(tmp_path / "clear", MUST, "must-secret", exchange.settings.ports.sip)
    async with World(exchange.settings.ari_url) as world, clear:
        await clear.registered()
        await world.ready()
        try:
            lane = await world.actions.ring(f"PJSIP/{MUST}")
        except UnreachableError:
            pass  # the exchange has found so by itself
        else:
            assert (await rest(lane))[-1] == "ChannelDestroyed"
    assert "ncoming call" not in (tmp_path / "clear" / "log").read_text()


async def test_one_that_may_encrypt_is_heard_in_clear(
    exchange: RunningExchange, tmp_path: Path
) -> None:
    may = Baresip(tmp_path / "may", MAY, "may-secret", exchange.settings.ports.sip)
    async with may, plain(tmp_path, exchange) as other:
        await may.registered()
        await other.registered()
        await may.dial("8003")
        await other.event("CALL_INCOMING")
        await other.do("accept")
        await asyncio.gather(may.hears(), other.hears())
        await may.do("hangup")
        await other.event("CALL_CLOSED")


def test_it_shows_its_certificate_and_speaks_nothing_older_than_tls_1_2(
    exchange: RunningExchange, tls: Tls
) -> None:
    context = ssl.create_default_context(cafile=str(tls.certificate))
    with (
        socket.create_connection(("127.0.0.1", tls.port), timeout=10) as line,
        context.wrap_socket(line, server_hostname="127.0.0.1") as secure,
    ):
        assert secure.version() == "TLSv1.2"


def test_a_certificate_without_its_key_is_told_at_once(
    directory: Directory, tls: Tls, tmp_path: Path
) -> None:
    ports = Ports(5060, 8088, 20_000)
    for wrong in (tmp_path / "absent.pem", tls.certificate):
        exchange = Exchange(ports, "secret", tls=Tls(5061, tls.certificate, wrong))
        with pytest.raises(CertificateWrongError, match="Name two PEM files"):
            prepare(tmp_path / "folder", exchange, directory)
