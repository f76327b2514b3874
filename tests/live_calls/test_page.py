"""The page of live calls: a real exchange, real phones, a real browser; and when it cannot see."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, async_playwright, expect

from central.config import ConfigError
from central.console.app import create_app
from central.directory import model
from central.directory import service as directory
from central.live_calls import settings
from central.live_calls.watching import FRESH_S, Watch
from central.telephone.settings import as_config
from gateway.telephone.ari.account import Account
from gateway.telephone.ari.errors import ExchangeAwayError
from gateway.telephone.exchange import CONSOLE, Exchange
from provisioning import exchange
from tests.browser import ARGUMENTS, WAIT_MS
from tests.conftest import chromium, free_port
from tests.console.conftest import build, log_in
from tests.console.site import Site
from tests.telephone.phone import Baresip
from tests.telephone.running import ONLY_LOOKS, RunningExchange
from tests.visitor import PASSWORD

STATION, OFFICE = "0015650a1b2c", "0015650a1b2d"


class House:
    """A console, its exchange, and the phones of its directory."""

    def __init__(self, folder: Path, broker: int) -> None:
        self._folder = folder
        ports = exchange.free()
        said = as_config(Exchange(ports, "x", console_password=ONLY_LOOKS), folder / "exchange")
        self.site = Site(folder, broker, exchange=said)
        with self.site.store.transaction() as tx:
            directory.add_extension(tx, "8003", "三病区护士站")
            directory.add_extension(tx, "8101", "李医生")
            directory.add_phone(tx, STATION, "8003", label="护士站左")
            directory.add_phone(tx, OFFICE, "8101", label="医生办公室")
        self._directory = model.directory(self.site.store.read())
        self.exchange = RunningExchange(folder / "exchange", self._directory, ports=ports)

    def phone(self, device: str) -> Baresip:
        row = model.phone(self.site.store.read(), device)
        assert row is not None
        return Baresip(
            self._folder / device, device, row["password"], self.exchange.settings.ports.sip
        )

    def close(self) -> None:
        self.exchange.close()
        self.site.close()


@pytest.fixture
def house(exchange_root: Path, tmp_path: Path, broker: int) -> Iterator[House]:
    made = House(tmp_path, broker)
    made.exchange.start()
    yield made
    made.close()


@asynccontextmanager
async def looking(house: House) -> AsyncIterator[Page]:
    """The page as the telephone administrator sees it."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = await browser.new_page()
        page.set_default_timeout(WAIT_MS)
        await page.goto(f"http://127.0.0.1:{house.site.port}/login?lang=en")
        await page.fill("#name", "qian")
        await page.fill("#password", PASSWORD)
        await page.press("#password", "Enter")
        await page.wait_for_url("**/telephone")
        yield page
        await browser.close()


async def test_a_call_is_seen_from_ringing_to_its_end_without_a_reload(house: House) -> None:
    async with looking(house) as page:
        await page.evaluate("window.still = 'the same page'")
        live = page.locator("#live")
        calls = page.locator("#live-calls")
        await expect(calls).to_contain_text("Nobody is on the telephone")
        row = page.locator(f"tr[data-device='{STATION}']")
        await expect(row).to_contain_text("not registered")
        async with house.phone(STATION) as station, house.phone(OFFICE) as office:
            await asyncio.gather(station.registered(), office.registered())
            await expect(live).to_contain_text("2 / 2")
            await expect(row).to_contain_text("not in use")
            await station.dial("8101")
            await office.event("CALL_INCOMING")
            call = page.locator("tr[data-key]")
            await expect(call).to_contain_text("it rings")
            await expect(call.locator("td").nth(0)).to_contain_text("8003 三病区护士站")
            await expect(call.locator("td").nth(1)).to_contain_text("8101 李医生")
            await expect(call.locator("td").nth(1)).to_contain_text("rings")
            await expect(page.locator(f"tr[data-device='{OFFICE}']")).to_contain_text("rings")
            await office.do("accept")
            await station.event("CALL_ESTABLISHED")
            await expect(call).to_contain_text("they speak")
            await expect(row).to_contain_text("in a call")
            await station.do("hangup")
            await office.event("CALL_CLOSED")
            await expect(calls).to_contain_text("Nobody is on the telephone")
            house.exchange.kill()
            await expect(live).to_contain_text("does not answer")
            await expect(calls).to_have_text("")
            await asyncio.to_thread(house.exchange.start)
            await expect(calls).to_contain_text("Nobody is on the telephone")
        assert await page.evaluate("window.still") == "the same page"


