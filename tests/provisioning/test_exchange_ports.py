"""The SIP port of a demo stays the same, unless somebody else has it."""

import socket
from pathlib import Path

import pytest

from provisioning import exchange
from provisioning.supervisor import LISTENING_VARIABLE


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_the_port_of_a_folder_is_the_same_while_it_is_free(tmp_path: Path, kind: int) -> None:
    port = exchange.steady(tmp_path)
    assert exchange.fresh(tmp_path).ports.sip == port
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind((exchange.LOOPBACK, port))
        assert exchange.steady(tmp_path) != port
    assert exchange.steady(tmp_path, {port}) != port
    assert exchange.steady(tmp_path) == port


def test_an_exchange_takes_nobody_elses_ports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LISTENING_VARIABLE, "21000-21080")
    for _ in range(20):
        ports = exchange.fresh(tmp_path, set(range(21_000, 21_070))).ports
        assert ports.ari in range(21_070, 21_080)
        assert ports.sip != ports.ari


def test_folders_seldom_share_a_port(tmp_path: Path) -> None:
    ports = {exchange.steady(tmp_path / str(number)) for number in range(20)}
    assert len(ports) > 10
