"""The technician's page in a real browser: keys, what shows at once, and what others do."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, Request, Route, expect, sync_playwright

from central.console import service as people
from central.exams import rooms, service
from tests.browser import ARGUMENTS, WAIT_MS
from tests.conftest import chromium
from tests.console.conftest import PASSWORD
from tests.console.site import Site

pytestmark = pytest.mark.long


@pytest.fixture
def site(tmp_path: Path, broker: int) -> Iterator[Site]:
    made = Site(tmp_path, broker)
    yield made
    made.close()


def test_a_morning_by_keys_alone(site: Site) -> None:
    with _technician(site) as page:
        screen = page.context.browser.new_page()  # type: ignore[union-attr]
        screen.goto(f"http://127.0.0.1:{site.port}/board/kiosk?token={_token(site)}")
        _keys(site, page, screen)


def test_presses_arrive_in_the_order_of_the_keys(site: Site) -> None:
    with _technician(site) as page:
        asked: list[str] = []
        held: list[Route] = []
        page.route("**/1/start", lambda route: held.append(route))
        page.reload()  # a page that is there already may still ask past that
        _states(page, n1="checked_in", n2="checked_in")
        with page.expect_request("**/us/next"):
            page.keyboard.press("n")
        _states(page, n1="called")

        def note(request: Request) -> None:
            if request.method == "POST":  # the stream may be asked for anew at any time
                asked.append(request.url.rpartition("/exams/")[2])

        page.on("request", note)
        with page.expect_request("**/1/start"):
            for key in "sdns":
                page.keyboard.press(key)
        _states(page, n1="done", n2="running")
        assert asked == ["1/start"]
        with page.expect_request_finished(lambda request: request.url.endswith("/2/start")):
            held.pop().continue_()
        assert asked == ["1/start", "1/finish", "us/next", "2/start"]
        _states(page, n1="done", n2="running")
    with site.store.transaction() as tx:
        told = tx.all("SELECT state FROM exam_bookings ORDER BY id")
    assert [row["state"] for row in told] == ["done", "running", "checked_in"]


@contextmanager
def _technician(site: Site) -> Iterator[Page]:
    """The page of a room with three people, in a browser."""
    with site.store.transaction() as tx:
        rooms.put(tx, rooms.Room("us", "超声一室", "Ultrasound 1"), "e")
        for n in range(1, 4):
            service.book(tx, "us", f"P{n}", "chen")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(WAIT_MS)
        page.goto(f"http://127.0.0.1:{site.port}/login?lang=en")
        page.fill("#name", "chen")
        page.fill("#password", PASSWORD)
        page.press("#password", "Enter")
        page.wait_for_url("**/exams")
        page.goto(f"http://127.0.0.1:{site.port}/exams/us")
        yield page
        browser.close()


def _token(site: Site) -> str:
    with site.store.transaction() as tx:
        return people.make_screen(tx, None, "corridor", "admin", room="us")


def _states(page: Page, **expected: str) -> None:
    for number, state in expected.items():
        row = page.locator(f"[data-exam='{number[1:]}']")
        expect(row).to_have_attribute("data-state", state)


def _keys(site: Site, page: Page, screen: Page) -> None:
    _states(page, n1="checked_in", n2="checked_in", n3="checked_in")
    page.keyboard.press("n")
    _states(page, n1="called")
    expect(screen.locator("[data-part=called]")).to_have_text("1")
    page.keyboard.press("s")
    _states(page, n1="running")
    page.keyboard.press("n")
    _states(page, n2="called")
    # The first one is still inside: what the key showed at once is taken back, with the reason.
    page.keyboard.press("s")
    expect(page.locator("[data-part=message]")).to_contain_text("Number 1 is still being examined")
    _states(page, n1="running", n2="called")
    page.keyboard.press("a")
    _states(page, n2="absent")
    # Somebody else, at another place, ends the first one.
    with site.store.transaction() as tx:
        service.do(tx, 1, "finish", "wang")
    site.nudge("exams")
    expect(page.locator("[data-part=over] [data-exam='1']")).to_have_count(1)
    expect(page.locator("[data-part=rows] [data-exam]")).to_have_count(2)
    expect(screen.locator("[data-part=next] li")).to_have_text(["3", "2"])
    assert "P2" not in screen.inner_text("body")
