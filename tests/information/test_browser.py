"""An entry is edited in a real browser, and read by everybody on a telephone and on a screen."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page, ViewportSize, expect, sync_playwright
from werkzeug.serving import make_server

from central.clock import FakeClock
from central.store import Store
from provisioning import demo_information
from tests.browser import ARGUMENTS, WAIT_MS
from tests.conftest import chromium
from tests.console.readable import not_chinese, outside, shut_out, watch
from tests.information.conftest import ring
from tests.visitor import PASSWORD, console, hire, store_of

PHONE: ViewportSize = {"width": 390, "height": 844}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
# The others are looked at with the console's (`tests/console/busy.py`).
PATHS = {
    "zh": ("/medicines/10001", "/search?q=血压", "/experts/999"),
    "en": ("/advice/602", "/search?q=血压"),
}


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    with console(tmp_path, FakeClock()) as made:
        hire(made, "qian", "telephone_admin")
        with store_of(made).transaction() as tx:
            demo_information.enter(tx)
        yield made


@pytest.fixture
def served(app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, app, threaded=True)
    running = threading.Thread(target=server.serve_forever)
    running.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    running.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield running
        running.close()


def page_of(browser: Browser, size: ViewportSize, scheme: str = "light") -> Page:
    page = browser.new_page(viewport=size, color_scheme="dark" if scheme == "dark" else "light")
    page.set_default_timeout(WAIT_MS)
    return page


def test_what_is_edited_is_heard_and_read(app: Flask, served: str, browser: Browser) -> None:
    store: Store = store_of(app)
    page = page_of(browser, DESKTOP)
    page.goto(f"{served}/login?lang=en")
    page.fill("#name", "qian")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/telephone")
    page.click("text=Public information")
    page.click("text=Experts")
    page.click("text=Shen Minghua")
    page.fill("#clinic_zh", "每天 9:00-10:00")
    page.fill("#clinic_en", "Every day 9:00-10:00")
    page.click("text=Save")
    expect(page.locator("#heard")).to_contain_text("九点整到十点整")
    expect(page.locator("#heard")).to_contain_text("nine o'clock in the morning to ten o'clock")
    assert "出诊时间:每天九点整到十点整。" in ring(store).press("12").press("101#").last()
    assert "Clinic hours: Every day nine" in ring(store, "en").press("12").press("101#").last()
    # Readers: found by the first letters, in their language.
    reader = page_of(browser, PHONE)
    reader.goto(f"{served}/information?lang=zh")
    reader.fill("input[name=q]", "smh")
    reader.press("input[name=q]", "Enter")
    reader.click("text=沈明华")
    expect(reader.locator("article")).to_contain_text("每天 9:00-10:00")
    reader.click("text=English")
    expect(reader.locator("article")).to_contain_text("Every day 9:00-10:00")
    assert reader.url == f"{served}/information/experts/101?lang=en"
    assert reader.context.cookies() == []
    # Switched off: gone for both at once.
    page.goto(f"{served}/contents")
    page.click("#section-experts button")
    expect(page.locator("#section-experts")).to_contain_text("off for callers")
    assert "专家" not in ring(store).last()
    reader = page_of(browser, PHONE)
    reader.goto(f"{served}/information?lang=zh")
    expect(reader.locator("main")).not_to_contain_text("专家介绍")
    expect(reader.locator("main")).to_contain_text("药品查询")


def test_everybody_can_read_it(served: str, browser: Browser) -> None:
    found: list[str] = []
    for lang, size, scheme in (("zh", PHONE, "light"), ("en", DESKTOP, "dark")):
        page = page_of(browser, size, scheme)
        watch(page.context)
        for path in PATHS[lang]:
            joint = "&" if "?" in path else "?"
            page.goto(f"{served}/information{path}{joint}lang={lang}")
            trouble = shut_out(page) + outside(page)
            if lang == "zh":
                trouble += not_chinese(page)
            found += [f"{path} {each}" for each in trouble]
        page.emulate_media(media="print")
        assert not page.locator("header").is_visible()
        page.close()
    assert not found, "\n".join(found)
