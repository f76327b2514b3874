"""The patient's page on a telephone and on a screen: in one language, whole, shut to nobody."""

import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright
from werkzeug.serving import make_server

from tests.browser import ARGUMENTS, WAIT_MS
from tests.conftest import chromium
from tests.console.readable import not_chinese, outside, shut_out, watch
from tests.patients.conftest import CARD, PIN
from tests.portal.test_portal import app, booked, made  # noqa: F401
from tests.visitor import store_of

PAGES = {"zh": ("/my", "/my/fees", "/my/places"), "en": ("/my/fees", "/my/nothing-here")}


@pytest.fixture
def served(app: Flask) -> Iterator[str]:  # noqa: F811
    booked(store_of(app))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    running = threading.Thread(target=server.serve_forever)
    running.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    running.join()
    server.server_close()


@pytest.fixture
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield running
        running.close()


def trouble_of(page: Page, lang: str) -> list[str]:
    return shut_out(page) + outside(page) + (not_chinese(page) if lang == "zh" else [])


def visit(browser: Browser, address: str, lang: str, size: ViewportSize, dark: bool) -> list[str]:
    """Log in, look at every page, log out; what is wrong with them."""
    page = browser.new_page(viewport=size, color_scheme="dark" if dark else "light")
    watch(page.context)
    page.set_default_timeout(WAIT_MS)
    found: list[str] = []

    def look() -> None:
        found.extend(f"{page.url} {each}" for each in trouble_of(page, lang))

    page.goto(f"{address}/my/login?lang={lang}")
    look()
    page.fill("#card", CARD)
    page.fill("#pin", PIN)
    page.press("#pin", "Enter")
    page.wait_for_url(f"{address}/my")
    for path in PAGES[lang]:
        page.goto(address + path)
        if path == "/my/fees":
            assert page.locator("svg .bar").count() == 3
        look()
    page.goto(f"{address}/my/places")
    page.click("header form button")
    page.wait_for_url("**/my/login")
    page.goto(f"{address}/my")
    assert page.url.startswith(f"{address}/my/login")
    page.close()
    return found


def test_a_patient_logs_in_reads_and_logs_out(served: str, browser: Browser) -> None:
    found = visit(browser, served, "zh", {"width": 390, "height": 844}, dark=False)
    found += visit(browser, served, "en", {"width": 1280, "height": 800}, dark=True)
    assert not found, "\n".join(found)
