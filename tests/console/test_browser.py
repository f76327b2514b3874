"""The board in a real browser: what a nurse sees, hears and does."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from central.calls import model as calls_model
from central.calls import service as calls
from central.wards import model as wards
from tests.browser import ARGUMENTS, WAIT_MS
from tests.conftest import chromium, wait_for
from tests.console.conftest import PASSWORD
from tests.console.site import Site

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    """The board of ward 3, live, as nurse li sees it."""
    site.live()
    context = browser.new_context(viewport={"width": 1600, "height": 900})
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    open_board(page, site)
    yield page
    context.close()


def open_board(page: Page, site: Site) -> None:
    page.goto(f"http://127.0.0.1:{site.port}/login?lang=en")
    page.fill("#name", "li")
    page.fill("#password", PASSWORD)
    page.press("#password", "Enter")
    page.wait_for_url("**/board/3")
    expect(page.locator("#nobody, .row-call").first).to_be_visible()


def call(site: Site, bed: str, type: str) -> int:
    with site.store.transaction() as tx:
        made = calls.open_call(tx, "3", bed, type)
    site.nudge()
    return made


def test_calls_appear_by_priority_then_age_with_shape_word_and_clock(
    site: Site, page: Page
) -> None:
    call(site, "1", "nurse")
    call(site, "2", "infusion")
    call(site, "3", "emergency")
    rows = page.locator(".row-call")
    expect(rows).to_have_count(3)
    beds = [rows.nth(place).get_attribute("data-bed") for place in range(3)]
    assert beds == ["3", "1", "2"]
    first = rows.first
    expect(first).to_contain_text("Staff emergency")
    expect(first).to_contain_text("emergency")
    expect(first.locator(".bangs")).to_have_text("!!!")
    shape = "e => getComputedStyle(e).clipPath"
    assert len(set(rows.locator(".shape").evaluate_all(f"all => all.map({shape})"))) == 2
    expect(first.locator(".age")).to_have_text(re.compile(r"^[1-9] s$"))
    bed, what = (
        first.locator(part).evaluate("e => parseFloat(getComputedStyle(e).fontSize)")
        for part in (".bed b", ".what b")
    )
    assert bed > what > 30, "the bed number is the largest"


def test_a_call_is_accepted_by_keyboard_alone(site: Site, page: Page) -> None:
    made = call(site, "2", "nurse")
    button = page.get_by_role("button", name="Accept: Bed 2, Nurse call")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".row-call")).to_have_attribute("data-state", "accepted")
    expect(page.locator(".row-call")).to_contain_text("accepted by Li")
    row = calls_model.one(site.store.read(), made)
    assert row is not None
    assert row["accepted_by"] == "li"
    page.get_by_role("button", name="On the way").click()
    expect(page.locator(".row-call")).to_contain_text("Li is on the way")


def test_only_what_nobody_accepted_blinks_and_reduced_motion_stops_it(
    site: Site, page: Page
) -> None:
    site.live()  # a board that is not live is greyed and still
    with site.store.transaction() as tx:
        accepted = calls.open_call(tx, "3", "1", "nurse")
        calls.accept(tx, accepted, "li", "board")
    waiting = call(site, "2", "nurse")
    expect(page.locator(".row-call")).to_have_count(2)

    def moves(call_id: int, name: str) -> None:
        sign = page.locator(f'[data-call-id="{call_id}"] .sign')
        expect(sign).to_have_css("animation-name", name)

    moves(waiting, "blink")
    moves(accepted, "none")
    page.emulate_media(reduced_motion="reduce")
    moves(waiting, "none")


def test_there_is_a_tone_after_one_click_and_the_call_counts_as_heard(
    site: Site, browser: Browser
) -> None:
    site.live()
    made = call(site, "2", "nurse")
    # A screen that was switched on: no click has been made on it yet.
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"http://127.0.0.1:{site.port}/board/kiosk?token={site.token}&lang=en")
    expect(page.locator(".row-call")).to_have_count(1)
    sound = page.locator("#sound")
    expect(sound).to_have_attribute("aria-pressed", "false")
    expect(sound).to_contain_text("No sound yet")

    def heard_ms() -> int | None:
        return site.store.read().value("SELECT heard_ms FROM calls WHERE id = ?", (made,))

    assert heard_ms() is None, "nobody has heard it"
    sound.click()
    expect(sound).to_have_attribute("aria-pressed", "true")
    assert wait_for(heard_ms, "the call to be heard")
    context.close()


def test_tones_differ_by_priority_and_an_emergency_is_never_silent(site: Site, page: Page) -> None:
    pulses = page.evaluate(
        "() => Object.fromEntries("
        "Object.entries(Tones.BURSTS).map(([name, burst]) => [name, burst.notes.length]))"
    )
    assert pulses == {"high": 5, "medium": 3, "low": 2}
    with site.store.transaction() as tx:
        tx.execute(
            """UPDATE wards SET settings = '{"day_volume": 0, "emergency_floor": 0}'"""
            " WHERE id = '3'"
        )
    page.reload()
    page.evaluate(
        "() => { window.played = []; const sound = Tones.sound;"
        " Tones.sound = (p, v) => { window.played.push([p, v]); return sound(p, v); }; }"
    )
    page.locator("#quiet").click()
    call(site, "1", "nurse")
    call(site, "3", "emergency")
    page.wait_for_function("() => window.played.length > 0")
    played = page.evaluate("() => window.played")
    assert {priority for priority, _ in played} == {"high"}, "the others are muted by the ward"
    assert min(volume for _, volume in played) >= 0.5


def test_it_says_when_it_is_not_live_and_recovers_by_itself(site: Site, page: Page) -> None:
    call(site, "2", "nurse")
    rows = page.locator(".row-call")
    expect(rows).to_have_count(1)
    banner = page.locator("#not-live")
    expect(banner).to_be_hidden()

    site.silent()
    expect(banner).to_contain_text("bridge is not answering")
    expect(banner).to_contain_text(re.compile(r"Not live since \d\d:\d\d"))
    site.live()
    expect(banner).to_be_hidden()

    site.stop()
    expect(banner).to_contain_text("console does not answer")
    expect(rows).to_have_count(1)
    assert "grayscale" in page.locator("#rows").evaluate("e => getComputedStyle(e).filter")

    with site.store.transaction() as tx:
        calls.open_call(tx, "3", "4", "emergency")
    site.process = site.start()
    expect(banner).to_be_hidden()
    expect(rows).to_have_count(2)


def test_a_board_whose_log_in_is_over_says_so(site: Site, page: Page) -> None:
    with site.store.transaction() as tx:
        tx.execute("UPDATE users SET disabled = 1 WHERE name = 'li'")
    expect(page.locator("#not-live")).to_contain_text("log-in of this board is over")
    expect(page.get_by_role("link", name="Log in again")).to_be_visible()


def test_a_browser_asks_nobody_but_the_console(site: Site, browser: Browser) -> None:
    site.live()
    context = browser.new_context()
    page = context.new_page()
    hosts: set[str] = set()
    complaints: list[str] = []
    page.on("request", lambda request: hosts.add(request.url.split("/")[2]))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    open_board(page, site)
    for path in ("/beds", "/board/3?lang=zh", "/search?q=1", "/me"):
        page.goto(f"http://127.0.0.1:{site.port}{path}")
    context.close()
    assert hosts == {f"127.0.0.1:{site.port}"}
    assert complaints == [], "nothing is blocked by the content security policy either"


def test_a_call_is_handed_to_the_neighbour_ward_with_one_click(site: Site, page: Page) -> None:
    with site.store.transaction() as tx:
        wards.set_neighbour(tx, "3", "5")
    made = call(site, "2", "nurse")
    page.reload()
    page.get_by_role("button", name="Hand over to Ward 5").click()
    expect(page.locator("#message")).to_contain_text("Bed 2 is shown")
    assert [each["ward"] for each in calls_model.targets(site.store.read(), made)] == ["5"]


def test_speaking_to_the_ward_is_one_click_away_and_asks_only_what_the_time_needs(
    site: Site, page: Page
) -> None:
    page.get_by_role("link", name="Speak to the ward").click()
    expect(page.get_by_label("Ward 3")).to_be_checked()
    expect(page.get_by_label("Words")).to_be_focused()
    day, clock = page.get_by_label("Day", exact=True), page.get_by_label("Time", exact=True)
    weekday = page.get_by_label("Mon")
    for chosen, shown in (
        ("Now", (False, False, False)),
        ("Once, on this day at this time", (True, True, False)),
        ("At this time on these days of the week", (False, True, True)),
    ):
        page.get_by_label(chosen).check()
        for field, visible in zip((day, clock, weekday), shown, strict=True):
            expect(field).to_be_visible(visible=visible)
