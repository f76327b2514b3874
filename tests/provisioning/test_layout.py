"""The processes of a hospital get ports of their own."""

from pathlib import Path

import pytest

from gateway.telephone.exchange import Exchange, Ports
from provisioning.layout import Layout, demo_wards
from provisioning.supervisor import LISTENING_VARIABLE


def test_nothing_listens_where_the_console_or_the_exchange_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LISTENING_VARIABLE, "21000-21100")
    exchange = Exchange(Ports(sip=21_020, ari=21_040, rtp=30_000), "secret")
    for _ in range(10):
        layout = Layout(tmp_path, demo_wards(with_communicator=True), 21_010, exchange=exchange)
        assert len(set(layout.ports.values())) == len(layout.ports)
        assert not {21_010, 21_020, 21_040} & set(layout.ports.values())
