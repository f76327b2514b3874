"""The editor in a real browser: a mistake is shown as it is typed, mended, and heard when live."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from central.flows import service
from tests.browser import WAIT_MS
from tests.conftest import chromium
from tests.console.site import Site
from tests.visitor import PASSWORD

OLD, NEW = "Welcome to the hospital's service centre.", "Good evening from the night desk."


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
    complaints: list[str] = []
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    made = context.new_page()
    made.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.set_default_timeout(WAIT_MS)
    made.goto(f"http://127.0.0.1:{site.port}/login?next=/flows/main")
    made.fill("#name", "admin")
    made.fill("#password", PASSWORD)
    made.press("#password", "Enter")
    yield made
    context.close()
    assert complaints == []


def test_a_change_is_checked_as_it_is_typed_goes_live_and_is_heard(site: Site, page: Page) -> None:
    text, checked = page.locator("#text"), page.locator("#checked")
    shipped = service.shipped_texts()["main"]
    expect(text).to_have_value(shipped)
    expect(checked).to_contain_text("No problems.")
    # A step that is nowhere, and no English.
    lines = shipped.splitlines()
    at = next(n for n, line in enumerate(lines) if OLD in line)
    text.fill("\n".join([*lines[:at], *lines[at + 1 :]]))
    problem = checked.locator(".problem-list")
    expect(problem).to_contain_text("en is missing in steps.welcome.say")
    expect(checked).to_contain_text("To be translated: English: welcome")
    text.fill(
        shipped.replace(OLD, NEW).replace(
            "flow: fees\n    then: choose", "flow: fees\n    then: sky"
        )
    )
    expect(problem).to_contain_text("and there is no such step")
    expect(checked.locator("[data-step=fees].is-wrong")).to_be_visible()
    # The problem leads to its line.
    problem.locator("a").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "text"
    assert page.evaluate("getSelection().toString().trim()") == "fees:"
    # What is typed is tried before anybody hears it.
    text.fill(shipped.replace(OLD, NEW))
    expect(checked).to_contain_text("No problems.")
    page.select_option("#spoken", "en")
    page.get_by_role("button", name="Call", exact=True).click()
    heard = page.locator(".heard")
    expect(heard).to_contain_text(NEW)
    expect(checked.locator("[data-step=choose].is-here")).to_be_visible()
    page.keyboard.press("1")
    expect(heard).to_contain_text("Please enter your card number")
    page.keyboard.press("6")
    expect(heard.locator(".pressed").last).to_have_text("•")
    assert service.current(site.store.read(), site.store.read().now_ms) == service.shipped()
    page.get_by_role("button", name="Go live now").first.click()
    expect(page.get_by_text("Version 1 is live")).to_be_visible()
    tx = site.store.read()
    assert service.current(tx, tx.now_ms)["main"].steps["welcome"].words["en"] == NEW
    # By keyboard from the picture to a line.
    page.wait_for_load_state()  # with its scripts
    checked.locator("[data-step=sorry]").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("getSelection().toString().trim()") == "sorry:"
