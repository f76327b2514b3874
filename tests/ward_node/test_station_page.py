"""The station's own page in a real browser."""

import asyncio
import re
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.conftest import chromium
from tests.e2e.conftest import CHROMIUM_ARGS
from ward_node.cpython.station import page as station_page

NOW_MS = 10_000_000
CALLS = [
    {"bed": "12+1", "wants": "emergency", "urgent": True, "since_ms": NOW_MS - 65_000,
     "at_least": False, "alone": True, "accepted": False},
    {"bed": "5", "wants": "call", "urgent": False, "since_ms": NOW_MS - 3_700_000,
     "at_least": True, "alone": True, "accepted": False},
    {"bed": "7", "wants": "drip", "urgent": False, "since_ms": NOW_MS - 30_000,
     "at_least": False, "alone": False, "accepted": True},
]  # fmt: skip
ALONE = {"broker": True, "central": False, "calls": CALLS}


class Served:
    """A page in an event loop of its own, as in a node."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        self.page = station_page.Page("3", "zh", lambda: NOW_MS)
        self.call(self.page.start())

    def call(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def show(self, picture: dict[str, Any], lang: str = "zh") -> None:
        self.page.show(picture, lang)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.page.port}/"

    def close(self) -> None:
        self.call(self.page.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served()
    yield made
    made.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium(), args=CHROMIUM_ARGS)
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser, served: Served) -> Iterator[Page]:
    made = browser.new_page(viewport={"width": 1280, "height": 800})
    asked: list[str] = []
    made.on("request", lambda request: asked.append(request.url))
    errors: list[str] = []
    made.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    made.goto(served.url)
    yield made
    made.close()
    assert {re.sub(r"[?].*", "", each) for each in asked if not each.startswith(served.url)} <= {
        "data:,"
    }
    # A server that is gone makes the browser say so; nothing else may go wrong.
    assert [each for each in errors if "Failed to load resource" not in each] == []


def test_alone_it_shows_bed_what_how_long_by_shape_and_word(opened: Page, served: Served) -> None:
    served.show(ALONE)
    rows = opened.locator("#calls li")
    expect(rows).to_have_count(3)
    expect(opened.locator("#stand")).to_contain_text("病区独立运行中。")
    assert rows.locator(".bed b").all_text_contents() == ["12+1", "5", "7"]
    expect(rows.nth(0)).to_contain_text("紧急呼叫")
    expect(rows.nth(0).locator(".age")).to_have_text(re.compile(r"^1分[5-9]秒$"))
    expect(rows.nth(1).locator(".age")).to_have_text(re.compile(r"^≥ 1小时1分$"))
    expect(rows.nth(0)).to_have_class("urgent ringing")
    expect(rows.nth(2)).to_have_class("soon calm")
    shapes = [rows.nth(n).locator(".sign i").evaluate("e => getComputedStyle(e).clipPath")
              for n in range(2)]  # fmt: skip
    assert shapes[0].startswith("polygon")
    assert shapes[1].startswith("circle")
    # From three metres: the bed's number is at least a twentieth of the screen's height.
    size = rows.nth(0).locator(".bed b").evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
    assert size >= 40
    served.show(ALONE | {"calls": []})
    expect(rows).to_have_count(0)
    expect(opened.locator("#nobody")).to_have_text("目前没有呼叫。")


def test_it_says_how_the_ward_stands(opened: Page, served: Served) -> None:
    stand = opened.locator("#stand")
    served.show({"broker": True, "central": True, "calls": []})
    expect(stand).to_contain_text("中心工作正常。")
    served.show({"broker": True, "central": True, "calls": CALLS})
    expect(stand).to_contain_text("本站代中心播报。")
    served.show({"broker": False, "central": False, "calls": CALLS})
    expect(stand).to_contain_text("本站收不到床位呼叫。")
    expect(opened.locator("body")).to_have_class("stale")


def test_a_page_whose_box_is_gone_says_so_and_recovers(opened: Page, served: Served) -> None:
    served.show(ALONE)
    expect(opened.locator("#calls li")).to_have_count(3)
    port = served.page.port
    served.call(served.page.close())
    expect(opened.locator("#stand")).to_contain_text("此页面未实时更新。", timeout=20_000)
    expect(opened.locator("#calls li")).to_have_count(3)
    served.page = station_page.Page("3", "zh", lambda: NOW_MS, port=port)
    served.page.show(ALONE, "zh")
    served.call(served.page.start())
    expect(opened.locator("#stand")).to_contain_text("病区独立运行中。", timeout=20_000)


def test_it_speaks_english_too(browser: Browser, served: Served) -> None:
    served.show(ALONE)
    page = browser.new_page()
    page.goto(served.url + "?lang=en")
    expect(page.locator("h1")).to_have_text("Nurse station, ward 3")
    expect(page.locator("#calls li").first).to_contain_text("Staff emergency")
    page.close()


def test_both_languages_have_the_same_words() -> None:
    chinese, english = station_page.words("zh"), station_page.words("en")
    assert chinese.keys() == english.keys()
    for key, text in chinese.items():
        assert set(re.findall(r"{\w+}", key)) == set(re.findall(r"{\w+}", text))
    script = (station_page.HERE / "page.js").read_text(encoding="utf-8")
    source = (station_page.HERE / "page.py").read_text(encoding="utf-8")
    used = set(re.findall(r'words\["(.+?)"\]', script)) | set(
        re.findall(r'said\["(.+?)"\]', source)
    )
    assert used == chinese.keys()
