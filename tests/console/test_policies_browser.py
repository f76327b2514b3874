"""The policy form in a real browser, by keyboard, with and without scripts."""

import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect, sync_playwright

from central.escalation import model
from central.wards import model as wards
from tests.browser import WAIT_MS
from tests.conftest import chromium
from tests.console.site import Site
from tests.visitor import PASSWORD

LEAST_PX = 44


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(
            executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"]
        )
        yield running
        running.close()


def opened(browser: Browser, site: Site, **options: Any) -> Page:
    """The form of ward 3 as head nurse wang sees it."""
    with site.store.transaction() as tx:
        wards.set_neighbour(tx, "3", "5")
    context = browser.new_context(viewport={"width": 1400, "height": 900}, **options)
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"http://127.0.0.1:{site.port}/login?next=/policies/3")
    page.fill("#name", "wang")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    expect(page.locator("#policy-form")).to_be_visible()
    return page


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    complaints: list[str] = []
    made = opened(browser, site)
    made.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    yield made
    made.context.close()
    assert [each for each in complaints if "409" not in each] == []


def test_a_policy_is_changed_and_saved_by_keyboard_alone(site: Site, page: Page) -> None:
    page.locator("#r0s1-after").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("15")
    expect(page.locator('[data-type="toilet"] .timeline')).to_contain_text("15 s")
    expect(page.get_by_text("Changed, not saved yet.")).to_be_visible()
    page.locator("#r0s2-up").press("Enter")
    moved = page.locator('[name="r0s1-target"]')
    expect(moved).to_have_value("neighbour")
    expect(page.locator("#r0s1-up")).to_be_focused()
    page.get_by_role("button", name="Save").press("Enter")
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()
    steps = model.active(site.store.read(), "3")["rules"][0]["steps"]
    assert steps[1] == {"after_s": 15, "target": {"kind": "neighbour"}}


def test_what_was_typed_before_the_scripts_came_counts(site: Site, page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/policy.js*", hold)
    with page.expect_request("**/policy.js*"):
        page.goto(page.url, wait_until="commit")
    page.locator("#r0s1-after").fill("15")
    held[0].continue_()
    expect(page.locator('[data-type="toilet"] .timeline')).to_contain_text("15 s")
    expect(page.get_by_text("Changed, not saved yet.")).to_be_visible()


def test_a_step_is_added_whatever_is_typed_before_the_answer_comes(site: Site, page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        if held or "do=" not in (route.request.post_data or ""):
            route.continue_()
        else:
            held.append(route)

    page.route("**/policies/3", hold)
    page.reload()
    with page.expect_request("**/policies/3"):
        page.get_by_role("button", name="Add a step to rule 2").click()
    page.locator("#r0s1-after").fill("15")
    expect(page.locator('[data-type="toilet"] .timeline')).to_contain_text("15 s")
    page.locator("#r0s2-after").fill("25")
    held[0].continue_()
    expect(page.locator("#r1s5")).to_be_visible()
    expect(page.locator("#r0s1-after")).to_have_value("15")
    expect(page.locator("#r0s2-after")).to_have_value("25")


@contextmanager
def in_two_parts(site: Site, cookie: str, up_to: bytes) -> Iterator[tuple[str, threading.Event]]:
    """The address of a server that hands on what the console says, and the event upon which it
    goes on with a page behind `up_to`, a pattern."""
    goes_on = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urllib.request.Request(f"http://127.0.0.1:{site.port}{self.path}")
            asked.add_header("Cookie", cookie)
            with urllib.request.urlopen(asked, timeout=WAIT_MS / 1000) as answer:
                body, kind = answer.read(), answer.headers["Content-Type"]
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            found = re.search(up_to, body, re.DOTALL)
            at = found.end() if found else len(body)
            self.wfile.write(body[:at])
            if found:
                goes_on.wait(WAIT_MS / 1000)
                self.wfile.write(body[at:])

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever)
        serving.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", goes_on
        finally:
            goes_on.set()
            server.shutdown()
            serving.join()


@pytest.mark.parametrize("step", ["r0s0", "r0s1", "r1s0"])
def test_every_step_shows_when_the_page_comes_slowly(site: Site, page: Page, step: str) -> None:
    """Chromium took the box of a step away for good when a choice in it came in two parts, while
    its list was a size container."""
    up_to = f'name="{step}-target".*?<option'
    cookie = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    boxes = (
        "() => [...document.querySelectorAll('.step')].map((each) => each.getClientRects().length)"
    )
    with in_two_parts(site, cookie, up_to.encode()) as (address, goes_on):
        page.goto(f"{address}/policies/3", wait_until="commit")
        expect(page.locator(f"#{step}")).to_be_visible()
        page.evaluate(boxes)  # lays out what is there
        goes_on.set()
        page.wait_for_load_state()
        shown = page.evaluate(boxes)
    assert len(shown) > 10
    assert set(shown) == {1}


def test_nothing_is_changed_on_a_page_that_just_came(page: Page) -> None:
    with page.expect_event("load"):
        page.reload()
    expect(page.locator("[data-changed]")).to_be_hidden()


def test_a_hole_shows_as_it_is_made_and_saving_is_refused(site: Site, page: Page) -> None:
    page.locator("#r1-from").fill("22:00")
    page.locator("#r1-to").fill("06:00")
    verdict = page.locator("#verdict")
    expect(verdict).to_contain_text("3 holes")
    nurse = page.locator('[data-type="nurse"]').first
    expect(nurse).to_contain_text("06:00–22:00")
    expect(nurse).to_contain_text("No rule fits: the call would reach nobody.")
    page.locator('[name="r0s4-target"]').select_option("ward_speaker")
    expect(page.locator("#r0s4-holes")).to_contain_text("must be a person")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert").first).to_contain_text("Not saved")
    expect(page.locator("#r1-from")).to_have_value("22:00")
    assert site.store.read().value("SELECT count(*) FROM policies") == 0


def test_without_scripts_everything_works_the_same(site: Site, browser: Browser) -> None:
    page = opened(browser, site, java_script_enabled=False)
    page.locator("#r1s4-remove").click()
    expect(page.locator("#r1s4")).to_have_count(0)
    page.get_by_role("button", name="Add a step to rule 2").click()
    expect(page.locator("#r1s4-after")).to_be_focused()
    page.locator("#r1s4-after").fill("240")
    page.locator("#r1s4-after").press("Enter")
    expect(page.locator('[data-type="nurse"] .timeline')).to_contain_text("4 min")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved as version 1.")).to_be_visible()
    last = model.active(site.store.read(), "3")["rules"][1]["steps"][-1]
    assert last == {"after_s": 240, "target": {"kind": "role", "role": "duty_manager"}}
    page.context.close()


def test_everything_that_is_pressed_is_large_enough(page: Page) -> None:
    page.locator("details summary").last.click()
    small = page.evaluate(
        """least => [...document.querySelectorAll(
            "main :is(.btn, input, select, label.choice, summary)")]
            .filter((each) => each.offsetParent && !each.closest("label.choice:not(:scope)")
                    && !each.classList.contains("visually-hidden"))
            .filter((each) => each.getBoundingClientRect().height < least
                    || each.getBoundingClientRect().width < least)
            .map((each) => each.outerHTML.slice(0, 80))""",
        LEAST_PX,
    )
    assert small == []