# --- when there is nothing to see ---


def page_of(config: dict[str, Any], **exchange: Any) -> str:
    """What the telephone administrator is told."""
    ports = {"sip": 5060, "ari": free_port(), "rtp": 10_000, "rtp_count": 10}
    said = {"address": "127.0.0.1", "ports": ports} | exchange
    app = create_app(config | ({"exchange": said} if exchange else {}))
    try:
        with app.extensions["wardline"].store.transaction() as tx:
            build(tx)
        client = app.test_client()
        log_in(client, "qian")
        answer = client.get("/telephone?lang=en")
        assert answer.status_code == 200
        return answer.text
    finally:
        app.extensions["wardline"].close()


def test_without_an_exchange_the_page_says_how_there_would_be_one(config: dict[str, Any]) -> None:
    assert "No exchange is configured for the console." in page_of(config)


def test_one_that_does_not_answer_is_no_mistake_of_the_console(config: dict[str, Any]) -> None:
    page = page_of(config, console_password="x")
    assert "does not answer" in page
    assert "See that the exchange runs" in page


@pytest.mark.parametrize(
    "said",
    [
        "here",
        {"console_password": 7},
        {"console_password": "x", "address": "h"},
        {"console_password": "x", "address": "h", "ports": {"ari": "8088", "sip": 5060}},
        {"console_password": "x", "address": "h", "ports": {"ari": 8088}},
        {"console_password": "x", "ports": {"ari": 8088, "sip": 5060}},
        {"console_password": "x", "address": "h", "url": 7, "ports": {"ari": 8088, "sip": 5060}},
    ],
)
def test_a_wrong_setting_is_said_when_the_console_starts(config: dict[str, Any], said: Any) -> None:
    with pytest.raises(ConfigError, match="exchange"):
        create_app(config | {"exchange": said})


def test_the_hospitals_own_exchange_is_looked_at_where_it_is() -> None:
    said = {"url": "https://pbx.example:8089/ari/", "console_password": "x"}
    assert settings.account({"exchange": said}) == Account(
        "https://pbx.example:8089/ari", CONSOLE, "x"
    )


def test_a_telephone_registers_where_the_exchange_listens() -> None:
    ports = {"sip": 5070, "ari": 8088, "rtp": 10_000, "rtp_count": 10}
    ours = {"exchange": {"address": "10.1.2.3", "ports": ports, "tls": {"port": 5071}}}
    assert settings.registrar(ours) == ("10.1.2.3", 5070)
    assert settings.registrar(ours, encrypts=True) == ("10.1.2.3", 5071)
    theirs = {"folder": None, "url": "http://10.1.2.4:8088/ari", "address": "10.1.2.4"}
    assert settings.registrar({"exchange": theirs}) == ("10.1.2.4", 5060)
    assert settings.registrar({}) is None


def test_however_many_look_the_exchange_is_asked_once_a_second() -> None:
    asked: list[str] = []
    now = 0.0
    away = False

    def ask(_account: Account, path: str, _timeout_s: float) -> list[Any]:
        asked.append(path)
        if away:
            raise ExchangeAwayError("away")
        return []

    watch = Watch(Account("http://h/ari", CONSOLE, "x"), ask, lambda: now)
    watch.look()
    watch.look()
    assert asked == ["channels", "bridges", "endpoints"]
    now, away = FRESH_S, True
    for _ in range(2):
        with pytest.raises(ExchangeAwayError):
            watch.look()
    assert asked[3:] == ["channels"], "nor is one that is away asked by each"
    now, away = 2 * FRESH_S, False
    assert watch.look().talks == ()
