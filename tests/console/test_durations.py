"""Durations: the same words in Python, in the browser and on a station's own page."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from central.console import durations
from central.words import LOCALES, seen
from tests.conftest import chromium
from tests.console.site import Site
from ward_node.cpython.station import page as station

SECONDS = (-5, 0, 9, 59, 60, 61, 130, 3599, 3600, 3659, 3660, 3900, 7200, 90_000)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    opened = browser.new_page()
    opened.goto(f"http://127.0.0.1:{site.port}/login")
    yield opened
    opened.close()


def in_python(lang: str) -> list[str]:
    told = []
    for each in SECONDS:
        words, values = durations.form(each * 1000 + 999)
        told.append(seen(lang, words, **values))
    return told


def test_they_read_as_people_say_them() -> None:
    english = dict(zip(SECONDS, in_python("en"), strict=True))
    assert english[-5] == "0 s"
    assert (english[60], english[130]) == ("1 min", "2 min 10 s")
    assert (english[3600], english[3900]) == ("1 h", "1 h 5 min")
    chinese = dict(zip(SECONDS, in_python("zh"), strict=True))
    assert (chinese[9], chinese[130], chinese[3900]) == ("9秒", "2分10秒", "1小时5分")


@pytest.mark.parametrize("lang", LOCALES)
def test_the_pages_scripts_say_the_same(site: Site, page: Page, lang: str) -> None:
    page.goto(f"http://127.0.0.1:{site.port}/login?lang={lang}")
    said = page.evaluate("all => all.map((s) => Durations.lasted(s * 1000 + 999))", list(SECONDS))
    assert said == in_python(lang)


@pytest.mark.parametrize("lang", LOCALES)
def test_a_stations_own_page_has_the_same_words(lang: str) -> None:
    own = station.words(lang)
    for _below, _zero, words in durations.FORMS:
        there = re.sub(r"%\((\w+)\)s", r"{\1}", words)
        assert own[there] == re.sub(r"%\((\w+)\)s", r"{\1}", seen(lang, words))
