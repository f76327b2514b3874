"""What a head nurse sees in a real browser: worst first, who is next, what was late."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from central.calls import service as calls
from central.faults import service as faults
from central.technical import service as technical
from tests.browser import ARGUMENTS, WAIT_MS
from tests.conftest import chromium
from tests.console.conftest import PASSWORD
from tests.console.site import Site


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def head(site: Site, browser: Browser) -> Iterator[Page]:
    """The head nurse Wang on her first page."""
    site.live()
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.goto(f"http://127.0.0.1:{site.port}/login?lang=en")
    page.fill("#name", "wang")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/wards")
    yield page
    context.close()


def test_all_wards_go_on_by_themselves_and_say_when_they_are_lost(site: Site, head: Page) -> None:
    cards = head.locator(".ward-card")
    expect(cards.first).to_have_attribute("data-ward", "3")
    link = head.get_by_role("link", name="Ward 3")
    link.focus()
    with site.store.transaction() as tx:
        call = calls.open_call(tx, "5", "2", "nurse")
    expect(cards.first).to_have_attribute("data-ward", "5")
    expect(cards.first).to_contain_text("Bed 2 · Nurse call")
    expect(cards.first).to_contain_text("told next: ward speakers")
    expect(link).to_be_focused()
    expect(head.locator("#late")).to_contain_text("Nothing was late.")

    banner = head.locator("[data-not-live]")
    expect(banner).to_be_hidden()
    site.stop()
    expect(banner).to_contain_text("Not live since")
    expect(cards).to_have_count(2)
    with site.store.transaction() as tx:
        tx.execute("UPDATE calls SET level = 3, exhausted_ms = 0 WHERE id = ?", (call,))
    site.process = site.start()
    expect(banner).to_be_hidden()
    expect(cards.first).to_contain_text("nobody on the list answered")
    late = head.locator(f"#late-{call}")
    expect(late).to_contain_text("passed on as far as: head nurse")


def test_the_board_names_the_next_one_and_the_beds_that_cannot_call(site: Site, head: Page) -> None:
    with site.store.transaction() as tx:
        calls.open_call(tx, "3", "1", "nurse")
        for bed in ("2", "4"):
            faults.raise_fault(tx, ward="3", node="3-box", device=f"bed {bed}", code="silent")
        technical.judge(tx, "3")
    head.goto(f"http://127.0.0.1:{site.port}/board/3")
    rows = head.locator(".row-call")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("ward speakers")
    expect(head.locator('[data-type="outage"] .bed b')).to_have_text("2 4")
    for name in ("Last message again", "Start a drip", "Speak to the ward"):
        tool = head.locator(".tool").filter(has_text=name)
        expect(tool).to_have_accessible_name(name)


def test_a_column_of_durations_is_sorted_by_how_long(site: Site, head: Page) -> None:
    with site.store.transaction() as tx:
        for bed, took_s in (("1", 130), ("2", 50), ("3", 7200)):
            call = calls.open_call(tx, "3", bed, "nurse")
            took = (took_s * 1000, call)
            tx.execute("UPDATE calls SET accepted_ms = opened_ms + ? WHERE id = ?", took)
    head.set_viewport_size({"width": 1280, "height": 800})
    head.goto(f"http://127.0.0.1:{site.port}/calls?ward=3")
    head.get_by_role("button", name="Accepted", exact=True).click()
    beds = head.locator("table[data-sortable] tbody td:nth-child(3)")
    assert beds.all_inner_texts() == ["2", "1", "3"]


def test_paper_is_light_whatever_the_screen_is(site: Site, browser: Browser) -> None:
    context = browser.new_context(color_scheme="dark")
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{site.port}/login")
    root = page.locator("html")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    page.emulate_media(media="print")
    expect(root).to_have_attribute("data-bs-theme", "light")
    page.emulate_media(media="screen")
    expect(root).to_have_attribute("data-bs-theme", "dark")
    context.close()
